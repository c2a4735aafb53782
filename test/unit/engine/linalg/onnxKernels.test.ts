import { expect, test } from 'vitest';
import { difference, transpose } from '../../../../src/engine/linalg/matrix.ts';
import { addProduct } from '../../../../src/engine/linalg/onnxKernels.ts';
import { distance, naiveProduct } from '../../../helpers/matrices.ts';
import { generator } from '../../../helpers/random.ts';

test.each([
  [3, 4, 5],
  [300, 40, 280],
])('%i × %i × %i: a product is added in place', async (m, k, n) => {
  const { matrix } = generator(4);
  const [a, b, c] = [matrix(m, k), matrix(k, n), matrix(m, n)];
  const product = naiveProduct(a, b);
  for (const [transposed, left, right] of [
    ['neither', a, b],
    ['a', transpose(a), b],
    ['b', a, transpose(b)],
  ] as const) {
    const before = { ...c, data: c.data.slice() };
    await addProduct(-1, left.data, right.data, c.data, m, k, n, transposed);
    expect(distance(c, difference(before, product))).toBeLessThan(1e-12);
  }
  const before = { ...c, data: c.data.slice() };
  await addProduct(1, a.data, b.data, c.data, m, k, n, 'neither');
  expect(distance(difference(c, before), product)).toBeLessThan(1e-12);
});
