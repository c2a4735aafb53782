import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import type { PresentClasses } from './samples.ts';

/** Classes up to which the rounding of the published code is repeated; it costs C³/2. */
const LARGEST_ROUNDED = 512;

/**
 * Of two samples the place of the distance of their one-hot labels among the different distances, the least first.
 *
 * @param order `[n]`, which of the given samples each is
 * @param published whether to repeat the rounding of the published code, which may depend on which of the two was given first
 * @throws InputError when no class has two samples
 */
export function classDistances(
  { counts, classOf }: PresentClasses,
  order: readonly number[],
  published: boolean,
): (a: number, b: number) => number {
  if (counts.every((count) => count === 1)) {
    throw new InputError('No class has two samples; PARC needs pairs of one class.');
  }
  if (!published || counts.length > LARGEST_ROUNDED) {
    return (a, b) => (classOf[a] === classOf[b] ? 0 : 1);
  }
  const rounded = roundedLabelDistances(counts.length).data;
  const levels = [...new Set(rounded)].sort((a, b) => a - b);
  const places = Uint16Array.from(rounded, (distance) => levels.indexOf(distance));
  return (a, b) => {
    const [earlier, later] = (order[a] as number) < (order[b] as number) ? [a, b] : [b, a];
    return places[(classOf[earlier] as number) * counts.length + (classOf[later] as number)] as number;
  };
}

/** 1 − NumPy's `corrcoef` of one-hot rows to the last bit: sums by fused multiply-add in the order of the columns. */
function roundedLabelDistances(classCount: number): Matrix {
  const covariance = zeros(classCount, classCount);
  const off = -1 / classCount;
  const on = 1 - 1 / classCount;
  for (let a = 0; a < classCount; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let k = 0; k < classCount; k++) sum = fusedMultiplyAdd(k === a ? on : off, k === b ? on : off, sum);
      covariance.data[a * classCount + b] = sum * (1 / (classCount - 1));
      covariance.data[b * classCount + a] = sum * (1 / (classCount - 1));
    }
  }
  const deviations = Float64Array.from({ length: classCount }, (_, c) =>
    Math.sqrt(covariance.data[c * classCount + c] as number),
  );
  for (let a = 0; a < classCount; a++) {
    for (let b = 0; b < classCount; b++) {
      const at = a * classCount + b;
      const correlation = (covariance.data[at] as number) / (deviations[a] as number) / (deviations[b] as number);
      covariance.data[at] = 1 - Math.min(1, Math.max(-1, correlation));
    }
  }
  return covariance;
}

/** a·b + c, rounded once: Dekker's exact product and Knuth's exact sum, their errors added by rounding to odd. */
function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const split = 2 ** 27 + 1;
  const aHigh = split * a - (split * a - a);
  const bHigh = split * b - (split * b - b);
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  const product = a * b;
  const productError = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  const sum = product + c;
  return sum + addRoundingToOdd(additionError(product, c), productError);
}

/** What a + b loses by rounding. */
function additionError(a: number, b: number): number {
  const sum = a + b;
  const rest = sum - a;
  return a - (sum - rest) + (b - rest);
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** a + b; when that isn't exact, of the two nearest numbers the one with an odd last bit, so that it can be rounded again. */
function addRoundingToOdd(a: number, b: number): number {
  const sum = a + b;
  const error = additionError(a, b);
  double[0] = sum;
  if (error === 0 || (bits[0] as bigint) & 1n) return sum;
  bits[0] = (bits[0] as bigint) + (error > 0 === sum > 0 ? 1n : -1n);
  return double[0] as number;
}
