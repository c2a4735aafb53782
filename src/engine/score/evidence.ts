import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { selectRows, zeros } from '../linalg/matrix.ts';
import { BLOCK_SAMPLES, standardisedColumns } from '../linalg/sampleRows.ts';
import { SufficientStatistics } from '../stats/sufficientStatistics.ts';
import type { EvidenceInput, LabelKind } from './evidenceInput.ts';
import { checkInput, checkValues, LARGEST_VALUE } from './evidenceInput.ts';
import type { LabelColumns } from './labelRows.ts';
import { boundOf, labelColumns, STANDARDISATION_EPSILON } from './labelRows.ts';

/**
 * All that a score may use, with what several scores derive from it computed at most once.
 */
export class Evidence {
  /** `[n, d]` */
  readonly features: FloatMatrix;
  /** `[n]`, class indices below `classCount`. */
  readonly labels: Int32Array | undefined;
  /** C, of which some may have no samples; 0 without class labels. */
  readonly classCount: number;
  /** Whether the only label embedding is which class it is: of many classes a score should not form the `[C, C]` of it. */
  readonly isOneHot: boolean;
  /** Undefined when nothing is known but the features. */
  readonly labelKind: LabelKind | undefined;
  /** `[n, c]` */
  readonly sourceProbabilities: FloatMatrix | undefined;
  /** n, or of how many samples these are what is left. */
  readonly samplesInAll: number;
  /** `[n]`, which of the given samples each is; undefined for evidence that is in the given order. */
  readonly order: readonly number[] | undefined;
  /**
   * The same in an order of the samples that depends on their features and class labels alone: what is computed from it is the
   * same to the last bit however the samples were ordered, unless some agree in both and differ in something else. For scores in
   * which rounding may show; made once, when one asks, with statistics of its own.
   */
  readonly sorted: () => Evidence;
  /** Count, mean, Gram matrix and class sums of the features. */
  readonly statistics: () => Promise<SufficientStatistics>;
  /**
   * `[d]`, 1/(std + 1e-8) per feature, as the published code standardises; 0 for a constant feature. When no feature has a std
   * as large as 1 the 1e-8 is relative to the largest std, so that small features are scored as large ones are.
   */
  readonly scale: () => Promise<Float64Array>;
  /** The K label embeddings standardised over the samples, `[C, d2]` with class labels, else `[n, d2]`. */
  readonly standardisedLabels: () => Matrix[];
  /** Of the label embeddings of samples: what standardises their columns, in one pass over them. */
  readonly labelColumns: () => LabelColumns;
  /** Results that scores keep for each other, by name. */
  private readonly shared = new Map<string, unknown>();

  private readonly embeddings: () => readonly FloatMatrix[];

  /** Use `createEvidence`, which checks its input. */
  constructor(
    input: EvidenceInput,
    labelKind: LabelKind | undefined,
    classCount: number,
    labelEmbeddings: () => readonly FloatMatrix[],
    order?: readonly number[],
  ) {
    this.features = input.features;
    this.labels = input.labels;
    this.labelKind = labelKind;
    this.classCount = classCount;
    this.isOneHot = input.labels !== undefined && (input.labelEmbeddings ?? []).length === 0;
    this.embeddings = once(labelEmbeddings);
    this.sourceProbabilities = input.sourceProbabilities;
    this.samplesInAll = input.samplesInAll ?? input.features.rows;
    this.order = order;
    this.sorted = once(() => sortedEvidence(this));

    this.statistics = once(async () => {
      if (input.statistics !== undefined) return input.statistics;
      const statistics = new SufficientStatistics(this.features.cols, this.classCount);
      await statistics.add(this.features, this.labels);
      return statistics;
    });
    this.scale = once(async () => {
      const { gram, count, dimension } = await this.statistics();
      const deviations = Float64Array.from({ length: dimension }, (_, j) =>
        Math.sqrt((gram.data[j * dimension + j] as number) / count),
      );
      const largest = deviations.reduce((max, deviation) => Math.max(max, deviation), 0);
      const epsilon = STANDARDISATION_EPSILON * Math.min(1, largest);
      return deviations.map((deviation) => (deviation > 0 ? 1 / (deviation + epsilon) : 0));
    });
    this.labelColumns = once(() => labelColumns(this.labelEmbeddings));
    this.standardisedLabels = once(() => {
      const weights = this.labels === undefined ? undefined : this.classCounts();
      return this.labelEmbeddings.map((embedding) => standardise(embedding, weights));
    });
  }

  /** n */
  get count(): number {
    return this.features.rows;
  }

  /** K label embeddings: `[C, d2]` with class labels, else `[n, d2]`. */
  get labelEmbeddings(): readonly FloatMatrix[] {
    return this.embeddings();
  }

  /** K and d2, without making the embeddings. */
  get embeddingShape(): { count: number; width: number } {
    if (this.isOneHot) return { count: 1, width: this.classCounts().filter((samples) => samples > 0).length };
    return { count: this.labelEmbeddings.length, width: this.labelEmbeddings[0]?.cols ?? 1 };
  }

