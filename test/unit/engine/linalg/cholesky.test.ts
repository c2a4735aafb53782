import fc from 'fast-check';
import { expect, test } from 'vitest';
import { independentRows, inverseCholesky } from '../../../../src/engine/linalg/cholesky.ts';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { transpose } from '../../../../src/engine/linalg/matrix.ts';
import { gramian } from '../../../../src/engine/linalg/multiply.ts';
import { largest, naiveProduct } from '../../../helpers/matrices.ts';
import { generator } from '../../../helpers/random.ts';

test('the inverse Cholesky factor whitens its matrix', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.integer(), async (size, seed) => {
      const gram = await gramian(generator(seed).matrix(size, size + 20));
      const inverse = (await inverseCholesky(gram)) as Matrix;
      const identity = naiveProduct(naiveProduct(inverse, gram), transpose(inverse));
      for (let i = 0; i < size; i++) identity.data[i * size + i] = (identity.data[i * size + i] as number) - 1;
      expect(largest(identity)).toBeLessThan(1e-9);
    }),
    { numRuns: 12 },
  );
});

test('a matrix that is not positive definite has no Cholesky factor', async () => {
  expect(await inverseCholesky({ rows: 2, cols: 2, data: Float64Array.of(1, 2, 2, 1) })).toBeUndefined();
  const gram = await gramian(generator(3).matrix(100, 90));
  gram.data[99 * 100 + 99] = -1;
  expect(await inverseCholesky(gram)).toBeUndefined();
});

test('independent rows are as many as the rank', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer(),
      async (rank, more, seed) => {
        const { matrix } = generator(seed);
        const vectors = naiveProduct(matrix(rank + more, rank), matrix(rank, rank + 30));
        const rows = await independentRows(await gramian(vectors), 1e-9);
        expect(rows.length).toBe(rank);
      },
    ),
    { numRuns: 12 },
  );
});
