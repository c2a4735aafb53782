import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, dot, rowRange, transpose, zeros } from '../linalg/matrix.ts';
import { multiply, multiplyTransposed, SINGLE_PRECISION_FROM } from '../linalg/multiply.ts';
import { gemm } from '../linalg/onnxKernels.ts';
import type { StandardisedColumns } from './sampleProducts.ts';
import { CHUNK, labelMoments } from './sampleProducts.ts';

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
  const { columns, gram } = labelMoments(embeddings);
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
  columns: readonly StandardisedColumns[],
  t: readonly number[],
  blocks: () => AsyncIterable<Matrix>,
  dimension: number,
  signs: Matrix,
  single: boolean,
): Promise<{ sides: Matrix; checkSides: Matrix }> {
  const Numbers = single ? Float32Array : Float64Array;
  const width = signs.cols;
  const sides = zeros(dimension, width);
  const checkSides = zeros(dimension, CHECKS);
  const factors = columns.map(({ scale }, k) => scale.map((value) => value * (t[k] as number)));
  const product = new Numbers(dimension * width);
  const mixture = new Float64Array(CHUNK * width);
  let features = new Numbers(0);
  let numbers = new Numbers(0);
  let first = 0;
  for await (const block of blocks()) {
    if (numbers.length !== block.cols * width) {
      features = new Numbers(block.data.length);
      numbers = new Numbers(block.cols * width);
    }
    const checks = zeros(CHECKS, block.cols);
    for (let from = 0; from < block.cols; from += CHUNK) {
      const part = mixture.subarray(0, Math.min(CHUNK, block.cols - from) * width).fill(0);
      columns.forEach(({ embedding, shift }, k) => {
        addScaledRows(embedding.data, (first + from) * width, shift, factors[k] as Float64Array, part);
      });
      addSignedSums(part, signs, checks, from, 1);
      numbers.set(part, from * width);
    }
    features.set(block.data);
    await gemm<Float32Array | Float64Array>(features, numbers, product, dimension, block.cols, width, 'neither');
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
  columns: readonly StandardisedColumns[],
  blocks: () => AsyncIterable<Matrix>,
  weights: Matrix,
  checkWeights: Matrix,
  signs: Matrix,
  single: boolean,
): Promise<{ fitted: number[]; square: number; error: number }> {
  const Numbers = single ? Float32Array : Float64Array;
  const width = signs.cols;
  const right = new Numbers(weights.data);
  const fitted = columns.map(() => 0);
  let square = 0;
  let errorSquare = 0;
  const fits = new Float64Array(CHUNK * width);
  let features = new Numbers(0);
  let product = new Numbers(0);
  let first = 0;
  for await (const block of blocks()) {
    if (product.length !== block.cols * width) {
      features = new Numbers(block.data.length);
      product = new Numbers(block.cols * width);
    }
    features.set(block.data);
    await gemm<Float32Array | Float64Array>(features, right, product, block.cols, block.rows, width, 'a');
    const differences = await multiply(checkWeights, block);
    for (let from = 0; from < block.cols; from += CHUNK) {
      const part = fits.subarray(0, Math.min(CHUNK, block.cols - from) * width);
      part.set(product.subarray(from * width, from * width + part.length));
      square += dot(part, part);
      columns.forEach((column, k) => {
        fitted[k] = (fitted[k] as number) + dotStandardised(column, (first + from) * width, part);
      });
      addSignedSums(part, signs, differences, from, -1);
    }
    errorSquare += dot(differences.data, differences.data) / CHECKS;
    first += block.cols;
  }
  return { fitted, square, error: 2 * Math.sqrt(errorSquare) };
}

function add({ data }: Matrix, product: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = (data[i] as number) + (product[i] as number);
  }
}

/** Adds (x − shift)·factor of the rows of `data` from `start` on to `sums`; four rows at a time, as in `subtractFirstRow`. */
function addScaledRows(
  data: FloatMatrix['data'],
  start: number,
  shift: Float64Array,
  factors: Float64Array,
  sums: Float64Array,
): void {
  const width = shift.length;
  let row = 0;
  for (; row + 4 * width <= sums.length; row += 4 * width) {
    const [row1, row2, row3] = [row + width, row + 2 * width, row + 3 * width];
    for (let j = 0; j < width; j++) {
      const origin = shift[j] as number;
      const factor = factors[j] as number;
      sums[row + j] = (sums[row + j] as number) + ((data[start + row + j] as number) - origin) * factor;
      sums[row1 + j] = (sums[row1 + j] as number) + ((data[start + row1 + j] as number) - origin) * factor;
      sums[row2 + j] = (sums[row2 + j] as number) + ((data[start + row2 + j] as number) - origin) * factor;
      sums[row3 + j] = (sums[row3 + j] as number) + ((data[start + row3 + j] as number) - origin) * factor;
    }
  }
  for (; row < sums.length; row += width) {
    for (let j = 0; j < width; j++) {
      const value = (data[start + row + j] as number) - (shift[j] as number);
      sums[row + j] = (sums[row + j] as number) + value * (factors[j] as number);
    }
  }
}

/** Σ f·z over the standardised rows z from `start` on, likewise. */
function dotStandardised(
  { embedding: { data }, shift, offset, scale }: StandardisedColumns,
  start: number,
  fits: Float64Array,
): number {
  const width = shift.length;
  let sum = 0;
  let row = 0;
  for (; row + 4 * width <= fits.length; row += 4 * width) {
    const [row1, row2, row3] = [row + width, row + 2 * width, row + 3 * width];
    for (let j = 0; j < width; j++) {
      const origin = shift[j] as number;
      const mean = offset[j] as number;
      const product0 = (fits[row + j] as number) * ((data[start + row + j] as number) - origin - mean);
      const product1 = (fits[row1 + j] as number) * ((data[start + row1 + j] as number) - origin - mean);
      const product2 = (fits[row2 + j] as number) * ((data[start + row2 + j] as number) - origin - mean);
      const product3 = (fits[row3 + j] as number) * ((data[start + row3 + j] as number) - origin - mean);
      sum += (product0 + product1 + (product2 + product3)) * (scale[j] as number);
    }
  }
  for (; row < fits.length; row += width) {
    for (let j = 0; j < width; j++) {
      const value = (data[start + row + j] as number) - (shift[j] as number) - (offset[j] as number);
      sum += (fits[row + j] as number) * value * (scale[j] as number);
    }
  }
  return sum;
}

/** Adds `factor` times the products of `rows` with each row of `signs` to `sums` `[CHECKS, b]` from column `first` on. */
function addSignedSums(rows: Float64Array, signs: Matrix, sums: Matrix, first: number, factor: number): void {
  for (let check = 0; check < CHECKS; check++) {
    const sign = rowRange(signs, check, check + 1).data;
    for (let i = 0; i * signs.cols < rows.length; i++) {
      const at = check * sums.cols + first + i;
      const sum = dot(rows.subarray(i * signs.cols, (i + 1) * signs.cols), sign);
      sums.data[at] = (sums.data[at] as number) + factor * sum;
    }
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
