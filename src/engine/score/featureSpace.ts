import { robustProjector, trustedWhitening } from '../linalg/columnSpace.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { selectRows, zeros } from '../linalg/matrix.ts';
import type { Evidence } from './evidence.ts';
import { STANDARDISATION_EPSILON } from './labelRows.ts';

/** The column space of the standardised features as a projector, see `linalg/columnSpace.ts`. */
export interface FeatureSpace {
  /** Blocks `[r, b]` of samples; a block may be overwritten by the next. */
  blocks(): AsyncIterable<Matrix>;
  /** `[r, r]` */
  whitening: Matrix;
  /** `[r, C]`, the sum of the columns of `blocks` over the samples of each class. */
  classSums(labels: Int32Array): Promise<Matrix>;
}

/** That of `evidence`; computed once, whoever asks. */
export function featureSpace(evidence: Evidence): Promise<FeatureSpace> {
  return evidence.share('featureSpace', () => columnSpace(evidence));
}

async function columnSpace(evidence: Evidence): Promise<FeatureSpace> {
  const statistics = await evidence.statistics();
  const { gram: featureGram, count, dimension } = statistics;
  const variance = Float64Array.from(
    { length: dimension },
    (_, j) => (featureGram.data[j * dimension + j] as number) / count,
  );
  const scale = unitScale(variance, count);
  const active = [...scale.keys()].filter((j) => scale[j] !== 0);
  async function* standardised(reuseMemory: boolean) {
    for await (const block of evidence.standardised(scale, reuseMemory)) {
      yield active.length === dimension ? block : selectRows(block, active);
    }
  }
  const standardisedGram = statistics.standardisedGram(scale);
  const gram = active.length === dimension ? standardisedGram : selectRows(standardisedGram, active, active);
  const whitening = active.length === 0 ? zeros(0, 0) : await trustedWhitening(gram);
  if (whitening !== undefined) {
    return {
      blocks: () => standardised(true),
      whitening,
      classSums: async () => selectRows(statistics.standardisedClassSums(scale), active),
    };
  }
  const vectors: Matrix[] = [];
  for await (const block of standardised(false)) {
    vectors.push(block);
  }
  const projector = await robustProjector(vectors, gram);
  async function* blocks() {
    yield* projector.factors;
  }
  return {
    blocks,
    whitening: projector.whitening,
    classSums: async (labels) => sumByClass(projector.factors, labels, evidence.classCount),
  };
}

/**
 * `[d]`, 1/std; 0 for features that say nothing: constant ones, and those that NumPy's `lstsq` drops because the
 * published standardisation, with its 1e-8, leaves less than rounding of them, compared with the largest. (Otherwise scale
 * doesn't matter to a column space, and unit length is best for its conditioning.)
 */
export function unitScale(variance: Float64Array, count: number): Float64Array {
  const deviations = variance.map(Math.sqrt);
  const left = deviations.map((deviation) => deviation / (deviation + STANDARDISATION_EPSILON));
  const largest = left.reduce((max, value) => Math.max(max, value), 0);
  const cutoff = Math.max(count, variance.length) * Number.EPSILON * largest;
  return deviations.map((deviation, j) => ((left[j] as number) > cutoff ? 1 / deviation : 0));
}

function sumByClass(blocks: readonly Matrix[], labels: Int32Array, classCount: number): Matrix {
  const rows = blocks[0]?.rows ?? 0;
  const result = zeros(rows, classCount);
  let first = 0;
  for (const block of blocks) {
    for (let j = 0; j < rows; j++) {
      for (let i = 0; i < block.cols; i++) {
        const at = j * classCount + (labels[first + i] as number);
        result.data[at] = (result.data[at] as number) + (block.data[j * block.cols + i] as number);
      }
    }
    first += block.cols;
  }
  return result;
}
