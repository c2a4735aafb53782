import { describe, expect, test, vi } from 'vitest';
import { createEvidence, Evidence } from '../../../../src/engine/score/evidence.ts';
import { oneHot } from '../../../../src/engine/score/evidenceInput.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import type { ScoreResult } from '../../../../src/engine/score/score.ts';
import { classification } from '../../../helpers/random.ts';
import { leftOutOf } from '../../../helpers/scoreCases.ts';

// Many classes without label embeddings: scores go by the form of the one-hot embedding, not by its C × C numbers.

const CLASSES = 90;
const SAMPLES = [
  ['more samples than features', 400, 30],
  ['more features than samples', 200, 260],
] as const;

describe.each(SAMPLES)('%s', (_, n, d) => {
  // Class 7 has no samples, and class 0 those of several.
  const { features, labels } = classification(11, n, d, CLASSES);
  const uneven = labels.map((label) => (label === 7 || label % 5 === 0 ? 0 : label));

  test.each(['cv', 'exact', 'paper', 'reference'])('EMMS %s is that of the embedding', async (variant) => {
    const input = { features, labels: uneven, classCount: CLASSES };
    const byForm = await computeScore('emms', createEvidence(input), { variant, variation: true });
    // The factor of `reference` counts classes with samples; the random mixtures of `cv` have a sign for every class.
    const columns = variant === 'reference' ? [...new Set(uneven)] : [...Array(CLASSES).keys()];
    const embedded = createEvidence({ ...input, labelEmbeddings: [oneHot(CLASSES, columns)] });
    const byNumbers = await computeScore('emms', embedded, { variant, variation: true });
    expect(Math.abs(byForm.score - byNumbers.score)).toBeLessThan(1e-9 * Math.max(1, Math.abs(byNumbers.score)));
    expect(byForm.details.weights).toEqual([1]);
    // In-sample a sample counts for more in the column of its own class, which only the form of the embedding tells.
    if (variant !== 'cv') return;
    const partsOf = (result: ScoreResult) => {
      const { blocks, pairs } = leftOutOf(result);
      return [blocks, pairs];
    };
    partsOf(byForm).forEach((actual, k) => {
      const expected = partsOf(byNumbers)[k];
      const largest = Math.max(1, ...(expected ?? []).map(Math.abs));
      expect(actual).toHaveLength(20);
      actual?.forEach((value, i) => {
        expect(Math.abs(value - (expected?.[i] ?? Number.NaN))).toBeLessThan(1e-9 * largest);
      });
    });
  });

  test('LogME regression is that of the embedding, without making it', async () => {
    const embedded = createEvidence({
      features,
      labels: uneven,
      labelEmbeddings: [oneHot(CLASSES, [...new Set(uneven)])],
    });
    const { score } = await computeScore('logme', embedded, { variant: 'regression' });
    const making = vi.spyOn(Evidence.prototype, 'labelEmbeddings', 'get');
    const evidence = createEvidence({ features, labels: uneven, classCount: CLASSES });
    const byForm = await computeScore('logme', evidence, { variant: 'regression' });
    expect(making).not.toHaveBeenCalled();
    making.mockRestore();
    expect(Math.abs(byForm.score - score)).toBeLessThan(1e-9 * Math.max(1, Math.abs(score)));
  });
});
