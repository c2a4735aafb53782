import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type NewNode, writeModel } from '../onnx/writeModel.ts';
import type { LowerPanels } from './lowerPanels.ts';
import type { Matrix } from './matrix.ts';

/**
 * ONNX Runtime as a BLAS: a graph of one or a few Gemm nodes, made in memory, multiplies on all cores with the vector
 * instructions that JavaScript can't reach (about 90 GFLOP/s in double precision on two cores, plain loops 0.8). A call
 * costs some 20 µs, so small products that follow each other are one graph.
 */

type Numbers = Float32Array | Float64Array;
type ElementType = 'float32' | 'float64';

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
  const session = await gemmSession(elementType(result), transposed, undefined);
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
  const session = await gemmSession(elementType(c), transposed, sign);
  // The kernel copies C to Y before it multiplies, so the two may share their memory.
  const shared = tensor(c, m, n);
  await session.run({ ...factors(a, b, m, k, n, transposed), c: shared }, { y: shared });
}

/** Adds the lower triangle of A·Aᵀ to the panels that hold it, all in one call. @param a `[size, cols]` */
export async function addGramian<T extends Numbers>({ size, panels }: LowerPanels<T>, a: T): Promise<void> {
  const cols = a.length / size;
  const type = elementType(a);
  const run = await session(
    `${type} gramian ${panels.length}`,
    type,
    panels.flatMap((_, k) => [`a${k}`, `b${k}`, `c${k}`]),
    panels.map((_, k) => ({
      op: 'Gemm',
      inputs: [`a${k}`, `b${k}`, `c${k}`],
      outputs: [`y${k}`],
      attributes: { transB: 1 },
    })),
    panels.map((_, k) => `y${k}`),
  );
  const inputs: Record<string, Tensor> = {};
  const outputs: Record<string, Tensor> = {};
  for (const [k, { first, width, data }] of panels.entries()) {
    const below = a.subarray(first * cols);
    inputs[`a${k}`] = tensor(below, size - first, cols);
    inputs[`b${k}`] = tensor(below.subarray(0, width * cols), width, cols);
    const shared = tensor(data, size - first, width);
    inputs[`c${k}`] = shared;
    outputs[`y${k}`] = shared;
  }
  await run.run(inputs, outputs);
}

/**
 * Writes Σᵢ (A·B)ᵢⱼ² for every column j into `result`, without the product leaving the runtime. All three of one type.
 *
 * @param a `[m, k]`
 * @param b `[k, n]`
 * @param result `[n]`
 */
export async function squaredColumnLengths<T extends Numbers>(
  a: T,
  b: T,
  result: T,
  m: number,
  k: number,
  n: number,
): Promise<void> {
  const type = elementType(result);
  const run = await session(
    `${type} squared column lengths`,
    type,
    ['a', 'b'],
    [
      { op: 'Gemm', inputs: ['a', 'b'], outputs: ['ab'] },
      { op: 'Constant', inputs: [], outputs: ['rows'], attributes: { value_ints: [0] } },
      { op: 'ReduceSumSquare', inputs: ['ab', 'rows'], outputs: ['y'] },
    ],
  );
  await run.run(factors(a, b, m, k, n, 'neither'), { y: tensor(result, 1, n) });
}

/** Loads the runtime, for who times what comes after. */
export async function loadRuntime(): Promise<void> {
  await gemmSession('float64', 'b', undefined);
}

/** The product of r Householder reflections as Q = I − Vᵀ·T·V (Schreiber & Van Loan 1989). */
export interface Reflections {
  /** `[r, m]`, their vectors. */
  v: Matrix;
  /** `[r, r]`, upper triangular. */
  t: Matrix;
}

