import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, difference, dot, transpose, zeros } from '../linalg/matrix.ts';
import { multiply, multiplyTransposed, SINGLE_PRECISION_FROM } from '../linalg/multiply.ts';
import { gemm } from '../linalg/onnxKernels.ts';
import type { LabelColumns } from './labelRows.ts';
import { fitProducts, labelColumns, mixRows } from './labelRows.ts';

/** Random mixtures of columns that single precision is checked on. */
const CHECKS = 2;
/** Largest error of a fit in single precision, relative to the residual of the fit. */
const LARGEST_ERROR = 1e-6;

/** Inner products of the fit f = P·Σ tₖZₖ `[n, d2]`, and those of the Zₖ. */
interface MixtureFit {
  /** `[K, K]`, ⟨Zₖ, Zₗ⟩ */
  gram: Matrix;
  /** `[K]`, ⟨f, Zₖ⟩ */
  fitted: number[];
  /** |f|² */
  square: number;
}

/**
 * The fit of one mixture z = Σ tₖZₖ of label embeddings: two large products, where the fits of all of them take K.
 *
 * Large ones are computed in single precision and checked: with random signs g `[d2]`, f·g `[n]` must be X·(M⁻¹·(Xᵀ·(z·g))),
 * which costs little in double precision. The squared difference is on average the squared error of f in the Frobenius
 * norm; over the rounding of so many samples two g and a factor of two make sure of it. When that error η is more than 1e-6
 * of |f − z|, all is done again in double precision. |f − Zλ|, the root of the score, is off by at most
 * η·(1 + √cond⟨Zₖ, Zₗ⟩); in fact by far less, for rounding doesn't point along f − Zλ.
 *
 * @param embeddings K of `[n, d2]`
 * @param blocks F = Xᵀ in blocks of samples `[r, b]`; called once per sweep
 * @param dimension r
 * @param solve M⁻¹·S = (F·Fᵀ)⁻¹·S for S of any number of columns
 */
export async function mixtureFit(
  embeddings: readonly FloatMatrix[],
  t: readonly number[],
  blocks: () => AsyncIterable<Matrix>,
  dimension: number,
  solve: (sides: Matrix) => Promise<Matrix>,
): Promise<MixtureFit> {
  const columns = labelColumns(embeddings);
  const { gram } = columns;
  const { rows = 0, cols: width = 0 } = embeddings[0] ?? {};
  const signs = randomSigns(CHECKS, width);
  const compute = async (single: boolean) => {
    const { sides, checkSides } = await mixtureProducts(columns, t, blocks, dimension, signs, single);
    const weights = await solve(sides);
    const { fitted, square, error } = await fittedProducts(
      columns,
      blocks,
      weights,
      transpose(await solve(checkSides)),
      signs,
      single,
    );
    const cross = t.reduce((sum, weight, k) => sum + weight * (fitted[k] as number), 0);
    const mixture = dot(
      Float64Array.from(t),
      (await multiply(gram, { rows: t.length, cols: 1, data: Float64Array.from(t) })).data,
    );
    return { gram, fitted, square, relativeError: error / Math.sqrt(Math.max(0, mixture - 2 * cross + square)) };
  };
  if (rows * dimension * width >= SINGLE_PRECISION_FROM) {
    const result = await compute(true);
    if (result.relativeError <= LARGEST_ERROR) return result;
  }
  return compute(false);
}

/** S = F·z `[r, d2]` and F·(z·g) `[r, CHECKS]` for z = Σ tₖZₖ; means are left in z, for the rows of F sum to 0. */
async function mixtureProducts(
  columns: LabelColumns,
  t: readonly number[],
  blocks: () => AsyncIterable<Matrix>,
  dimension: number,
  signs: Matrix,
  single: boolean,
): Promise<{ sides: Matrix; checkSides: Matrix }> {
  const width = signs.cols;
  const sides = zeros(dimension, width);
  const checkSides = zeros(dimension, CHECKS);
  const factors = columns.scales.map((scale, k) => scale.map((value) => value * (t[k] as number)));
  const product = single ? new Float32Array(dimension * width) : new Float64Array(dimension * width);
  const [nextFeatures, nextMixtures] = [reused(single), reused(single)];
  let first = 0;
  for await (const block of blocks()) {
    const features = nextFeatures(block.data.length);
    const mixtures = nextMixtures(block.cols * width);
    const checks = mixRows(columns, factors, first, first + block.cols, mixtures, signs);
    features.set(block.data);
    await gemm<Numbers>(features, mixtures, product, dimension, block.cols, width, 'neither');
    add(sides, product);
    addTo(checkSides, await multiplyTransposed(block, checks));
    first += block.cols;
  }
  return { sides, checkSides };
}

/**
 * ⟨f, Zₖ⟩ and |f|² for f = Fᵀ·W, and the error of f by the check.
 *
 * @param weights W `[r, d2]`
 * @param checkWeights `[CHECKS, r]`, M⁻¹·F·(z·g) by rows
 */
async function fittedProducts(
  columns: LabelColumns,
  blocks: () => AsyncIterable<Matrix>,
  weights: Matrix,
  checkWeights: Matrix,
  signs: Matrix,
  single: boolean,
): Promise<{ fitted: number[]; square: number; error: number }> {
  const width = signs.cols;
  const right = single ? new Float32Array(weights.data) : weights.data;
  let fitted = columns.scales.map(() => 0);
  let square = 0;
  let errorSquare = 0;
  const [nextFeatures, nextFits] = [reused(single), reused(single)];
  let first = 0;
  for await (const block of blocks()) {
    const features = nextFeatures(block.data.length);
    const fits = nextFits(block.cols * width);
    features.set(block.data);
    await gemm<Numbers>(features, right, fits, block.cols, block.rows, width, 'a');
    const part = fitProducts(columns, first, fits, signs);
    fitted = fitted.map((sum, k) => sum + (part.fitted[k] as number));
    square += part.square;
    const errors = difference(await multiply(checkWeights, block), part.products);
    errorSquare += dot(errors.data, errors.data) / CHECKS;
    first += block.cols;
  }
  return { fitted, square, error: 2 * Math.sqrt(errorSquare) };
}

type Numbers = Float32Array | Float64Array;

/** Gives one array again and again, with room for `length` numbers. */
function reused(single: boolean): (length: number) => Numbers {
  let array: Numbers | undefined;
  return (length) => {
    if (array === undefined || array.length < length) {
      array = single ? new Float32Array(length) : new Float64Array(length);
    }
    return array.subarray(0, length);
  };
}

function add({ data }: Matrix, product: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = (data[i] as number) + (product[i] as number);
  }
}

/** ±1, the same at every call. */
function randomSigns(rows: number, cols: number): Matrix {
  const signs = zeros(rows, cols);
  let state = 1;
  for (let i = 0; i < signs.data.length; i++) {
    // The highest bit of a linear congruential generator is random enough for a sign.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    signs.data[i] = state < 0 ? -1 : 1;
  }
  return signs;
}
