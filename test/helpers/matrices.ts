import type { Matrix } from '../../src/engine/linalg/matrix.ts';
import { zeros } from '../../src/engine/linalg/matrix.ts';

/** By the definition, in a loop. */
export function naiveProduct(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.cols; j++) {
      let sum = 0;
      for (let k = 0; k < a.cols; k++) sum += (a.data[i * a.cols + k] as number) * (b.data[k * b.cols + j] as number);
      result.data[i * b.cols + j] = sum;
    }
  }
  return result;
}

/** The largest size of an entry. */
export function largest(a: Matrix): number {
  return a.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

/** Largest difference relative to the largest entry. */
export function distance(a: Matrix, b: Matrix): number {
  return a.data.reduce((max, value, i) => Math.max(max, Math.abs(value - (b.data[i] as number))), 0) / largest(b);
}
