import { expect, test } from 'vitest';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import type { EvidenceInput } from '../../../../src/engine/score/evidenceInput.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { takeRows } from '../../../helpers/scoreCases.ts';

// Sizes from which on EMMS works in single precision and checks or refines, against sizes and paths that don't.

const reference = async (input: EvidenceInput) =>
  computeScore('emms', createEvidence(input), { variant: 'reference', contributions: true });

test('refined normal equations of class labels give what double precision gives, with any mean', async () => {
  const [n, d] = [2000, 1420];
  const { features, labels } = classification(1, n, d, 6);
  // Multiples of 2⁻²⁰ stay exact when the mean is added.
  const data = features.data.map((value) => Math.round(value * 2 ** 20) / 2 ** 20);
  const labelEmbeddings = [generator(2).matrix(6, 4), generator(3).matrix(6, 4)];
  const refined = await reference({ features: { ...features, data }, labels, labelEmbeddings });
  const perSample = labelEmbeddings.map((embedding) => takeRows(embedding, labels));
  const double = await reference({ features: { ...features, data }, labelEmbeddings: perSample });
  expect(Math.abs(refined.score / double.score - 1)).toBeLessThan(1e-11);
  const far = await reference({
    features: { ...features, data: data.map((value) => value + 1e6) },
    labels,
    labelEmbeddings,
  });
  expect(Math.abs(far.score / refined.score - 1)).toBeLessThan(1e-9);
  const sum = (values: Float64Array = new Float64Array()) => values.reduce((total, value) => total + value, 0);
  const { numerator, denominator } = refined.contributions ?? {};
  expect(sum(numerator) / sum(denominator) / refined.score).toBeCloseTo(1, 7);
}, 60_000);

test.each([1, 1e-4])(
  'single precision with label embeddings per sample, features %d apart',
  async (small) => {
    const [n, d, d2] = [2000, 520, 1000];
    const { features, labels } = classification(4, n, d, 6);
    for (let i = 0; i < n; i++) {
      const [first, second] = [features.data[i * d] as number, features.data[i * d + 1] as number];
      features.data[i * d + 1] = first + small * second;
    }
    const labelEmbeddings = [generator(5).matrix(6, d2), generator(6).matrix(6, d2)];
    const single = await reference({
      features,
      labelEmbeddings: labelEmbeddings.map((embedding) => takeRows(embedding, labels)),
    });
    const double = await reference({ features, labels, labelEmbeddings });
    expect(Math.abs(single.score / double.score - 1)).toBeLessThan(1e-7);
  },
  60_000,
);
