import type { Matrix } from './matrix.ts';
import { difference, scaleRows, transpose } from './matrix.ts';
import { gramian, multiply } from './multiply.ts';
import type { Spectrum } from './symmetricEigen.ts';
import { leadingEigenvectors, spectrumOf } from './symmetricEigen.ts';

/** Eigenvalues below this part of the largest have few digits, for singular values enter a Gram matrix squared. */
const TRUSTED_RANGE = 1e-7;
/** Then those above this part are taken out of the matrix, and what is left gives the others with all their digits. */
const RANGE_PER_PASS = 1e-4;
/** What is left of the largest square once the matrix is nothing but the rounding of that. */
const NEGLIGIBLE = 1e-26;

/** Some singular values of a matrix `[n, d]`, largest first, and their vectors. */
export interface SingularPart {
  /** `[k]` */
  squares: Float64Array;
  /** Right singular vectors `[k, d]`, orthonormal, and left ones times their singular values `[n, k]`; computed when asked for. */
  vectors(): Promise<{ right: Matrix; left: Matrix }>;
}

/**
 * The singular values of a matrix `[n, d]` part by part, as exact as by a singular value decomposition of it: to rounding of
 * the largest, not of its square. Those that are that rounding are left out. Mostly matrix products; one part as a rule, and
 * more where the matrix spans a wide range.
 *
 * @param spectrum of `smallGram(matrix)`
 * @param most how many are wanted
 * @param least squares that are smaller need no digits
 */
export async function* singularParts(
  matrix: Matrix,
  spectrum: Spectrum,
  most: number,
  least: number,
): AsyncGenerator<SingularPart> {
  const [largest = 0] = spectrum.eigenvalues;
  let [rest, of] = [matrix, spectrum];
  for (let left = Math.min(most, matrix.rows, matrix.cols); left > 0; ) {
    const { eigenvalues } = of;
    const [first = 0] = eigenvalues;
    if (!(first > NEGLIGIBLE * largest)) return;
    const isLast = Math.max(least, eigenvalues[left - 1] as number) > TRUSTED_RANGE * first;
    const part = partOf(rest, of, isLast ? left : eigenvalues.filter((value) => value > RANGE_PER_PASS * first).length);
    yield part;
    if (isLast) return;
    left -= part.squares.length;
    const { right, left: scaledLeft } = await part.vectors();
    rest = difference(rest, await multiply(scaledLeft, right));
    of = await spectrumOf(await smallGram(rest));
  }
}

/** The smaller of A·Aᵀ and Aᵀ·A, of one eigenvalue per singular value of A `[n, d]`. */
export function smallGram(matrix: Matrix): Promise<Matrix> {
  return gramian(matrix.rows > matrix.cols ? transpose(matrix) : matrix);
}

function partOf(matrix: Matrix, spectrum: Spectrum, count: number): SingularPart {
  const squares = spectrum.eigenvalues.slice(0, count).map((value) => Math.max(0, value));
  return {
    squares,
    async vectors() {
      const vectors = await leadingEigenvectors(spectrum, count);
      if (matrix.rows > matrix.cols) return { right: transpose(vectors), left: await multiply(matrix, vectors) };
      const lengths = squares.map(Math.sqrt);
      const right = await multiply(transpose(vectors), matrix);
      return { right: scaleRows(right, lengths.map(inverse)), left: transpose(scaleRows(transpose(vectors), lengths)) };
    },
  };
}

/** What has no length has no direction. */
function inverse(length: number): number {
  return length > 0 ? 1 / length : 0;
}
