import { orthogonalisingRotation, rotate } from './jacobiRotation.ts';
import type { Matrix } from './matrix.ts';
import { dot, rowRange, scaled, transpose } from './matrix.ts';

const MOST_SWEEPS = 60;
const ORTHOGONAL = 1e-15;

/**
 * The sum of the singular values of a matrix of any shape, by Jacobi rotations of the rows, or columns when there are fewer, until they are
 * orthogonal. Squares of singular values, as the eigenvalues of a Gram matrix, would lose half the digits of small ones.
 */
export function nuclearNorm(matrix: Matrix): number {
  const vectors = matrix.rows <= matrix.cols ? scaled(matrix, 1) : transpose(matrix);
  const rows = Array.from({ length: vectors.rows }, (_, i) => rowRange(vectors, i, i + 1).data);
  const squares = rows.map((row) => dot(row, row));
  const negligible = (Number.EPSILON ** 2 * squares.reduce((sum, square) => sum + square, 0)) / vectors.rows;
  let rotated = true;
  for (let sweep = 0; sweep < MOST_SWEEPS && rotated; sweep++) {
    rotated = false;
    rows.forEach((a, i) => {
      for (let j = 0; j < i; j++) {
        const b = rows[j] as Float64Array;
        const [aa, bb, ab] = [squares[i] as number, squares[j] as number, dot(a, b)];
        if (Math.min(aa, bb) <= negligible || Math.abs(ab) <= ORTHOGONAL * Math.sqrt(aa * bb)) continue;
        rotated = true;
        rotate(a, b, orthogonalisingRotation(aa, bb, ab));
        squares[i] = dot(a, a);
        squares[j] = dot(b, b);
      }
    });
  }
  return squares.reduce((sum, square) => sum + Math.sqrt(square), 0);
}
