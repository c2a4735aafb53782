import { oneHot } from '../embed/oneHot.ts';
import { InputError } from '../errors.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { firstNotBelow, standardisedColumns } from '../linalg/sampleRows.ts';
import { SufficientStatistics } from '../stats/sufficientStatistics.ts';

/** Samples that travel together through products. */
export const BLOCK_SAMPLES = 2048;
/** What the published EMMS code adds to every standard deviation. */
export const STANDARDISATION_EPSILON = 1e-8;
/** Beyond, fourth powers leave the range of doubles; single precision ends at 3e38. */
const LARGEST_VALUE = 1e75;

/** Below, they do too. */
const SMALLEST_VALUE = 1e-75;

/** What the samples are labelled with. Scores know class labels and label embeddings; the others become embeddings. */
export type LabelKind = 'class labels' | 'several labels per sample' | 'regression targets' | 'label embeddings';

/**
 * What is known about one candidate on one dataset. All matrices are row-major, one row per sample or class. Of `labels`,
 * `multiLabels` and `targets` at most one is given.
 */
export interface EvidenceInput {
  /** `[n, d]` features of the samples. */
  features: FloatMatrix;
  /** `[n]` class indices from 0. */
  labels?: Int32Array | undefined;
  /** `[n, C]`, 1 for every class that a sample is of, else 0. */
  multiLabels?: FloatMatrix | undefined;
  /** `[n, t]` numbers to predict. */
  targets?: FloatMatrix | undefined;
  /** C; by default the number of rows of the label embeddings, without them that of the different labels. */
  classCount?: number | undefined;
  /**
   * K label embeddings of one width: `[C, d2]` with labels or multi-labels, else `[n, d2]`. By default one-hot for labels, and
   * the multi-labels or targets themselves.
   */
  labelEmbeddings?: readonly FloatMatrix[] | undefined;
  /** `[n, c]` class probabilities of the source classifier. */
  sourceProbabilities?: FloatMatrix | undefined;
  /** Statistics of just these features and labels, when they are at hand already. */
  statistics?: SufficientStatistics | undefined;
}

/**
 * All that a score may use, with what several scores derive from it computed at most once.
 */
export class Evidence {
  readonly features: FloatMatrix;
  readonly labels: Int32Array | undefined;
  /** 0 without class labels. */
  readonly classCount: number;
  /** Whether the only label embedding is which class it is: of many classes a score should not form the `[C, C]` of it. */
  readonly isOneHot: boolean;
  /** Undefined when nothing is known but the features. */
  readonly labelKind: LabelKind | undefined;
  readonly sourceProbabilities: FloatMatrix | undefined;
  /** Count, mean, Gram matrix and class sums of the features. */
  readonly statistics: () => Promise<SufficientStatistics>;
  /**
   * `[d]`, 1/(std + 1e-8) per feature, as the published code standardises; 0 for a constant feature. When no feature has a std
   * of 1 the 1e-8 is relative to the largest, so that small features are scored as large ones are.
   */
  readonly scale: () => Promise<Float64Array>;
  /** The K label embeddings standardised over the samples, `[C, d2]` with class labels, else `[n, d2]`. */
  readonly standardisedLabels: () => Matrix[];
  /** Results that scores keep for each other, by name. */
  private readonly shared = new Map<string, unknown>();

  private readonly embeddings: () => readonly FloatMatrix[];

  /** Use `createEvidence`, which checks its input. */
  constructor(
    input: EvidenceInput,
    labelKind: LabelKind | undefined,
    classCount: number,
    labelEmbeddings: () => readonly FloatMatrix[],
  ) {
    this.features = input.features;
    this.labels = input.labels;
    this.labelKind = labelKind;
    this.classCount = classCount;
    this.isOneHot = input.labels !== undefined && (input.labelEmbeddings ?? []).length === 0;
    this.embeddings = once(labelEmbeddings);
    this.sourceProbabilities = input.sourceProbabilities;

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
      const block = standardisedColumns(this.features, from, to, shift, offset, scale);
      const data = memory?.subarray(0, block.data.length) ?? new Float64Array(block.data.length);
      data.set(block.data);
      yield { ...block, data };
    }
  }
}

/**
 * Checks that the parts fit each other and that the features are numbers.
 *
 * @throws InputError with the sample's index for NaN or infinite features; for fewer than two samples or classes; for
 * lengths that don't match; for labels that are the same for all samples.
 */
