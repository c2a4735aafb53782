import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PbfWriter } from 'pbf';

/**
 * ONNX Runtime as a BLAS: a graph of one Gemm node, made in memory, multiplies on all cores with the vector
 * instructions that JavaScript can't reach (about 60 GFLOP/s in double precision on two cores, plain loops 0.8).
 */

const ELEMENT_TYPE = { float32: 1, float64: 11 };
const ATTRIBUTE_TYPE_FLOAT = 1;
const ATTRIBUTE_TYPE_INT = 2;
const IR_VERSION = 8;
const OPSET_VERSION = 13;

type ElementType = keyof typeof ELEMENT_TYPE;
type Numbers = Float32Array | Float64Array;

const sessions = new Map<string, Promise<InferenceSession>>();

/** Which factor of a product is transposed. */
type Transposed = 'neither' | 'a' | 'b';

/**
 * Writes A·B, Aᵀ·B or A·Bᵀ into `result`. All three of one type.
 *
 * @param a `[m, k]` row-major, or `[k, m]` when transposed
 * @param b `[k, n]`, or `[n, k]` when transposed
 * @param result `[m, n]`, overwritten
 */
export async function gemm<T extends Numbers>(
  a: T,
  b: T,
  result: T,
  m: number,
  k: number,
  n: number,
  transposed: Transposed,
): Promise<void> {
  const session = await gemmSession(result, transposed, undefined);
  await session.run(factors(a, b, m, k, n, transposed), { y: tensor(result, m, n) });
}

/**
 * C + A·B or C − A·B in place of C, A or B transposed if asked for.
 *
 * @param a `[m, k]`, or `[k, m]` when transposed
 * @param b `[k, n]`, or `[n, k]` when transposed
 * @param c `[m, n]`
 */
export async function addProduct<T extends Numbers>(
  sign: 1 | -1,
  a: T,
  b: T,
  c: T,
  m: number,
  k: number,
  n: number,
  transposed: Transposed,
): Promise<void> {
  const session = await gemmSession(c, transposed, sign);
  // The kernel copies C to Y before it multiplies, so the two may share their memory.
  const shared = tensor(c, m, n);
  await session.run({ ...factors(a, b, m, k, n, transposed), c: shared }, { y: shared });
}

/** Loads the runtime, for who times what comes after. */
export async function loadRuntime(): Promise<void> {
  await gemmSession(new Float64Array(), 'b', undefined);
}

function factors(a: Numbers, b: Numbers, m: number, k: number, n: number, transposed: Transposed) {
  return {
    a: transposed === 'a' ? tensor(a, k, m) : tensor(a, m, k),
    b: transposed === 'b' ? tensor(b, n, k) : tensor(b, k, n),
  };
}

function tensor(data: Numbers, rows: number, cols: number): Tensor {
  return data instanceof Float32Array
    ? new Tensor('float32', data, [rows, cols])
    : new Tensor('float64', data, [rows, cols]);
}

/** The session of a product of the type of `result`, added to something or not; made once. */
function gemmSession(result: Numbers, transposed: Transposed, sign: 1 | -1 | undefined): Promise<InferenceSession> {
  const type = result instanceof Float32Array ? 'float32' : 'float64';
  const key = `${type} ${transposed} ${sign}`;
  let session = sessions.get(key);
  if (session === undefined) {
    session = InferenceSession.create(gemmModel(type, transposed, sign), {
      // Idle threads must not spin: the next product may run in the other session, or in a network's.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    sessions.set(key, session);
  }
  return session;
}

/**
 * The bytes of an ONNX model with the one node `y = Gemm(a, b)`, or with a sign `y = c ± Gemm(a, b)`; field numbers are
 * those of onnx.proto.
 */
function gemmModel(type: ElementType, transposed: Transposed, sign: 1 | -1 | undefined): Uint8Array {
  const inputs = sign === undefined ? ['a', 'b'] : ['a', 'b', 'c'];
  const node = message((writer) => {
    for (const input of inputs) writer.writeStringField(1, input);
    writer.writeStringField(2, 'y');
    writer.writeStringField(4, 'Gemm');
    if (transposed !== 'neither') {
      writer.writeBytesField(
        5,
        message((attribute) => {
          attribute.writeStringField(1, transposed === 'a' ? 'transA' : 'transB');
          attribute.writeVarintField(3, 1);
          attribute.writeVarintField(20, ATTRIBUTE_TYPE_INT);
        }),
      );
    }
    if (sign !== undefined) {
      writer.writeBytesField(
        5,
        message((attribute) => {
          attribute.writeStringField(1, 'alpha');
          attribute.writeFloatField(2, sign);
          attribute.writeVarintField(20, ATTRIBUTE_TYPE_FLOAT);
        }),
      );
    }
  });
  const graph = message((writer) => {
    writer.writeBytesField(1, node);
    writer.writeStringField(2, 'gemm');
    for (const input of inputs) writer.writeBytesField(11, valueInfo(input, type));
    writer.writeBytesField(12, valueInfo('y', type));
  });
  return message((writer) => {
    writer.writeVarintField(1, IR_VERSION);
    writer.writeBytesField(7, graph);
    writer.writeBytesField(
      8,
      message((opset) => opset.writeVarintField(2, OPSET_VERSION)),
    );
  });
}

/** A matrix of any size. */
function valueInfo(name: string, type: ElementType): Uint8Array {
  const dimension = (axis: string) => message((writer) => writer.writeStringField(2, `${name}_${axis}`));
  const shape = message((writer) => {
    writer.writeBytesField(1, dimension('rows'));
    writer.writeBytesField(1, dimension('cols'));
  });
  const tensorType = message((writer) => {
    writer.writeVarintField(1, ELEMENT_TYPE[type]);
    writer.writeBytesField(2, shape);
  });
  return message((writer) => {
    writer.writeStringField(1, name);
    writer.writeBytesField(
      2,
      message((type) => type.writeBytesField(1, tensorType)),
    );
  });
}

function message(write: (writer: PbfWriter) => void): Uint8Array {
  const writer = new PbfWriter();
  write(writer);
  return writer.finish();
}
