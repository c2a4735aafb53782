import { orthogonalisingRotation, rotate } from './jacobiRotation.ts';
import { dot, zeros } from './matrix.ts';

const MAX_SWEEPS = 60;

/**
 * The x of least norm that minimises |Σ xₖ·columnₖ − target|, as NumPy's `lstsq(rcond=None)`, for few long columns: by
 * their singular value decomposition in one-sided Jacobi rotations, which loses no digits to columns close to dependent.
 *
 * @param rows the length of the columns for NumPy's cutoff of singular values, ε·max(rows, K) of the largest
 */
export function leastSquares(columns: readonly Float64Array[], target: Float64Array, rows: number): number[] {
  const size = columns.length;
  const u = columns.map((column) => column.slice());
  const v = zeros(size, size);
  const rowsOfV = columns.map((_, k) => v.data.subarray(k * size, (k + 1) * size));
  for (let k = 0; k < size; k++) v.data[k * size + k] = 1;

  for (let sweep = 0, rotated = true; rotated && sweep < MAX_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const [up, uq] = [u[p] as Float64Array, u[q] as Float64Array];
        const [pp, qq, pq] = [dot(up, up), dot(uq, uq), dot(up, uq)];
        if (Math.abs(pq) <= Number.EPSILON * Math.sqrt(pp * qq)) continue;
        rotated = true;
        const rotation = orthogonalisingRotation(pp, qq, pq);
        rotate(up, uq, rotation);
        rotate(rowsOfV[p] as Float64Array, rowsOfV[q] as Float64Array, rotation);
      }
    }
  }

  const norms = u.map((column) => Math.sqrt(dot(column, column)));
  const cutoff = Math.max(rows, size) * Number.EPSILON * Math.max(...norms);
  const coordinates = u.map((column, k) => {
    const norm = norms[k] as number;
    return norm > cutoff ? dot(column, target) / norm / norm : 0;
  });
  return columns.map((_, j) => coordinates.reduce((sum, value, k) => sum + value * (rowsOfV[k]?.[j] as number), 0));
}