export function createEvidence(input: EvidenceInput): Evidence {
  const { features, sourceProbabilities, statistics } = input;
  const { rows: n, cols: d } = features;
  if (n < 2 || d < 1) {
    throw new InputError(`Features [${n}, ${d}]: a score needs at least 2 samples and 1 feature.`);
  }
  const unusable = firstNotBelow(features.data, LARGEST_VALUE);
  if (unusable >= 0) {
    throw new InputError(
      `Sample ${Math.floor(unusable / d)} has the feature ${features.data[unusable]}; leave the sample out or ` +
        'check the checkpoint and its preprocessing.',
    );
  }
  if (firstNotBelow(features.data, SMALLEST_VALUE) < 0 && features.data.some((value) => value !== 0)) {
    throw new InputError(
      `All features are smaller than ${SMALLEST_VALUE}; check the checkpoint and its preprocessing, or scale them.`,
    );
  }
  const { labels, classCount } = classesOf(input);
  if (sourceProbabilities !== undefined && sourceProbabilities.rows !== n) {
    throw new InputError(`${sourceProbabilities.rows} rows of source probabilities don't match ${n} samples.`);
  }
  if (
    statistics !== undefined &&
    (statistics.count !== n || statistics.dimension !== d || statistics.classCount !== classCount)
  ) {
    throw new InputError('The stored statistics are not those of the features; extract the features again.');
  }
  const { kind, labelEmbeddings } = labelsOf({ ...input, labels }, classCount);
  return new Evidence({ ...input, labels }, kind, classCount, labelEmbeddings);
}

/** What kind of labels there are, and how to make their embeddings; large ones are not made before a score asks. */
function labelsOf(
  input: EvidenceInput,
  classCount: number,
): { kind: LabelKind | undefined; labelEmbeddings: () => readonly FloatMatrix[] } {
  const { labels, multiLabels, targets } = input;
  const n = input.features.rows;
  const embeddings = input.labelEmbeddings ?? [];
  if (labels !== undefined) {
    checkEmbeddings(embeddings, classCount, 'class');
    const present = [...new Set(labels)].sort((a, b) => a - b);
    checkVariation(embeddings, present);
    return {
      kind: 'class labels',
      labelEmbeddings: () => (embeddings.length > 0 ? embeddings : [oneHot(classCount, present)]),
    };
  }
  if (multiLabels !== undefined) {
    checkRows(multiLabels, n, 'several labels per sample');
    checkIndicators(multiLabels);
    checkEmbeddings(embeddings, multiLabels.cols, 'class');
    const indicators = varyingColumns(multiLabels, 'classes');
    const means = embeddings.map((embedding) => meanOfClasses(multiLabels, embedding));
    checkVariation(
      means,
      Array.from({ length: n }, (_, i) => i),
    );
    return { kind: 'several labels per sample', labelEmbeddings: () => (means.length > 0 ? means : [indicators]) };
  }
  checkEmbeddings(embeddings, n, 'sample');
  checkVariation(
    embeddings,
    Array.from({ length: n }, (_, i) => i),
  );
  if (targets === undefined) {
    return { kind: embeddings.length > 0 ? 'label embeddings' : undefined, labelEmbeddings: () => embeddings };
  }
  checkRows(targets, n, 'regression targets');
  const varying = varyingColumns(targets, 'regression targets');
  return {
    kind: 'regression targets',
    labelEmbeddings: () => (embeddings.length > 0 ? embeddings : [varying]),
  };
}

function checkRows(matrix: FloatMatrix, samples: number, kind: LabelKind): void {
  if (matrix.rows !== samples) {
    throw new InputError(`${matrix.rows} rows of ${kind} don't match ${samples} samples; give one row per sample.`);
  }
  const unusable = firstNotBelow(matrix.data, LARGEST_VALUE);
  if (unusable >= 0) {
    throw new InputError(
      `Sample ${Math.floor(unusable / matrix.cols)} has the label ${matrix.data[unusable]}; leave the sample out.`,
    );
  }
}

function checkIndicators({ cols, data }: FloatMatrix): void {
  const wrong = data.findIndex((value) => value !== 0 && value !== 1);
  if (wrong >= 0) {
    throw new InputError(
      `Sample ${Math.floor(wrong / cols)} has ${data[wrong]} for class ${wrong % cols}; give 1 for every class that a ` +
        'sample is of, else 0.',
    );
  }
}

