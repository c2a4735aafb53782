import { expect, test } from 'vitest';
import { addTo, transpose, zeros } from '../../../../src/engine/linalg/matrix.ts';
import {
  gramian,
  multiply,
  multiplyLowerTriangular,
  multiplyTransposed,
  sumOfGramians,
} from '../../../../src/engine/linalg/multiply.ts';
import { distance, naiveProduct } from '../../../helpers/matrices.ts';
import { generator } from '../../../helpers/random.ts';

test.each([
  [3, 4, 5],
  [70, 90, 110],
  [300, 40, 280],
])('products of %i × %i × %i agree with the definition', async (m, k, n) => {
  const { matrix } = generator(1);
  const a = matrix(m, k);
  const b = matrix(k, n);
  expect(distance(await multiply(a, b), naiveProduct(a, b))).toBeLessThan(1e-12);
  expect(distance(await multiplyTransposed(a, transpose(b)), naiveProduct(a, b))).toBeLessThan(1e-12);
  expect(distance(await gramian(a), naiveProduct(a, transpose(a)))).toBeLessThan(1e-12);
});

test.each([1, 63, 64, 65, 200])('Gram matrices of %i rows add up over blocks, exactly symmetric', async (rows) => {
  const { matrix } = generator(rows);
  const blocks = [matrix(rows, 70), matrix(rows, 1), matrix(rows, 33)];
  const sum = await sumOfGramians(rows, blocks);
  expect(sum).toEqual(transpose(sum));
  const expected = zeros(rows, rows);
  for (const block of blocks) addTo(expected, naiveProduct(block, transpose(block)));
  expect(distance(sum, expected)).toBeLessThan(1e-12);
});

test('a product with a lower triangle skips only zeros', async () => {
  const { matrix } = generator(2);
  const lower = matrix(530, 530);
  for (let i = 0; i < 530; i++) lower.data.fill(0, i * 530 + i + 1, (i + 1) * 530);
  const b = matrix(530, 7);
  expect(distance(await multiplyLowerTriangular(lower, b), naiveProduct(lower, b))).toBeLessThan(1e-12);
});