  /** The number of samples of each class, `[C]`. */
  readonly classCounts: () => Float64Array = once(() => {
    const counts = new Float64Array(this.classCount);
    for (const label of this.labels ?? []) {
      counts[label] = (counts[label] as number) + 1;
    }
    return counts;
  });

  /** What `compute` gives for this evidence: computed by the first caller of this `key`, kept for the others. */
  share<T>(key: string, compute: () => Promise<T>): Promise<T> {
    const known = this.shared.get(key) as Promise<T> | undefined;
    const result = known ?? compute();
    this.shared.set(key, result);
    return result;
  }

  /**
   * The centred features times `scale` in blocks of samples `[d, b]`; new at every call, for they are large.
   *
   * @param reuseMemory a block is overwritten by the next: for who looks at one at a time
   */
  async *standardised(scale: Float64Array, reuseMemory: boolean): AsyncGenerator<Matrix> {
    const { shift, offset } = await this.statistics();
    const size = Math.min(BLOCK_SAMPLES, this.count);
    const memory = reuseMemory ? new Float64Array(size * this.features.cols) : undefined;
    for (let from = 0; from < this.count; from += size) {
      const to = Math.min(from + size, this.count);
      const block = standardisedColumns(this.features, from, to, { shift, offset, scale });
      const data = memory?.subarray(0, block.data.length) ?? new Float64Array(block.data.length);
      data.set(block.data);
      yield { ...block, data };
    }
  }
}

/** @throws InputError when the parts of the input don't fit each other or are no numbers, see `checkInput` */
export function createEvidence(input: EvidenceInput): Evidence {
  const { labels, classCount, kind, labelEmbeddings } = checkInput(input);
  const evidence = new Evidence({ ...input, labels }, kind, classCount, labelEmbeddings);
  if (labels === undefined && input.multiLabels === undefined) {
    // Values of many samples are looked at one by one only if their moments, which are needed in any case, hint at a wrong one.
    const { labelEmbeddings: embeddings = [] } = input;
    if (embeddings.length > 0 && !(boundOf(evidence.labelColumns(), evidence.count) < LARGEST_VALUE)) {
      for (const embedding of embeddings) checkValues(embedding, 'sample');
    }
  }
  return evidence;
}

function sortedEvidence(evidence: Evidence): Evidence {
  const { features, labels, sourceProbabilities, labelKind, classCount } = evidence;
  const order = canonicalOrder(features, labels);
  const input = {
    features: selectRows(features, order),
    labels: labels && Int32Array.from(order, (sample) => labels[sample] as number),
    labelEmbeddings: evidence.isOneHot ? [] : evidence.labelEmbeddings,
    sourceProbabilities: sourceProbabilities && selectRows(sourceProbabilities, order),
  };
  const embeddings = () =>
    labels === undefined
      ? evidence.labelEmbeddings.map((embedding) => selectRows(embedding, order))
      : evidence.labelEmbeddings;
  return new Evidence(input, labelKind, classCount, embeddings, order);
}

/**
 * Samples by their features, then by their labels, from the middle on: differences are taken from the first sample, and the least of
 * all may be far from all others.
 */
function canonicalOrder({ rows, cols, data }: FloatMatrix, labels: Int32Array | undefined): number[] {
  const ascending = Array.from({ length: rows }, (_, i) => i).sort((a, b) => {
    for (let j = 0; j < cols; j++) {
      const difference = (data[a * cols + j] as number) - (data[b * cols + j] as number);
      if (difference !== 0) return difference;
    }
    return labels === undefined ? 0 : (labels[a] as number) - (labels[b] as number);
  });
  const middle = Math.floor(rows / 2);
  return [...ascending.slice(middle), ...ascending.slice(0, middle)];
}

/**
 * Every column minus its mean, over its std + 1e-8, where row i counts `weights[i]` times. In two passes relative to the
 * first counted row, so that a large mean costs no digits; rows that don't count and constant columns become 0.
 */
function standardise(matrix: FloatMatrix, weights: Float64Array | undefined): Matrix {
  const { rows, cols, data } = matrix;
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? rows;
  const firstRow = weights?.findIndex((weight) => weight > 0) ?? 0;
  const shift = Float64Array.from(data.subarray(firstRow * cols, (firstRow + 1) * cols));
  const offset = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : (weights[i] as number);
    for (let j = 0; j < cols; j++) {
      offset[j] = (offset[j] as number) + weight * ((data[i * cols + j] as number) - (shift[j] as number));
    }
  }
  for (let j = 0; j < cols; j++) {
    offset[j] = (offset[j] as number) / total;
  }
  const result = zeros(rows, cols);
  const squares = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : (weights[i] as number);
    if (weight === 0) continue;
    for (let j = 0; j < cols; j++) {
      const centred = (data[i * cols + j] as number) - (shift[j] as number) - (offset[j] as number);
      result.data[i * cols + j] = centred;
      squares[j] = (squares[j] as number) + weight * centred * centred;
    }
  }
  const scale = squares.map((sum) => (sum > 0 ? 1 / (Math.sqrt(sum / total) + STANDARDISATION_EPSILON) : 0));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      result.data[i * cols + j] = (result.data[i * cols + j] as number) * (scale[j] as number);
    }
  }
  return result;
}

function once<T>(compute: () => T): () => T {
  let result: { value: T } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}
