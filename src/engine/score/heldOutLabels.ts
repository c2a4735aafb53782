import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import {
  addTo,
  columnDots,
  columnSquares,
  joinColumns,
  mix,
  scaled,
  scaleRows,
  submatrix,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import { inTurn, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { randomSigns } from '../linalg/randomMatrix.ts';
import { BLOCK_SAMPLES, standardisedColumns } from '../linalg/sampleRows.ts';
import { uniformNumbers } from '../random.ts';
import type { Evidence } from './evidence.ts';
import { mixOneHot, oneHotLabels } from './oneHotLabels.ts';
import { sampleProducts } from './sampleProducts.ts';

/** Columns that the ridge is chosen on. */
const SEARCH_WIDTH = 64;

/** Centred numbers per sample that are regressed on the features. */
export interface Regressand {
  /** `[width, size]`, samples from `first` on, which begins a block of `BLOCK_SAMPLES`, to the end of one; in new memory. */
  block(first: number, size: number): Matrix;
  /** `[d, width]`, Xᵀ·y for the standardised features in blocks `[d, b]` of samples. */
  products(features: readonly Matrix[]): Promise<Matrix>;
}

/**
 * What is regressed on the features: with class labels their indicators `[C, b]`, from whose residuals those of every
 * embedding follow, so that nothing of size n × d2 is formed; else the K embeddings themselves, `[d2, b]` each.
 */
export interface LabelSide {
  /** K */
  embeddings: number;
  regressands: Regressand[];
  /**
   * What the ridge is chosen on: all columns of all embeddings, or when those are many, as many random mixtures of them
   * as `SEARCH_WIDTH`. The sum of squares of a mixture's residual is that of all columns on average (Johnson &
   * Lindenstrauss), for every ridge by the same factor or nearly so.
   */
  search: Regressand;
  /** Per pair k ≥ l of embeddings, (0,0), (1,0), (1,1), …, the inner product of their residuals for every sample. */
  pairProducts(residuals: readonly Matrix[]): Promise<Float64Array[]>;
  /** Mixtures of the embeddings, each by the weights `[K]` of these. */
  mixtures(weights: readonly (readonly number[])[]): LabelMixtures;
}

interface LabelMixtures {
  regressands: Regressand[];
  /** What is regressed of the block of `BLOCK_SAMPLES` samples that begins with `first`, `[width, b]` each; not to be changed. */
  targets(first: number): Matrix[];
  /** Numbers as the regressands, `[width, b]` each, times what makes their products with others inner products of the mixtures. */
  weighted(parts: readonly Matrix[]): Promise<Matrix[]>;
}

/** The label embeddings of every sample. */
export async function sampleLabels(evidence: Evidence): Promise<LabelSide> {
  const { labelEmbeddings, features, count } = evidence;
  const columns = evidence.labelColumns();
  /** `[d2, size]`, the standardised embedding k of some samples, valid until the next. */
  const standardised = (k: number, first: number, size: number) =>
    standardisedColumns(labelEmbeddings[k] as FloatMatrix, first, first + size, {
      shift: columns.shifts[k] as Float64Array,
      offset: columns.offsets[k] as Float64Array,
      scale: columns.scales[k] as Float64Array,
    });
  let swept: Promise<Matrix[]> | undefined;
  const sweep = (blocks: readonly Matrix[]) => {
    swept ??= sampleProducts(labelEmbeddings, columns, blocks, features.cols);
    return swept;
  };
  const mixings = columnMixings(labelEmbeddings);
  const mixedBlocks: Matrix[] = [];
  for (let first = 0; first < count; first += BLOCK_SAMPLES) {
    const size = Math.min(BLOCK_SAMPLES, count - first);
    mixedBlocks.push(await mixtureOf(mixings, size, (mixing, k) => multiply(mixing, standardised(k, first, size))));
  }
  const mixed = joinColumns(mixedBlocks);
  return {
    embeddings: labelEmbeddings.length,
    regressands: labelEmbeddings.map((_, k) => ({
      block: (first, size) => {
        const block = standardised(k, first, size);
        return { ...block, data: block.data.slice() };
      },
      products: async (blocks) => (await sweep(blocks))[k] as Matrix,
    })),
    search: {
      block: (first, size) => submatrix(mixed, 0, first, mixed.rows, size),
      products: async (blocks) => {
        const products = await sweep(blocks);
        return transpose(
          await mixtureOf(mixings, features.cols, (mixing, k) => multiplyTransposed(mixing, products[k] as Matrix)),
        );
      },
    },
    pairProducts: async (residuals) =>
      pairs(residuals.length).map(([k, l]) => columnDots(residuals[k] as Matrix, residuals[l] as Matrix)),
    mixtures: (weights) => {
      const mixtures = weights.map((of) => {
        const parts = [...of.entries()].filter(([, weight]) => weight !== 0);
        const blocks: Matrix[] = [];
        for (let first = 0; first < count; first += BLOCK_SAMPLES) {
          const size = Math.min(BLOCK_SAMPLES, count - first);
          const sum = zeros(labelEmbeddings[0]?.cols ?? 0, size);
          for (const [k, weight] of parts) addTo(sum, scaled(standardised(k, first, size), weight));
          blocks.push(sum);
        }
        return { parts, blocks };
      });
      return {
        regressands: mixtures.map(({ parts, blocks }) => ({
          block: (first, size) =>
            joinColumns(blocks.slice(first / BLOCK_SAMPLES, Math.ceil((first + size) / BLOCK_SAMPLES))),
          products: async (features) => {
            const products = await sweep(features);
            return mix(
              parts.map(([k]) => products[k] as Matrix),
              parts.map(([, weight]) => weight),
            );
          },
        })),
        targets: (first) => mixtures.map(({ blocks }) => blocks[first / BLOCK_SAMPLES] as Matrix),
        weighted: async (parts) => [...parts],
      };
    },
  };
}

/** The class indicators of the samples. */
export async function classLabels(evidence: Evidence, labels: Int32Array): Promise<LabelSide> {
  const { classCount, count } = evidence;
  const { embeddings, mixed, pairProducts, weightedBy } =
    evidence.isOneHot && classCount > SEARCH_WIDTH ? oneHotClasses(evidence) : await embeddedClasses(evidence);
  const frequency = evidence.classCounts().map((samples) => samples / count);
  const classSums = (await evidence.statistics()).standardisedClassSums(await evidence.scale());
  const indicators: Regressand = {
    block: (first, size) => {
      const block = zeros(classCount, size);
      for (let c = 0; c < classCount; c++) {
        block.data.fill(-(frequency[c] as number), c * size, (c + 1) * size);
      }
      for (let i = 0; i < size; i++) {
        const at = (labels[first + i] as number) * size + i;
        block.data[at] = (block.data[at] as number) + 1;
      }
      return block;
    },
    products: async () => classSums,
  };
  const search: Regressand = {
    block: (first, size) => {
      const block = zeros(mixed.rows, size);
      for (let j = 0; j < mixed.rows; j++) {
        for (let i = 0; i < size; i++) {
          block.data[j * size + i] = mixed.data[j * classCount + (labels[first + i] as number)] as number;
        }
      }
      return block;
    },
    products: () => multiplyTransposed(classSums, mixed),
  };
  return {
    embeddings,
    regressands: [indicators],
    search,
    pairProducts: ([residuals = zeros(classCount, 0)]) => pairProducts(residuals),
    mixtures: (weights) => {
      const weighted = weightedBy(weights);
      return {
        regressands: [indicators],
        targets: (first) => [indicators.block(first, Math.min(BLOCK_SAMPLES, count - first))],
        weighted: (parts) => inTurn(parts, weighted),
      };
    },
  };
}

/** What the embeddings of the classes say about residuals `[C, b]` of their indicators. */
interface ClassEmbeddings {
  /** K */
  embeddings: number;
  /** `[r, C]`, what the ridge is chosen on. */
  mixed: Matrix;
  pairProducts(residuals: Matrix): Promise<Float64Array[]>;
  /** `LabelMixtures.weighted` */
  weightedBy(weights: readonly (readonly number[])[]): (residuals: Matrix) => Promise<Matrix>;
}

async function embeddedClasses(evidence: Evidence): Promise<ClassEmbeddings> {
  const embeddings = evidence.standardisedLabels();
  const metrics = await inTurn(pairs(embeddings.length), ([k, l]) =>
    multiplyTransposed(embeddings[k] as Matrix, embeddings[l] as Matrix),
  );
  return {
    embeddings: embeddings.length,
    mixed: await mixtureOf(columnMixings(embeddings), evidence.classCount, (mixing, k) =>
      multiplyTransposed(mixing, embeddings[k] as Matrix),
    ),
    pairProducts: (residuals) =>
      inTurn(metrics, async (metric) => columnDots(residuals, await multiply(metric, residuals))),
    weightedBy: (weights) => {
      const factors = pairs(embeddings.length).map(([k, l]) =>
        weights.reduce((sum, of) => sum + (k === l ? 1 / 2 : 1) * (of[k] as number) * (of[l] as number), 0),
      );
      const metric = mix(metrics, factors);
      addTo(metric, transpose(metric));
      return (residuals) => multiply(metric, residuals);
    },
  };
}

/** The same for many classes that are one-hot: the residuals of a sample add up to 0, so each column counts for itself. */
function oneHotClasses(evidence: Evidence): ClassEmbeddings {
  const labels = oneHotLabels(evidence);
  const squares = labels.scale.map((value) => value ** 2);
  return {
    embeddings: 1,
    mixed: mixOneHot(labels, randomSigns(SEARCH_WIDTH, evidence.classCount, uniformNumbers(1))),
    pairProducts: async (residuals) => [columnSquares(residuals, squares)],
    weightedBy: (weights) => {
      const factor = weights.reduce((sum, [weight = 0]) => sum + weight ** 2, 0);
      const factors = squares.map((square) => factor * square);
      return async (residuals) => scaleRows(residuals, factors);
    },
  };
}

/**
 * `[r, d2]` for every embedding: that r rows of them all, times its columns, add up to all columns side by side, or to random
 * mixtures of them if those are fewer.
 */
function columnMixings(embeddings: readonly FloatMatrix[]): Matrix[] {
  const width = embeddings.reduce((sum, { cols }) => sum + cols, 0);
  if (width > SEARCH_WIDTH) {
    const uniform = uniformNumbers(1);
    return embeddings.map(({ cols }) => randomSigns(SEARCH_WIDTH, cols, uniform));
  }
  let first = 0;
  return embeddings.map(({ cols }) => {
    const selection = zeros(width, cols);
    for (let j = 0; j < cols; j++) selection.data[(first + j) * cols + j] = 1;
    first += cols;
    return selection;
  });
}

/** Σ mixingₖ·matrixₖ, of which `multiplied` computes each. */
async function mixtureOf(
  mixings: readonly Matrix[],
  cols: number,
  multiplied: (mixing: Matrix, k: number) => Promise<Matrix>,
): Promise<Matrix> {
  const sum = zeros(mixings[0]?.rows ?? 0, cols);
  for (const [k, mixing] of mixings.entries()) addTo(sum, await multiplied(mixing, k));
  return sum;
}

/** The pairs k ≥ l below `size`. */
export function pairs(size: number): [number, number][] {
  return Array.from({ length: size }, (_, k) =>
    Array.from({ length: k + 1 }, (_, l): [number, number] => [k, l]),
  ).flat();
}
