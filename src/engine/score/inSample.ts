import { leastSquares } from '../linalg/leastSquares.ts';
import type { Matrix } from '../linalg/matrix.ts';
import {
  columnDots,
  columnSquares,
  difference,
  dot,
  joinColumns,
  mix,
  rowRange,
  rowSquares,
  scaled,
  scaleRows,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import {
  gramian,
  inTurn,
  multiply,
  multiplyLowerTransposed,
  multiplyLowerTriangular,
  multiplyTransposed,
  SINGLE_PRECISION_FROM,
  squaredLengths,
} from '../linalg/multiply.ts';
import { addProduct } from '../linalg/onnxKernels.ts';
import type { Evidence } from './evidence.ts';
import { featureSpace } from './featureSpace.ts';
import { indicatorFit } from './indicatorFit.ts';
import type { MixtureProjection } from './mixtureProjection.ts';
import { mixtureProjection } from './mixtureProjection.ts';
import { oneHotLabels } from './oneHotLabels.ts';
import { innerProducts, projectedProducts } from './projectedProducts.ts';
import { singleFeatures } from './singleFeatures.ts';

/**
 * The least-squares fit of standardised label embeddings Zₖ `[n, d2]` by standardised features X `[n, d]`, in Gram space:
 * the fitted X·lstsq(X, Zₖ) is the projection P·Zₖ on the column space of X, and scores need its inner products only.
 *
 * With class labels Zₖ has one row per class, Eₖ `[C, d2]`, spread over the samples. All of the above then follows from
 * the Eₖ, the class counts and the class sums of the features: nothing of size n × d2 is formed.
 */
export interface InSampleFit {
  /** `[K, K]`, ⟨Zₖ, Zₗ⟩ */
  gram: Matrix;
  /** `[K, K]`, ⟨P·Zₖ, P·Zₗ⟩ = ⟨P·Zₖ, Zₗ⟩; computed once. */
  projected(): Promise<Matrix>;
  /** Where that costs less than `projected`, Σ tₖ·P·Zₖ in single precision. */
  mixture?(t: readonly number[]): Promise<MixtureProjection>;
  /** The λ of least |Zλ − Σ tₖ·P·Zₖ|, however close the Zₖ are to each other. */
  leastSquares(t: readonly number[]): Promise<number[]>;
  /** Of Σ aₖ·P·Zₖ − Σ bₖ·Zₖ. */
  squaredResiduals(a: readonly number[], b: readonly number[]): Promise<SquaredResiduals>;
}

/** Squares of residuals, added up. */
export interface SquaredResiduals {
  /** `[n]`, per sample. */
  samples: Float64Array;
  /** `[d2]`, per column; per class where labels are one-hot. */
  columns: Float64Array;
  /** `[n]`, the diagonal of P, in single precision. */
  leverages: Float64Array;
  /** `[n, d2]`, of label embeddings of samples, what the squares are of. */
  errors?: Matrix;
  /** `[n]`, of class labels, what is left of the indicator of the sample's class, by itself and not standardised. */
  ofOwnClass?: Float64Array;
}

/** What mixture of the label embeddings is predicted, and how well. */
export interface InSampleSolution {
  /** λ `[K]`, the weights of the embeddings in the target. */
  weights: number[];
  /** `[K]`, the weights that W was fitted for. */
  fittedWeights: readonly number[];
  /** |Σ fittedWeightsₖ·P·Zₖ − Σ weightsₖ·Zₖ|² */
  squaredResidual: number;
  /** What that is at most, whatever the features; of weights that are the best, what is left by features that tell nothing. */
  most: number;
}

/** Large products that the projection of a mixture takes; that of all embeddings takes one per embedding. */
const MIXTURE_PRODUCTS = 2;

/** Classes from which on the one-hot embedding of them is not formed. */
const MANY_CLASSES = 64;

/** The in-sample fit of `evidence`; computed once, whoever asks. */
export function inSampleFit(evidence: Evidence): Promise<InSampleFit> {
  return evidence.share('inSampleFit', () =>
    evidence.labels === undefined
      ? fitSamples(evidence)
      : evidence.isOneHot && evidence.classCount > MANY_CLASSES
        ? fitOneHot(evidence, evidence.labels)
        : fitClasses(evidence, evidence.labels),
  );
}

async function fitSamples(evidence: Evidence): Promise<InSampleFit> {
  const { features, labelEmbeddings, embeddingShape, count } = evidence;
  const columns = evidence.labelColumns();
  /** Σ tₖ·P·Zₖ `[n, d2]` */
  const fitted = async (t: readonly number[]) => {
    const { blocks, whitening } = await featureSpace(evidence);
    const targets = mix(evidence.standardisedLabels(), t);
    const products = zeros(whitening.rows, targets.cols);
    let first = 0;
    for await (const { data, rows, cols } of blocks()) {
      const part = rowRange(targets, first, first + cols);
      await addProduct(1, data, part.data, products.data, rows, cols, part.cols, 'neither');
      first += cols;
    }
    const coordinates = await multiplyLowerTriangular(whitening, products);
    const coefficients = transpose(await multiplyLowerTransposed(whitening, coordinates));
    const parts: Matrix[] = [];
    for await (const block of blocks()) {
      parts.push(await multiply(coefficients, block));
    }
    return transpose(joinColumns(parts));
  };
  const large = count * features.cols * embeddingShape.width >= SINGLE_PRECISION_FROM;
  return {
    gram: columns.gram,
    projected: () =>
      evidence.share('projectedProducts', async () =>
        projectedProducts(evidence, columns, await featureSpace(evidence)),
      ),
    ...(large &&
      embeddingShape.count > MIXTURE_PRODUCTS && {
        mixture: async (t) => mixtureProjection(labelEmbeddings, columns, t, await singleFeatures(evidence)),
      }),
    leastSquares: async (t) => {
      const targets = evidence.standardisedLabels().map(({ data }) => data);
      return leastSquares(targets, (await fitted(t)).data, targets[0]?.length ?? 0);
    },
    squaredResiduals: async (a, b) => {
      const residuals = difference(await fitted(a), mix(evidence.standardisedLabels(), b));
      const { blocks, whitening } = await featureSpace(evidence);
      const leverages = new Float64Array(count);
      let first = 0;
      for await (const block of blocks()) {
        leverages.set(await squaredLengths(whitening, block, true), first);
        first += block.cols;
      }
      return { samples: rowSquares(residuals), columns: columnSquares(residuals), leverages, errors: residuals };
    },
  };
}

async function fitClasses(evidence: Evidence, labels: Int32Array): Promise<InSampleFit> {
  const { products, fits } = await indicatorFit(evidence, labels);
  const targets = evidence.standardisedLabels();
  const counts = evidence.classCounts();
  const lengths = counts.map(Math.sqrt);
  // Targets in the basis of unit class indicators: inner products over n samples become those over C rows.
  const unitTargets = targets.map((target) => scaleRows(target, lengths));
  const gram = innerProducts(unitTargets, unitTargets);
  const projected = innerProducts(await inTurn(targets, (target) => multiply(products, target)), targets);
  return {
    gram,
    projected: async () => projected,
    leastSquares: async (t) => {
      const unitFitted = scaleRows(
        await multiply(products, mix(targets, t)),
        lengths.map((length) => (length > 0 ? 1 / length : 0)),
      );
      const columns = unitTargets.map(({ data }) => data);
      return leastSquares(columns, unitFitted.data, labels.length * unitFitted.cols);
    },
    squaredResiduals: async (a, b) => {
      // |Tᵀq − u|² with q the fit of sample i's class indicators, expanded so that only [C, C] matrices appear.
      const fittedTarget = mix(targets, a);
      const actual = mix(targets, b);
      const quadratic = await gramian(fittedTarget);
      const linear = await multiplyTransposed(actual, fittedTarget);
      const explained = columnDots(difference(scaled(actual, 2), fittedTarget), await multiply(products, fittedTarget));
      const columns = columnSquares(actual, counts).map((square, j) => square - (explained[j] as number));
      const frequency = counts.map((samples) => samples / labels.length);
      const residuals = new Float64Array(labels.length);
      const ofOwnClass = new Float64Array(labels.length);
      const leverages = new Float64Array(labels.length);
      let sample = 0;
      for await (const block of fits()) {
        leverages.set(block.leverages, sample);
        const rows = transpose(block.indicators);
        const transformed = await multiply(rows, quadratic);
        for (let i = 0; i < rows.rows; i++, sample++) {
          const label = labels[sample] as number;
          const q = rowRange(rows, i, i + 1).data;
          const u = rowRange(actual, label, label + 1).data;
          residuals[sample] =
            dot(q, rowRange(transformed, i, i + 1).data) -
            2 * dot(q, rowRange(linear, label, label + 1).data) +
            dot(u, u);
          ofOwnClass[sample] = (1 - (frequency[label] as number) - (q[label] as number)) ** 2;
        }
      }
      return { samples: residuals, columns, leverages, ofOwnClass };
    },
  };
}

/** The same for many classes whose only embedding is which they are, see `oneHotLabels.ts`. */
async function fitOneHot(evidence: Evidence, labels: Int32Array): Promise<InSampleFit> {
  const { blocks, whitening, classSums } = await featureSpace(evidence);
  const coordinates = transpose(await multiplyLowerTriangular(whitening, await classSums(labels)));
  const { frequency, scale, lengths } = oneHotLabels(evidence);
  const squares = scale.map((value) => value ** 2);
  const sum = (term: (c: number) => number) => squares.reduce((total, square, c) => total + square * term(c), 0);
  const share = (c: number) => frequency[c] as number;
  const lengthOf = (c: number) => evidence.count * share(c) * (1 - share(c));
  const gram = sum(lengthOf);
  const fitted = rowSquares(coordinates);
  const projected = sum((c) => fitted[c] as number);
  const single = (value: number): Matrix => ({ rows: 1, cols: 1, data: Float64Array.of(value) });
  return {
    gram: single(gram),
    projected: async () => single(projected),
    leastSquares: async ([t = 0]) => [(t * projected) / gram],
    squaredResiduals: async ([a = 0], [b = 0]) => {
      const coefficients = await multiply(coordinates, whitening);
      const expected = squares.map((square, c) => square * share(c));
      const residuals = new Float64Array(labels.length);
      const ofOwnClass = new Float64Array(labels.length);
      const leverages = new Float64Array(labels.length);
      let sample = 0;
      for await (const block of blocks()) {
        leverages.set(await squaredLengths(whitening, block, true), sample);
        const fits = await multiply(coefficients, block);
        const fitLengths = columnSquares(fits, squares);
        const means = columnSums(fits, expected);
        for (let i = 0; i < fits.cols; i++, sample++) {
          const label = labels[sample] as number;
          const square = squares[label] as number;
          const own = fits.data[label * fits.cols + i] as number;
          const product = square * own - (means[i] as number);
          residuals[sample] =
            a * a * (fitLengths[i] as number) - 2 * a * b * product + b * b * (lengths[label] as number);
          ofOwnClass[sample] = (1 - share(label) - own) ** 2;
        }
      }
      const columns = squares.map(
        (square, c) => square * (a * (a - 2 * b) * (fitted[c] as number) + b * b * lengthOf(c)),
      );
      return { samples: residuals, columns, leverages, ofOwnClass };
    },
  };
}

/** Per column Σ weight·value. */
function columnSums({ rows, cols, data }: Matrix, weights: Float64Array): Float64Array {
  const sums = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    const weight = weights[i] as number;
    for (let j = 0; j < cols; j++) sums[j] = (sums[j] as number) + weight * (data[i * cols + j] as number);
  }
  return sums;
}
