import type { Matrix } from '../linalg/matrix.ts';
import { LEAST_FREEDOM } from './ridgeSolvers.ts';

/** Squared length of the predictions, over that of what they predict, below which it is rounding: some 1e-14 with the largest ridge. */
const LEAST_PREDICTION = 1e-24;

/**
 * The correlation of held-out predictions p with what they predict, t, both less the mean of the samples that the prediction was fitted
 * to: Σ t·p / √(Σ|t|²·Σ|p|²) over samples and columns. Its square is what 1 − Σ|t − p|² / Σ|t|², the held-out score, would be
 * if a factor on all predictions was free, as nearly it is with the ridge; but its sign tells predictions that are wrong.
 */
export class HeldOutCorrelation {
  private readonly sumOfSquares: (parts: readonly Matrix[]) => Promise<number>;
  private readonly count: number;
  private targets = 0;
  private predictions = 0;
  private residuals = 0;

  /**
   * @param sumOfSquares of residuals over samples and columns, as `LabelMixtures` has it
   * @param count number of samples
   */
  constructor(sumOfSquares: (parts: readonly Matrix[]) => Promise<number>, count: number) {
    this.sumOfSquares = sumOfSquares;
    this.count = count;
  }

  /**
   * Some of the samples. What is given is overwritten.
   *
   * @param targets `[width, b]` each, what is regressed on the features, less its mean over all samples
   * @param residuals `[width, b]` each, of the fit to all samples
   * @param freedom `[b]`, 1 − hᵢ
   */
  async add(targets: readonly Matrix[], residuals: readonly Matrix[], freedom: Float64Array): Promise<void> {
    // The mean of the others is farther from a sample than the mean of all.
    const others = this.count / (this.count - 1);
    const factors = freedom.map((free) => 1 / Math.max(LEAST_FREEDOM, free));
    this.targets += others ** 2 * (await this.sumOfSquares(targets));
    for (const { cols, data } of residuals) {
      for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) * (factors[at % cols] as number);
    }
    this.residuals += await this.sumOfSquares(residuals);
    targets.forEach(({ data }, k) => {
      const { data: held } = residuals[k] as Matrix;
      for (let at = 0; at < data.length; at++) data[at] = others * (data[at] as number) - (held[at] as number);
    });
    this.predictions += await this.sumOfSquares(targets);
  }

  /** Of the samples added; 0 where nothing varies or nothing is predicted. */
  value(): number {
    const { targets, predictions, residuals } = this;
    if (!(predictions > LEAST_PREDICTION * targets)) return 0;
    const correlation = (targets + predictions - residuals) / (2 * Math.sqrt(targets * predictions));
    return Math.max(-1, Math.min(1, correlation));
  }
}
