import type { Matrix } from '../linalg/matrix.ts';
import { addTo, difference, selectRows, trace, transpose, zeros } from '../linalg/matrix.ts';
import { gramian } from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { Evidence } from './evidence.ts';
import type { PresentClasses } from './samples.ts';
import { centredSamples, presentClasses } from './samples.ts';

/** How the samples scatter about the means of their classes. Classes without samples are left out. */
export interface ClassScatter extends Pick<PresentClasses, 'classOf' | 'counts'> {
  /** `[C, d]`, the means of the classes less the mean of all samples. */
  means: Matrix;
  /** `[d, d]`, Σ(x − mean of its class)(x − mean of its class)ᵀ, not divided by the count. */
  within: Matrix;
}

/** Up to this ratio of total to within-class scatter the latter is exact to about 1e-10 as a difference. */
const TRUSTED_RATIO = 1e6;

/** The class scatter of `evidence`; computed once, whoever asks. */
export function classScatter(evidence: Evidence): Promise<ClassScatter> {
  return evidence.share('classScatter', () => computeClassScatter(evidence));
}

async function computeClassScatter(evidence: Evidence): Promise<ClassScatter> {
  const { labels, counts, classOf } = presentClasses(evidence);
  const statistics = await evidence.statistics();
  const ones = new Float64Array(evidence.features.cols).fill(1);
  const means = selectRows(transpose(statistics.standardisedClassSums(ones)), labels);
  const weighted = zeros(means.rows, means.cols);
  for (let at = 0; at < means.data.length; at++) {
    const count = counts[Math.floor(at / means.cols)] as number;
    const sum = means.data[at] as number;
    means.data[at] = sum / count;
    weighted.data[at] = sum / Math.sqrt(count);
  }
  const within = difference(statistics.gram, await gramian(transpose(weighted)));
  const total = trace(statistics.gram);
  if (trace(within) * TRUSTED_RATIO > total) return { classOf, counts, means, within };
  const exact = await scatterAbout(evidence, means, classOf);
  // What is left of features that are the same for all samples of a class is the rounding of their means.
  const varies = trace(exact) > (evidence.count * Number.EPSILON) ** 2 * total;
  return { classOf, counts, means, within: varies ? exact : zeros(exact.rows, exact.cols) };
}

async function scatterAbout(evidence: Evidence, means: Matrix, classOf: Int32Array): Promise<Matrix> {
  const sum = zeros(means.cols, means.cols);
  for (let from = 0; from < evidence.count; from += BLOCK_SAMPLES) {
    const block = await centredSamples(evidence, from, Math.min(from + BLOCK_SAMPLES, evidence.count));
    subtractRows(block, means, classOf.subarray(from));
    addTo(sum, await gramian(transpose(block)));
  }
  return sum;
}

/** matrixᵢ − rows[which[i]], in place. */
export function subtractRows({ rows: count, cols, data }: Matrix, rows: Matrix, which: Int32Array): void {
  for (let i = 0; i < count; i++) {
    const from = (which[i] as number) * cols;
    for (let j = 0; j < cols; j++)
      data[i * cols + j] = (data[i * cols + j] as number) - (rows.data[from + j] as number);
  }
}
