import { axisReflection } from './axisReflection.ts';
import type { Panel } from './bandReduction.ts';
import type { Matrix } from './matrix.ts';
import { columnSquares, dot, rowRange, selectColumns, transpose, zeros } from './matrix.ts';
import { reflectRows } from './onnxKernels.ts';

/** Columns that are worked on at once: enough for Gemm, few enough for their reflections to be made in plain loops. */
const PANEL = 32;
/**
 * A panel ends with the column of which less than this part of its longest one is left: a product with several reflections is
 * rounded as what the first of them takes away.
 */
const LEAST_PART = 0.1;

/**
 * Reflects the rows of A `[n, d]` until, but for the order of its columns, nothing is left below its diagonal: QR with column
 * pivoting, A = Q·R with R in place of A. The longest column is taken first, so that every row of R is as large as what is left to
 * say; where the rows of A are sorted by length, large ones first, a row keeps its digits next to however larger ones, and
 * so does a column (Cox & Higham, "Stability of Householder QR factorization for weighted least squares problems", 1998).
 *
 * Nearly all of the 4·n·d·min(n, d) operations are matrix products.
 *
 * @returns the reflections of Q, in order; `reflectRows` with each gives Qᵀ·C
 */
export async function pivotedQr(a: Matrix): Promise<Panel[]> {
  const panels: Panel[] = [];
  let left = Array.from({ length: a.cols }, (_, j) => j);
  for (let first = 0; first < Math.min(a.rows, a.cols); ) {
    const rest = rowRange(a, first, a.rows);
    const squares = columnSquares(rest);
    left.sort((i, j) => (squares[j] as number) - (squares[i] as number));
    const picked = left.slice(0, PANEL);
    const { reflections, pivots } = factorPanel(transpose(selectColumns(rest, picked)));
    if (pivots.length === 0) break;
    await reflectRows(reflections, rest, false);
    const taken = new Set(pivots.map((pivot) => picked[pivot]));
    for (const [k, pivot] of pivots.entries()) {
      for (let i = k + 1; i < rest.rows; i++) rest.data[i * a.cols + (picked[pivot] as number)] = 0;
    }
    left = left.filter((column) => !taken.has(column));
    panels.push({ first, ...reflections });
    first += pivots.length;
  }
  return panels;
}

/**
 * Reflections that triangularise columns, the longest of what is left of them first.
 *
 * @param columns `[r, m]`, as rows; overwritten
 * @returns which of them were taken, in order; none of zeros
 */
function factorPanel(columns: Matrix): { reflections: Omit<Panel, 'first'>; pivots: number[] } {
  const { rows: count, cols: length } = columns;
  const column = (k: number) => rowRange(columns, k, k + 1).data;
  const pivots: number[] = [];
  const vectors: Float64Array[] = [];
  let longest = 0;
  while (pivots.length < Math.min(count, length)) {
    const at = pivots.length;
    let [pivot, square] = [-1, 0];
    for (let k = 0; k < count; k++) {
      const rest = column(k).subarray(at);
      const own = pivots.includes(k) ? 0 : dot(rest, rest);
      if (own > square) [pivot, square] = [k, own];
    }
    longest = Math.max(longest, square);
    if (pivot < 0 || square < LEAST_PART ** 2 * longest) break;
    const vector = new Float64Array(length);
    vector.set(axisReflection(column(pivot).subarray(at)), at);
    for (let k = 0; k < count; k++) {
      const own = column(k);
      const product = dot(vector, own);
      for (let i = at; i < length; i++) own[i] = (own[i] as number) - product * (vector[i] as number);
    }
    pivots.push(pivot);
    vectors.push(vector);
  }
  // Forward columnwise, as LAPACK's `dlarft`.
  const v = zeros(vectors.length, length);
  const t = zeros(vectors.length, vectors.length);
  for (const [i, vector] of vectors.entries()) {
    v.data.set(vector, i * length);
    t.data[i * t.cols + i] = 1;
    const products = vectors.slice(0, i).map((other) => dot(other, vector));
    for (let k = 0; k < i; k++) {
      t.data[k * t.cols + i] = -products.reduce(
        (sum, product, l) => sum + (t.data[k * t.cols + l] as number) * product,
        0,
      );
    }
  }
  return { reflections: { v, t }, pivots };
}
