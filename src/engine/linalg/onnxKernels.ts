import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Matrix } from './matrix.ts';
import type { ElementType, OnnxNode } from './onnxModel.ts';
import { onnxModel } from './onnxModel.ts';

/**
 * ONNX Runtime as a BLAS: a graph of one or a few Gemm nodes, made in memory, multiplies on all cores with the vector
 * instructions that JavaScript can't reach (about 90 GFLOP/s in double precision on two cores, plain loops 0.8). A call
 * costs some 80 µs, so small products that follow each other are one graph.
 */

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
      { operator: 'Gemm', inputs: ['a', 'b'], output: 'ab' },
      { operator: 'ReduceSumSquare', inputs: ['ab'], output: 'y', lists: { axes: [0] } },
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
      { operator: 'Gemm', inputs: ['v', 'c'], output: 'vc' },
      { operator: 'Gemm', inputs: ['t', 'vc'], output: 'tvc', integers: { transA: back ? 0 : 1 } },
      { operator: 'Gemm', inputs: ['v', 'tvc', 'c'], output: 'y', integers: { transA: 1 }, floats: { alpha: -1 } },
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
      { operator: 'Gemm', inputs: ['a', 'v'], output: 'av', integers: { transB: 1 } },
      { operator: 'Gemm', inputs: ['av', 't'], output: 'p' },
      { operator: 'Gemm', inputs: ['v', 'p'], output: 'vp' },
      { operator: 'Gemm', inputs: ['t', 'vp'], output: 'tvp', integers: { transA: 1 } },
      { operator: 'Gemm', inputs: ['v', 'tvp', 'p'], output: 'w', integers: { transA: 1 }, floats: { alpha: -0.5 } },
      { operator: 'Transpose', inputs: ['v'], output: 'vt' },
      { operator: 'Transpose', inputs: ['w'], output: 'wt' },
      { operator: 'Concat', inputs: ['w', 'vt'], output: 'left', integers: { axis: 1 } },
      { operator: 'Concat', inputs: ['v', 'wt'], output: 'right', integers: { axis: 0 } },
      { operator: 'Gemm', inputs: ['left', 'right', 'a'], output: 'y', floats: { alpha: -1 } },
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
      operator: 'Gemm',
      inputs,
      output: 'y',
      integers: { transA: transposed === 'a' ? 1 : 0, transB: transposed === 'b' ? 1 : 0 },
      floats: { alpha: sign ?? 1 },
    },
  ]);
}

/** A session of the model with these nodes; made once per name. */
function session(
  name: string,
  type: ElementType,
  inputs: readonly string[],
  nodes: readonly OnnxNode[],
): Promise<InferenceSession> {
  const made = sessions.get(name);
  if (made !== undefined) return made;
  const created = InferenceSession.create(onnxModel(type, inputs, nodes), {
    // Idle threads must not spin: the next product may run in another session, or in a network's.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  sessions.set(name, created);
  return created;
}
