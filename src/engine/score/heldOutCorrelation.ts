import type { Matrix } from '../linalg/matrix.ts';
import { difference, scaled } from '../linalg/matrix.ts';
import { LEAST_FREEDOM } from './heldOut.ts';
import type { LabelSide } from './heldOutLabels.ts';
import { scaleColumns } from './samples.ts';

/** Squared length of the predictions, over that of what they predict, below which it is rounding: some 1e-14 with the largest ridge. */
const LEAST_PREDICTION = 1e-24;

/**
 * The correlation of held-out predictions p with what they predict, t, both less the mean of the samples that the prediction was fitted
 * to: Σ t·p / √(Σ|t|²·Σ|p|²) over samples and columns. Its square is what 1 − Σ|t − p|² / Σ|t|², the held-out score, would be
 * if a factor on all predictions was free, as nearly it is with the ridge; but its sign tells predictions that are wrong.
 */
export class HeldOutCorrelation {
  private readonly side: LabelSide;
  private readonly factors: readonly number[];
  private readonly count: number;
  private targets = 0;
  private predictions = 0;
  private residuals = 0;

  /**
   * @param factors of the pairs of embeddings in sums of products
   * @param count number of samples
   */
  constructor(side: LabelSide, factors: readonly number[], count: number) {
    this.side = side;
    this.factors = factors;
    this.count = count;
  }

  /**
   * Some of the samples.
   *
   * @param centred `[width, b]` each, what is regressed on the features, less its mean over all samples
   * @param residuals `[width, b]` each, of the fit to all samples
   * @param freedom `[b]`, 1 − hᵢ
   */
  async add(centred: readonly Matrix[], residuals: readonly Matrix[], freedom: Float64Array): Promise<void> {
    // The mean of the others is farther from a sample than the mean of all.
    const targets = centred.map((part) => scaled(part, this.count / (this.count - 1)));
    const inverse = freedom.map((free) => 1 / Math.max(LEAST_FREEDOM, free));
    const held = residuals.map((part) => scaleColumns(part, inverse));
    const predictions = targets.map((target, k) => difference(target, held[k] as Matrix));
    this.targets += await this.sumOfSquares(targets);
    this.residuals += await this.sumOfSquares(held);
    this.predictions += await this.sumOfSquares(predictions);
  }

  /** Of the samples added; 0 where nothing varies or nothing is predicted. */
  value(): number {
    const { targets, predictions, residuals } = this;
    if (!(predictions > LEAST_PREDICTION * targets)) return 0;
    const correlation = (targets + predictions - residuals) / (2 * Math.sqrt(targets * predictions));
    return Math.max(-1, Math.min(1, correlation));
  }

  private async sumOfSquares(parts: Matrix[]): Promise<number> {
    const products = await this.side.pairProducts(parts);
    return products.reduce((total, of, pair) => total + (this.factors[pair] as number) * sum(of), 0);
  }
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
