import { expect, test } from 'vitest';
import { robustProjector } from '../../../../src/engine/linalg/columnSpace.ts';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { zeros } from '../../../../src/engine/linalg/matrix.ts';
import { gramian, multiply, multiplyTransposed } from '../../../../src/engine/linalg/multiply.ts';
import { distance, largest } from '../../../helpers/matrices.ts';
import { generator } from '../../../helpers/random.ts';

test.each([1e-2, 1e-6, 1e-9])(
  'the projector keeps directions of relative length %d and drops exact dependencies',
  async (small) => {
    const { matrix } = generator(4);
    const [d, n] = [40, 120];
    const vectors = matrix(d, n);
    const add = (row: number, factor: number, other: number) => {
      for (let i = 0; i < n; i++) {
        vectors.data[row * n + i] =
          factor * (vectors.data[row * n + i] as number) + (vectors.data[other * n + i] as number);
      }
    };
    add(5, small, 6);
    add(7, 0, 8);
    const { factors, whitening } = await robustProjector([vectors], await gramian(vectors));
    expect(whitening.rows).toBe(d - 1);
    const basis = await multiply(whitening, factors[0] as Matrix);
    const overlap = await gramian(basis);
    for (let i = 0; i < overlap.rows; i++)
      overlap.data[i * overlap.rows + i] = (overlap.data[i * overlap.rows + i] as number) - 1;
    expect(largest(overlap)).toBeLessThan(1e-7);
    // Every vector lies in the space; so does the direction by which row 5 differs from row 6, to the digits it has left.
    const back = await multiply(await multiplyTransposed(vectors, basis), basis);
    expect(distance(back, vectors)).toBeLessThan(1e-10);
    const direction = zeros(1, n);
    for (let i = 0; i < n; i++) {
      direction.data[i] = ((vectors.data[5 * n + i] as number) - (vectors.data[6 * n + i] as number)) / small;
    }
    const projected = await multiply(await multiplyTransposed(direction, basis), basis);
    expect(distance(projected, direction)).toBeLessThan(1e-13 / small);
  },
);
