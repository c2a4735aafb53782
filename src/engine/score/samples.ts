import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import type { SufficientStatistics } from '../stats/sufficientStatistics.ts';
import type { Evidence } from './evidence.ts';

/** `[d]`, the mean of the samples. */
export function featureMean({ shift, offset }: SufficientStatistics): Float64Array {
  return shift.map((value, j) => value + (offset[j] as number));
}

/** `[to − from, d]`, the samples less their mean, exact however large the mean is; all by default. */
export async function centredSamples(evidence: Evidence, from = 0, to = evidence.count): Promise<Matrix> {
  const { shift, offset } = await evidence.statistics();
  const { cols, data } = evidence.features;
  const result = zeros(to - from, cols);
  for (let i = 0; i < result.rows; i++) {
    const source = (from + i) * cols;
    const target = i * cols;
    for (let j = 0; j < cols; j++) {
      // In this order: the difference of two features is exact when they are close, their mean is not.
      result.data[target + j] = (data[source + j] as number) - (shift[j] as number) - (offset[j] as number);
    }
  }
  return result;
}

/** The classes that have samples, numbered without gaps in their order. */
export interface PresentClasses {
  /** `[C]`, their labels. */
  labels: number[];
  /** `[C]`, samples of each, none 0. */
  counts: Float64Array;
  /** `[n]`, the number of a sample's class. */
  classOf: Int32Array;
}

/** @throws InputError without class labels; the registry asks for them before. */
export function presentClasses(evidence: Evidence): PresentClasses {
  if (evidence.labels === undefined) throw new InputError('This score needs class labels.');
  const all = evidence.classCounts();
  const labels = [...all.keys()].filter((c) => (all[c] as number) > 0);
  const numbers = new Int32Array(all.length);
  labels.forEach((c, number) => {
    numbers[c] = number;
  });
  return {
    labels,
    counts: Float64Array.from(labels, (c) => all[c] as number),
    classOf: evidence.labels.map((label) => numbers[label] as number),
  };
}

/** The indices of the samples of every class that has any, in the order of the classes. */
export function samplesByClass({ counts, classOf }: Pick<PresentClasses, 'counts' | 'classOf'>): number[][] {
  const samples = Array.from(counts, (): number[] => []);
  classOf.forEach((c, i) => {
    samples[c]?.push(i);
  });
  return samples;
}
