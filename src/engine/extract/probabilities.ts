import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';

/** How far from 1 a row of probabilities in single precision may sum. */
const TOLERANCE = 1e-3;

/**
 * Class probabilities `[n, c]` from the class scores that a network puts out: as they are where the network ends in a
 * softmax, else their softmax. Undefined for a network without a classifier.
 */
export function classProbabilities(logits: FloatMatrix): Matrix | undefined {
  const { rows, cols } = logits;
  if (cols === 0) return undefined;
  const data = Float64Array.from(logits.data);
  for (let start = 0; start < data.length; start += cols) {
    const row = data.subarray(start, start + cols);
    const sum = row.reduce((total, value) => total + value, 0);
    if (row.every((value) => value >= 0) && Math.abs(sum - 1) < TOLERANCE) continue;
    const largest = row.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
    const exponentials = row.map((value) => Math.exp(value - largest));
    const total = exponentials.reduce((all, value) => all + value, 0);
    row.set(exponentials.map((value) => value / total));
  }
  return { rows, cols, data };
}