/** Qᵀ·C, or Q·C when `back`, in place of C `[m, n]`. */
export async function reflectRows({ v, t }: Reflections, c: Matrix, back: boolean): Promise<void> {
  const run = await session(
    `reflect rows ${back}`,
    'float64',
    ['v', 't', 'c'],
    [
      { op: 'Gemm', inputs: ['v', 'c'], outputs: ['vc'] },
      { op: 'Gemm', inputs: ['t', 'vc'], outputs: ['tvc'], attributes: { transA: back ? 0 : 1 } },
      { op: 'Gemm', inputs: ['v', 'tvc', 'c'], outputs: ['y'], attributes: { transA: 1, alpha: { float: -1 } } },
    ],
  );
  const shared = matrixTensor(c);
  await run.run({ v: matrixTensor(v), t: matrixTensor(t), c: shared }, { y: shared });
}

/** Qᵀ·A·Q in place of a symmetric A `[m, m]`: A − W·V − Vᵀ·Wᵀ with W = P − ½·Vᵀ·Tᵀ·V·P and P = A·Vᵀ·T. */
export async function reflectBothSides({ v, t }: Reflections, a: Matrix): Promise<void> {
  const run = await session(
    'reflect both sides',
    'float64',
    ['v', 't', 'a'],
    [
      { op: 'Gemm', inputs: ['a', 'v'], outputs: ['av'], attributes: { transB: 1 } },
      { op: 'Gemm', inputs: ['av', 't'], outputs: ['p'] },
      { op: 'Gemm', inputs: ['v', 'p'], outputs: ['vp'] },
      { op: 'Gemm', inputs: ['t', 'vp'], outputs: ['tvp'], attributes: { transA: 1 } },
      { op: 'Gemm', inputs: ['v', 'tvp', 'p'], outputs: ['w'], attributes: { transA: 1, alpha: { float: -0.5 } } },
      { op: 'Transpose', inputs: ['v'], outputs: ['vt'] },
      { op: 'Transpose', inputs: ['w'], outputs: ['wt'] },
      { op: 'Concat', inputs: ['w', 'vt'], outputs: ['left'], attributes: { axis: 1 } },
      { op: 'Concat', inputs: ['v', 'wt'], outputs: ['right'], attributes: { axis: 0 } },
      { op: 'Gemm', inputs: ['left', 'right', 'a'], outputs: ['y'], attributes: { alpha: { float: -1 } } },
    ],
  );
  const shared = matrixTensor(a);
  await run.run({ v: matrixTensor(v), t: matrixTensor(t), a: shared }, { y: shared });
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

function matrixTensor({ data, rows, cols }: Matrix): Tensor {
  return tensor(data, rows, cols);
}

function elementType(data: Numbers): ElementType {
  return data instanceof Float32Array ? 'float32' : 'float64';
}

/** The session of a product, added to something or not. */
function gemmSession(type: ElementType, transposed: Transposed, sign: 1 | -1 | undefined): Promise<InferenceSession> {
  const inputs = sign === undefined ? ['a', 'b'] : ['a', 'b', 'c'];
  return session(`${type} ${transposed} ${sign}`, type, inputs, [
    {
      op: 'Gemm',
      inputs,
      outputs: ['y'],
      attributes: {
        transA: transposed === 'a' ? 1 : 0,
        transB: transposed === 'b' ? 1 : 0,
        alpha: { float: sign ?? 1 },
      },
    },
  ]);
}

/** A session of the model with these nodes, from matrices of any size to `outputs`; made once per name. */
function session(
  name: string,
  type: ElementType,
  inputs: readonly string[],
  nodes: readonly NewNode[],
  outputs: readonly string[] = ['y'],
): Promise<InferenceSession> {
  const made = sessions.get(name);
  if (made !== undefined) return made;
  const model = writeModel({
    nodes,
    inputs: inputs.map((name) => ({ name, type, shape: [`${name}_rows`, `${name}_cols`] })),
    outputs,
  });
  const created = InferenceSession.create(model, {
    // Between the steps of a graph waking a thread costs more than waiting for work; longer than that idle threads must not
    // spin: the next product may run in another session, or in a network's.
    extra: { session: { intra_op: { allow_spinning: '1', spin_duration_us: '100' } } },
  });
  sessions.set(name, created);
  return created;
}