/** The columns that are not the same for all samples: the others say nothing. */
function varyingColumns(matrix: FloatMatrix, of: string): FloatMatrix {
  const { rows, cols, data } = matrix;
  const varying = Array.from({ length: cols }, (_, j) => j).filter((j) => {
    for (let at = j + cols; at < data.length; at += cols) {
      if (data[at] !== data[j]) return true;
    }
    return false;
  });
  if (varying.length === 0) throw new InputError(`All samples have the same ${of}; a score needs labels that differ.`);
  if (varying.length === cols) return matrix;
  const result = zeros(rows, varying.length);
  for (let i = 0; i < rows; i++) {
    varying.forEach((j, column) => {
      result.data[i * varying.length + column] = data[i * cols + j] as number;
    });
  }
  return result;
}

/** `[n, d2]`, per sample the mean of the embeddings of its classes. */
function meanOfClasses(indicators: FloatMatrix, embedding: FloatMatrix): Matrix {
  const { rows, cols: classes, data } = indicators;
  const { cols: width } = embedding;
  const result = zeros(rows, width);
  for (let i = 0; i < rows; i++) {
    const own = Array.from({ length: classes }, (_, c) => c).filter((c) => data[i * classes + c] === 1);
    if (own.length === 0) {
      throw new InputError(
        `Sample ${i} is of no class, so it has no label embedding; leave the sample or the label embeddings out.`,
      );
    }
    for (const c of own) {
      for (let j = 0; j < width; j++) {
        const at = i * width + j;
        result.data[at] = (result.data[at] as number) + (embedding.data[c * width + j] as number) / own.length;
      }
    }
  }
  return result;
}

/** Labels and C; labels that nothing says the number of are numbered without gaps, for each of these would be a class. */
function classesOf(input: EvidenceInput): { labels: Int32Array | undefined; classCount: number } {
  const { labels } = input;
  if (labels === undefined) return { labels, classCount: 0 };
  const declaredCount = input.classCount ?? input.labelEmbeddings?.[0]?.rows;
  const classCount = checkLabels(labels, input.features.rows, declaredCount);
  if (declaredCount !== undefined) return { labels, classCount };
  const numbers = new Map([...new Set(labels)].sort((a, b) => a - b).map((label, number) => [label, number]));
  return { labels: labels.map((label) => numbers.get(label) as number), classCount: numbers.size };
}

function checkLabels(labels: Int32Array, n: number, declaredCount: number | undefined): number {
  if (labels.length !== n) {
    throw new InputError(`${labels.length} labels don't match ${n} samples; give one label per sample.`);
  }
  const present = new Set(labels);
  if (present.size < 2) {
    throw new InputError('All samples have the same label; a score needs at least 2 classes.');
  }
  const largest = labels.reduce((max, label) => Math.max(max, label), 0);
  const classCount = declaredCount ?? largest + 1;
  if (largest >= classCount || labels.some((label) => label < 0)) {
    throw new InputError(`Labels must lie between 0 and ${classCount - 1}, one class per row of the label embeddings.`);
  }
  return classCount;
}

function checkEmbeddings(embeddings: readonly FloatMatrix[], rows: number, of: string): void {
  const width = embeddings[0]?.cols;
  for (const embedding of embeddings) {
    if (embedding.rows !== rows) {
      throw new InputError(`Label embeddings have ${embedding.rows} rows, not ${rows}: give one row per ${of}.`);
    }
    if (embedding.cols !== width) {
      throw new InputError(`Label embeddings of width ${width} and ${embedding.cols} don't mix; use one width.`);
    }
    const unusable = firstNotBelow(embedding.data, LARGEST_VALUE);
    if (unusable >= 0) {
      throw new InputError(
        `The label embedding of ${of} ${Math.floor(unusable / embedding.cols)} holds ${embedding.data[unusable]}; ` +
          'embed the labels again.',
      );
    }
  }
}

/** @throws InputError for an embedding whose `rows` are all the same: standardised it is 0, and anything predicts that. */
function checkVariation(embeddings: readonly FloatMatrix[], rows: readonly number[]): void {
  const [first = 0, ...others] = rows;
  const constant = embeddings.findIndex(({ cols, data }) =>
    others.every((row) => {
      for (let j = 0; j < cols; j++) if (data[row * cols + j] !== data[first * cols + j]) return false;
      return true;
    }),
  );
  if (constant >= 0) {
    const which =
      embeddings.length === 1 ? 'The label embedding' : `Label embedding ${constant} of ${embeddings.length}`;
    throw new InputError(
      `${which} is the same for all samples, so it says nothing; leave it out or embed the labels again.`,
    );
  }
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
