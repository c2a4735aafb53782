import type { Matrix } from '../../src/engine/linalg/matrix.ts';
import { uniformNumbers } from '../../src/engine/random.ts';

/** Seeded numbers for tests, and the normal distribution by Box and Muller. */
export function generator(seed: number) {
  const uniform = uniformNumbers(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const matrix = (rows: number, cols: number, next: () => number = normal): Matrix => ({
    rows,
    cols,
    data: Float64Array.from({ length: rows * cols }, next),
  });
  const permutation = (size: number) => {
    const order = Array.from({ length: size }, (_, i) => i);
    for (let i = size - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  };
  return { uniform, normal, matrix, permutation };
}

/** Features that tell classes apart: `[n, d]` class centres plus noise, and labels `[n]` with every class at least once. */
export function classification(
  seed: number,
  n: number,
  d: number,
  classes: number,
  noise = 1,
  centres = generator(~seed).matrix(classes, d),
) {
  const { uniform, matrix } = generator(seed);
  const labels = Int32Array.from({ length: n }, (_, i) => (i < classes ? i : Math.floor(uniform() * classes)));
  const features = matrix(n, d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const at = i * d + j;
      const centre = centres.data[(labels[i] as number) * d + j] as number;
      features.data[at] = centre + noise * (features.data[at] as number);
    }
  }
  return { features, labels };
}
