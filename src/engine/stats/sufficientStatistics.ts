import { InputError } from '../errors.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { rowRange, zeros } from '../linalg/matrix.ts';
import { sumOfGramians } from '../linalg/multiply.ts';
import { standardisedColumns, sumRows } from '../linalg/sampleRows.ts';

/** 'EMMS' in ASCII, then the version of the layout. */
const MAGIC = 0x454d_4d53;
const VERSION = 1;
const HEADER_BYTES = 32;
/** Features of the samples that travel together through products: bounds the memory, 33 MB. */
const BLOCK_NUMBERS = 4_096_000;
/** Samples come in multiples of as many as fill lines of the cache. */
const LINE = 16;

/**
 * What linear scores need of the features of any number of samples: count, mean, centred Gram matrix Σ(x−x̄)(x−x̄)ᵀ, and
 * per class the count and the sum. Blocks of samples are added as they arrive, statistics of disjoint samples merge
 * (Chan, Golub & LeVeque 1979), and the result is as exact as a two-pass computation on all samples at once, even when
 * the mean is a million times the spread: everything is held relative to `shift`, the first sample seen.
 */
export class SufficientStatistics {
  /** Features per sample. */
  readonly dimension: number;
  /** 0 when there are no class labels. */
  readonly classCount: number;
  count = 0;
  /** `[d]`, the point that means and class sums are relative to. */
  readonly shift: Float64Array;
  /** `[d]`, mean of the samples minus `shift`. */
  readonly offset: Float64Array;
  /** `[d, d]`, Σ(x−x̄)(x−x̄)ᵀ, not divided by the count. */
  gram: Matrix;
  /** `[C]` */
  readonly classCounts: Float64Array;
  /** `[C, d]`, per class Σ(x−shift). */
  readonly classSums: Matrix;

  constructor(dimension: number, classCount: number) {
    this.dimension = dimension;
    this.classCount = classCount;
    this.shift = new Float64Array(dimension);
    this.offset = new Float64Array(dimension);
    this.gram = zeros(dimension, dimension);
    this.classCounts = new Float64Array(classCount);
    this.classSums = zeros(classCount, dimension);
  }

  /**
   * Adds samples.
   *
   * @param features `[b, d]`
   * @param labels `[b]` class indices below `classCount`; left out when there are no classes
   * @throws InputError for another number of features, or of labels than of samples
   */
  async add(features: FloatMatrix, labels?: Int32Array): Promise<void> {
    if (features.cols !== this.dimension || (labels?.length ?? features.rows) !== features.rows) {
      throw new InputError(
        `Features [${features.rows}, ${features.cols}] with ${labels?.length ?? 0} labels don't continue ` +
          `statistics of ${this.dimension} features; extract them again with the same checkpoint.`,
      );
    }
    if (features.rows === 0) return;
    if (this.count === 0) this.shift.set(features.data.subarray(0, this.dimension));
    const sum = new Float64Array(this.dimension);
    for (const [from, to] of blocksOf(features)) {
      const added =
        labels === undefined ? this.sumBlock(features, from, to) : this.sumClasses(features, labels, from, to);
      added.forEach((value, j) => {
        sum[j] = (sum[j] as number) + value;
      });
    }
    const offset = sum.map((total) => total / features.rows);
    this.mergeMoments(features.rows, offset, await sumOfGramians(this.dimension, this.centred(features, offset)));
  }

  /** Blocks `[d, b]` of the samples less their mean, each valid until the next. */
  private *centred(features: FloatMatrix, offset: Float64Array): Generator<Matrix> {
    const standardisation = { shift: this.shift, offset, scale: new Float64Array(this.dimension).fill(1) };
    for (const [from, to] of blocksOf(features)) {
      yield standardisedColumns(features, from, to, standardisation);
    }
  }

  /** `[d]`, Σ(x−shift) of samples `from` to `to`. */
  private sumBlock(features: FloatMatrix, from: number, to: number): Float64Array {
    return sumRows(features, from, new Int32Array(to - from), 1, this.shift).data;
  }

  /** The same, class by class, which are added to the class sums. */
  private sumClasses(features: FloatMatrix, labels: Int32Array, from: number, to: number): Float64Array {
    const { dimension } = this;
    // The classes that the block holds, not all of them: they may be many more.
    const groupOf = new Map<number, number>();
    const groups = labels.subarray(from, to).map((label) => {
      this.classCounts[label] = (this.classCounts[label] as number) + 1;
      const group = groupOf.get(label) ?? groupOf.size;
      groupOf.set(label, group);
      return group;
    });
    const sums = sumRows(features, from, groups, groupOf.size, this.shift);
    const total = new Float64Array(dimension);
    for (const [label, group] of groupOf) {
      const classSum = rowRange(this.classSums, label, label + 1).data;
      const added = rowRange(sums, group, group + 1).data;
      for (let j = 0; j < dimension; j++) {
        classSum[j] = (classSum[j] as number) + (added[j] as number);
        total[j] = (total[j] as number) + (added[j] as number);
      }
    }
    return total;
  }

