import type { NormalScale } from './score.ts';

/**
 * The scale of a score that is the square of a number that is about normal, or 0 where that is negative, above `least`: what little
 * features tell that tell next to nothing is such a square, by chance as a rule.
 *
 * @param root where the score is on it; negative where the number is
 */
export function squareScale(root: number, least = 0): NormalScale {
  return { value: root, expectedScore: (end, error) => least + expectedSquare(end, error) };
}

/**
 * E[max(0, x)²] of a normal x: of a score whose root is expected to be `mean`. It rises with that, so ends of an interval of the root
 * become those of one of the expected score, which hold it as often.
 */
function expectedSquare(mean: number, deviation: number): number {
  if (deviation === 0) return Math.max(0, mean) ** 2;
  const ratio = mean / deviation;
  const density = Math.exp(-(ratio ** 2) / 2) / Math.sqrt(2 * Math.PI);
  const square = (mean ** 2 + deviation ** 2) * normalProbability(ratio) + mean * deviation * density;
  return Math.max(0, square);
}

/** The normal distribution function, to 1e-7 (Abramowitz & Stegun, "Handbook of Mathematical Functions", 26.2.17). */
function normalProbability(x: number): number {
  const k = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) *
    k *
    (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
  return x < 0 ? tail : 1 - tail;
}
