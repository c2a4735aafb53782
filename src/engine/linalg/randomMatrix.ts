import type { Matrix } from './matrix.ts';
import { zeros } from './matrix.ts';

/**
 * Independent ±1, each with probability 1/2.
 * @param uniform gives numbers in [0, 1), see `uniformNumbers`
 */
export function randomSigns(rows: number, cols: number, uniform: () => number): Matrix {
  const signs = zeros(rows, cols);
  for (let at = 0; at < signs.data.length; at++) signs.data[at] = uniform() < 0.5 ? -1 : 1;
  return signs;
}

/**
 * Independent standard normal numbers (Box & Muller 1958).
 * @param uniform gives numbers in [0, 1)
 */
export function randomNormals(rows: number, cols: number, uniform: () => number): Matrix {
  const normals = zeros(rows, cols);
  for (let at = 0; at < normals.data.length; at++) {
    normals.data[at] = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return normals;
}
