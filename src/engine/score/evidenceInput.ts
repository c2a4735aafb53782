import { InputError } from '../errors.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { firstNotBelow } from '../linalg/sampleRows.ts';
import type { SufficientStatistics } from '../stats/sufficientStatistics.ts';

/** From here on fourth powers leave the range of doubles; single precision ends at 3e38. */
export const LARGEST_VALUE = 1e75;

/** Of features that are all smaller they do too. */
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
  /** Of how many samples these are what is left, where a score is computed without some; by default n. */
  samplesInAll?: number | undefined;
  /** Statistics of just these features and labels, when they are at hand already. */
  statistics?: SufficientStatistics | undefined;
}

/** What the input comes to once it is known to be sound. */
interface CheckedInput {
  /** Numbered without gaps when nothing says how many classes there are. */
  labels: Int32Array | undefined;
  /** C; 0 without class labels. */
  classCount: number;
  /** Undefined when nothing is known but the features. */
  kind: LabelKind | undefined;
  /** Makes the label embeddings: large ones are not made before a score asks. */
  labelEmbeddings: () => readonly FloatMatrix[];
}

/**
 * Checks that the parts fit each other and that they are numbers.
 *
 * @throws InputError with the sample's index for features and labels that are NaN, infinite or as large as 1e75, and for
 * multi-labels that are not 0 or 1; for features that are all below 1e-75; for fewer than two samples, or no feature; for lengths
 * and widths that don't match; for class labels out of range; for labels and label embeddings that are the same for all samples;
 * for statistics of other features.
 */
export function checkInput(input: EvidenceInput): CheckedInput {
  checkFeatures(input.features);
  const { rows: n, cols: d } = input.features;
  const { labels, classCount } = classesOf(input);
  if (input.sourceProbabilities !== undefined && input.sourceProbabilities.rows !== n) {
    throw new InputError(`${input.sourceProbabilities.rows} rows of source probabilities don't match ${n} samples.`);
  }
  const { statistics } = input;
  if (
    statistics !== undefined &&
    (statistics.count !== n || statistics.dimension !== d || statistics.classCount !== classCount)
  ) {
    throw new InputError('The stored statistics are not those of the features; extract the features again.');
  }
  return { labels, classCount, ...labelsOf({ ...input, labels }, classCount) };
}

function checkFeatures({ rows: n, cols: d, data }: FloatMatrix): void {
  if (n < 2 || d < 1) {
    throw new InputError(`Features [${n}, ${d}]: a score needs at least 2 samples and 1 feature.`);
  }
  const unusable = firstNotBelow(data, LARGEST_VALUE);
  if (unusable >= 0) {
    throw new InputError(
      `Sample ${Math.floor(unusable / d)} has the feature ${data[unusable]}; leave the sample out or ` +
        'check the checkpoint and its preprocessing.',
    );
  }
  if (firstNotBelow(data, SMALLEST_VALUE) < 0 && data.some((value) => value !== 0)) {
    throw new InputError(
      `All features are smaller than ${SMALLEST_VALUE}; check the checkpoint and its preprocessing, or scale them.`,
    );
  }
}

/** What kind of labels there are, and how to make their embeddings. */
function labelsOf(input: EvidenceInput, classCount: number): Pick<CheckedInput, 'kind' | 'labelEmbeddings'> {
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
  if (labels.every((label) => label === labels[0])) {
    throw new InputError('All samples have the same label; a score needs at least 2 classes.');
  }
  const largest = labels.reduce((max, label) => Math.max(max, label), 0);
  const classCount = declaredCount ?? largest + 1;
  if (largest >= classCount || labels.some((label) => label < 0)) {
    throw new InputError(`Labels must lie between 0 and ${classCount - 1}, one class per row of the label embeddings.`);
  }
  return classCount;
}

/** Checks all but the values of embeddings of samples, see `createEvidence`. */
function checkEmbeddings(embeddings: readonly FloatMatrix[], rows: number, of: 'class' | 'sample'): void {
  const width = embeddings[0]?.cols;
  for (const embedding of embeddings) {
    if (embedding.rows !== rows) {
      throw new InputError(`Label embeddings have ${embedding.rows} rows, not ${rows}: give one row per ${of}.`);
    }
    if (embedding.cols !== width) {
      throw new InputError(`Label embeddings of width ${width} and ${embedding.cols} don't mix; use one width.`);
    }
    if (of === 'class') checkValues(embedding, of);
  }
}

/** @throws InputError for a value that is no number or too large */
export function checkValues({ cols, data }: FloatMatrix, of: 'class' | 'sample'): void {
  const unusable = firstNotBelow(data, LARGEST_VALUE);
  if (unusable < 0) return;
  throw new InputError(
    `The label embedding of ${of} ${Math.floor(unusable / cols)} holds ${data[unusable]}; embed the labels again.`,
  );
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
 * The label embedding that knows nothing but which class is which: a column for each of the `present` ones,
 * `[C, present]`.
 */
export function oneHot(classCount: number, present: readonly number[]): Matrix {
  const embedding = zeros(classCount, present.length);
  present.forEach((c, column) => {
    embedding.data[c * present.length + column] = 1;
  });
  return embedding;
}