  /**
   * Adds the statistics of other samples.
   *
   * @throws InputError for another number of features or classes
   */
  merge(other: SufficientStatistics): void {
    if (other.dimension !== this.dimension || other.classCount !== this.classCount) {
      throw new InputError(
        `Statistics of ${other.dimension} features and ${other.classCount} classes don't merge with ` +
          `${this.dimension} features and ${this.classCount} classes; extract the features again.`,
      );
    }
    if (other.count === 0) return;
    if (this.count === 0) this.shift.set(other.shift);
    const shiftBy = other.shift.map((value, j) => value - (this.shift[j] as number));
    const offset = other.offset.map((value, j) => value + (shiftBy[j] as number));
    const gram = this.count === 0 ? { ...other.gram, data: other.gram.data.slice() } : other.gram;
    this.mergeMoments(other.count, offset, gram);
    for (let c = 0; c < this.classCount; c++) {
      const added = other.classCounts[c] as number;
      this.classCounts[c] = (this.classCounts[c] as number) + added;
      for (let j = 0; j < this.dimension; j++) {
        const at = c * this.dimension + j;
        this.classSums.data[at] =
          (this.classSums.data[at] as number) + (other.classSums.data[at] as number) + added * (shiftBy[j] as number);
      }
    }
  }

  /**
   * Chan's update: Gram matrices about different means add up with the outer product of the difference of the means. The first
   * `gram` is kept, not copied.
   */
  private mergeMoments(count: number, offset: Float64Array, gram: Matrix): void {
    const { dimension } = this;
    const total = this.count + count;
    const difference = offset.map((value, j) => value - (this.offset[j] as number));
    const weight = (this.count * count) / total;
    if (this.count === 0) {
      this.gram = gram;
      this.offset.set(offset);
      this.count = total;
      return;
    }
    for (let i = 0; i < dimension; i++) {
      const factor = weight * (difference[i] as number);
      for (let j = 0; j < dimension; j++) {
        const at = i * dimension + j;
        this.gram.data[at] =
          (this.gram.data[at] as number) + (gram.data[at] as number) + factor * (difference[j] as number);
      }
      this.offset[i] = (this.offset[i] as number) + ((difference[i] as number) * count) / total;
    }
    this.count = total;
  }

  /** `[d, d]`, the centred Gram matrix of the features times `scale`. */
  standardisedGram(scale: Float64Array): Matrix {
    const { dimension, gram } = this;
    const result = zeros(dimension, dimension);
    for (let i = 0; i < dimension; i++) {
      const factor = scale[i] as number;
      for (let j = 0; j < dimension; j++) {
        const at = i * dimension + j;
        result.data[at] = (gram.data[at] as number) * factor * (scale[j] as number);
      }
    }
    return result;
  }

  /** `[d, C]`, the sums over each class of the centred features times `scale`. */
  standardisedClassSums(scale: Float64Array): Matrix {
    return standardisedSums(this.classSums, this.classCounts, this.offset, scale);
  }

  /** Little-endian bytes that `deserialize` reads; 8·(d² + 2d + C·d + C) and a header of 32. */
  serialize(): Uint8Array<ArrayBuffer> {
    const parts = [this.shift, this.offset, this.gram.data, this.classCounts, this.classSums.data];
    const bytes = new Uint8Array(HEADER_BYTES + byteLength(this.dimension, this.classCount));
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC);
    view.setUint32(4, VERSION, true);
    view.setUint32(8, this.dimension, true);
    view.setUint32(12, this.classCount, true);
    view.setFloat64(16, this.count, true);
    let position = HEADER_BYTES;
    for (const part of parts) {
      bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), position);
      position += part.byteLength;
    }
    return bytes;
  }

  /**
   * @throws InputError when the bytes are not statistics of this version and of the length that their shape asks for.
   */
  static deserialize(bytes: Uint8Array): SufficientStatistics {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER_BYTES || view.getUint32(0) !== MAGIC || view.getUint32(4, true) !== VERSION) {
      throw new InputError('Stored statistics are damaged or of another version; clear the cache.');
    }
    const dimension = view.getUint32(8, true);
    const classCount = view.getUint32(12, true);
    if (bytes.length !== HEADER_BYTES + byteLength(dimension, classCount)) {
      throw new InputError('Stored statistics are cut short; clear the cache.');
    }
    const statistics = new SufficientStatistics(dimension, classCount);
    statistics.count = view.getFloat64(16, true);
    const { shift, offset, gram, classCounts, classSums } = statistics;
    let position = HEADER_BYTES;
    for (const part of [shift, offset, gram.data, classCounts, classSums.data]) {
      new Uint8Array(part.buffer).set(bytes.subarray(position, position + part.byteLength));
      position += part.byteLength;
    }
    return statistics;
  }
}

/** First and last sample, exclusive, of every block. */
function* blocksOf({ rows, cols }: FloatMatrix): Generator<[number, number]> {
  const size = LINE * Math.max(1, Math.floor(BLOCK_NUMBERS / (LINE * cols)));
  for (let from = 0; from < rows; from += size) yield [from, Math.min(from + size, rows)];
}

function byteLength(dimension: number, classCount: number): number {
  return 8 * (dimension * dimension + 2 * dimension + classCount * dimension + classCount);
}

/**
 * Class sums about the shift as sums of standardised features.
 *
 * @param sums `[C, d]`, per class Σ(x−shift)
 * @param counts `[C]`
 * @returns `[d, C]`, per class Σ(x − shift − offset)·scale
 */
export function standardisedSums(
  sums: Matrix,
  counts: Float64Array,
  offset: Float64Array,
  scale: Float64Array,
): Matrix {
  const { rows: classCount, cols: dimension, data } = sums;
  const result = zeros(dimension, classCount);
  for (let c = 0; c < classCount; c++) {
    const samples = counts[c] as number;
    for (let j = 0; j < dimension; j++) {
      const centred = (data[c * dimension + j] as number) - samples * (offset[j] as number);
      result.data[j * classCount + c] = centred * (scale[j] as number);
    }
  }
  return result;
}
