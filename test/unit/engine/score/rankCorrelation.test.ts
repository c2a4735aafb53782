import fc from 'fast-check';
import { expect, test } from 'vitest';
import { correlation, correlationWithLevels, RESOLUTION, ranks } from '../../../../src/engine/score/rankCorrelation.ts';

/** Spearman's correlation as it is defined: Pearson's of ranks, equal values having their mean rank. */
function spearman(a: readonly number[], b: readonly number[]): number {
  const centredRanks = (values: readonly number[]) =>
    values.map((value) => {
      const below = values.filter((other) => other < value).length;
      const above = values.filter((other) => other > value).length;
      return (below - above) / 2;
    });
  const [x, y] = [centredRanks(a), centredRanks(b)];
  const dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, value, i) => sum + value * (v[i] ?? 0), 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)) || 0;
}

const samples = fc.integer({ min: 2, max: 12 }).chain((count) =>
  fc.record({
    // Of every sample to those before it, many of them equal.
    distances: fc.array(fc.integer({ min: 0, max: 9 }), {
      minLength: (count * (count - 1)) / 2,
      maxLength: (count * (count - 1)) / 2,
    }),
    classOf: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: count, maxLength: count }),
  }),
);

test('is that of Spearman, of distances with ties', () => {
  fc.assert(
    fc.property(samples, ({ distances, classOf }) => {
      const level = (a: number, b: number) => Math.abs((classOf[a] ?? 0) - (classOf[b] ?? 0));
      const levels = classOf.flatMap((_, later) => classOf.slice(0, later).map((__, earlier) => level(earlier, later)));
      const multiples = () => Float64Array.from(distances, (distance) => distance * RESOLUTION);
      const expected = spearman(distances, levels);
      expect(correlationWithLevels(multiples(), level)).toBeCloseTo(expected, 12);
      expect(correlation(ranks(multiples()), ranks(Float64Array.from(levels)))).toBeCloseTo(expected, 12);
    }),
  );
});

test.each([40, 200_000])('ranks of %i values, most of which lie close to each other', (count) => {
  const values = Float64Array.from({ length: count }, (_, i) => (i === 0 ? 1e9 : (i * 7919) % 101));
  const order = [...values.keys()].sort((i, j) => (values[i] as number) - (values[j] as number));
  const result = ranks(values.slice());
  let rank = -(count - 1) / 2;
  for (let first = 0; first < count; ) {
    const value = values[order[first] as number];
    const own = order.slice(first).findIndex((i) => values[i] !== value);
    const tied = own < 0 ? count - first : own;
    expect(result[order[first] as number]).toBe(rank + (tied - 1) / 2);
    expect(result[order[first + tied - 1] as number]).toBe(rank + (tied - 1) / 2);
    first += tied;
    rank += tied;
  }
});
