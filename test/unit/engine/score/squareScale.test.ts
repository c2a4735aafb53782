import { expect, test } from 'vitest';
import { squareScale } from '../../../../src/engine/score/squareScale.ts';

/** E[max(0, x)²] of a normal x, by Simpson's rule. */
function expectedSquare(mean: number, deviation: number): number {
  const size = 2000;
  const term = (i: number) => {
    const deviations = -10 + (20 * i) / size;
    return Math.max(0, mean + deviation * deviations) ** 2 * Math.exp(-(deviations ** 2) / 2);
  };
  const terms = Array.from({ length: size + 1 }, (_, i) => (i % size === 0 ? 1 : i % 2 === 0 ? 2 : 4) * term(i));
  return (terms.reduce((sum, value) => sum + value, 0) * 20) / size / 3 / Math.sqrt(2 * Math.PI);
}

test('the expected score is the mean square of what is positive of a normal number, above the least', () => {
  const { value, expectedScore } = squareScale(0.3, -2);
  expect(value).toBe(0.3);
  let before = -2;
  for (const mean of [-9, -3, -1, -0.2, 0, 0.1, 1, 4, 30]) {
    expect(expectedScore(mean, 0.8)).toBeCloseTo(-2 + expectedSquare(mean, 0.8), 4);
    expect(expectedScore(mean, 0.8)).toBeGreaterThanOrEqual(before);
    before = expectedScore(mean, 0.8);
  }
  expect(expectedScore(0.5, 0)).toBe(-1.75);
  expect(expectedScore(-0.5, 0)).toBe(-2);
});
