import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { gramian } from '../../../../src/engine/linalg/multiply.ts';
import { minimiseOnSimplex, quadraticForm, sparsemax } from '../../../../src/engine/score/simplex.ts';
import { generator } from '../../../helpers/random.ts';

const numbers = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 6 });
const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);

test('sparsemax lies on the simplex, keeps its points and forgets shifts', () => {
  fc.assert(
    fc.property(numbers, fc.double({ min: -3, max: 3, noNaN: true }), (z, shift) => {
      const t = sparsemax(z);
      expect(total(t)).toBeCloseTo(1, 12);
      expect(Math.min(...t)).toBeGreaterThanOrEqual(0);
      sparsemax(t).forEach((value, k) => {
        expect(value).toBeCloseTo(t[k] as number, 12);
      });
      sparsemax(z.map((value) => value + shift)).forEach((value, k) => {
        expect(value).toBeCloseTo(t[k] as number, 12);
      });
    }),
  );
});

test('no point of the simplex beats the minimum', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer(),
      async (size, rank, seed) => {
        const random = generator(seed);
        const q: Matrix = await gramian(random.matrix(size, rank));
        const t = minimiseOnSimplex(q);
        expect(total(t)).toBeCloseTo(1, 12);
        expect(Math.min(...t)).toBeGreaterThanOrEqual(0);
        for (let trial = 0; trial < 200; trial++) {
          const raw = Array.from({ length: size }, () => -Math.log(1 - random.uniform()));
          const point = raw.map((value) => value / total(raw));
          expect(quadraticForm(q, t)).toBeLessThanOrEqual(quadraticForm(q, point) + 1e-12);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('points that hardly differ share the weight as others do', async () => {
  // Corners of a triangle; the point of it that is nearest to the origin is its centre.
  const corners = { rows: 3, cols: 3, data: Float64Array.of(1, 1e-4, -1, 1, -1e-4, -1, 1, 0, 2) };
  for (const weight of minimiseOnSimplex(await gramian(corners))) expect(weight).toBeCloseTo(1 / 3, 6);
});

test('more label encoders than can be tried are refused', () => {
  expect(() => minimiseOnSimplex({ rows: 9, cols: 9, data: new Float64Array(81) })).toThrow('at most 8');
});
