import type { Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import type { Evidence } from './evidence.ts';
import { STANDARDISATION_EPSILON } from './labelRows.ts';

/**
 * One-hot labels standardised over the samples without the `[C, C]` numbers of the embedding: for a sample of class y,
 * column c is (1[y = c] − f_c)·s_c. Centred features make the fits of all columns add up to 0, and so the terms with f_c
 * drop out of inner products with them.
 */
export interface OneHotLabels {
  /** `[C]`, f: the share of the samples that is of each class. */
  frequency: Float64Array;
  /** `[C]`, s = 1/(std + 1e-8); 0 for classes without samples. */
  scale: Float64Array;
  /** `[C]`, the squared length of the label of a sample of each class. */
  lengths: Float64Array;
}

export function oneHotLabels(evidence: Evidence): OneHotLabels {
  const frequency = evidence.classCounts().map((samples) => samples / evidence.count);
  const scale = frequency.map((share) =>
    share > 0 && share < 1 ? 1 / (Math.sqrt(share * (1 - share)) + STANDARDISATION_EPSILON) : 0,
  );
  const squareOfMeans = frequency.reduce((sum, share, c) => sum + ((scale[c] as number) * share) ** 2, 0);
  const lengths = scale.map((factor, c) => factor ** 2 * (1 - 2 * (frequency[c] as number)) + squareOfMeans);
  return { frequency, scale, lengths };
}

/** `[r, C]`, mixtures of the columns of the standardised labels of each class, by `mixing` `[r, C]`. */
export function mixOneHot({ frequency, scale }: OneHotLabels, mixing: Matrix): Matrix {
  const { rows, cols } = mixing;
  const result = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    let mean = 0;
    for (let c = 0; c < cols; c++) {
      const value = (scale[c] as number) * (mixing.data[i * cols + c] as number);
      result.data[i * cols + c] = value;
      mean += (frequency[c] as number) * value;
    }
    for (let c = 0; c < cols; c++) result.data[i * cols + c] = (result.data[i * cols + c] as number) - mean;
  }
  return result;
}
