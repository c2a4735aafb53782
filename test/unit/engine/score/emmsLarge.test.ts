import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import type { EvidenceInput } from '../../../../src/engine/score/evidenceInput.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import type { ScoreResult } from '../../../../src/engine/score/score.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf, takeRows, variedScore } from '../../../helpers/scoreCases.ts';

// Sizes from which on EMMS works in single precision and checks or refines, against sizes and paths that don't.

const reference = async (input: EvidenceInput) =>
  computeScore('emms', createEvidence(input), { variant: 'reference', variation: true });

/** How the score moves without each block of samples, to the length of 1. */
function movesOf(result: ScoreResult): number[] {
  const { scale, blocks } = leftOutOf(result);
  const moves = Array.from(blocks, (value) => value - (scale?.value ?? Number.NaN));
  const length = Math.hypot(...moves);
  return moves.map((move) => move / length);
}

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
  expect(variedScore(refined) / refined.score).toBeCloseTo(1, 7);
  // But for a factor: the shape of the errors is known of embeddings of samples only.
  const expected = movesOf(double);
  movesOf(refined).forEach((move, block) => {
    expect(move).toBeCloseTo(expected[block] ?? Number.NaN, 5);
  });
}, 60_000);

/** Embeddings of classes and the same of every sample: the score of those is computed in double precision. */
async function perSampleAndPerClass(
  { features, labels }: ReturnType<typeof classification>,
  labelEmbeddings: Matrix[],
) {
  const single = await reference({
    features,
    labelEmbeddings: labelEmbeddings.map((embedding) => takeRows(embedding, labels)),
  });
  return { single, double: await reference({ features, labels, labelEmbeddings }) };
}

const SIZE = { n: 2000, d: 520, classes: 6 };

test.each([
  { small: 1, k: 2, width: 1000 },
  { small: 1e-4, k: 2, width: 1000 },
  { small: 1, k: 3, width: 1001 },
  { small: 1e-4, k: 3, width: 1000 },
])(
  'single precision with $k label embeddings per sample, features $small apart',
  async ({ small, k, width }) => {
    const { n, d, classes } = SIZE;
    const sample = classification(4, n, d, classes);
    const { data } = sample.features;
    for (let i = 0; i < n; i++) {
      const [first, second] = [data[i * d] as number, data[i * d + 1] as number];
      data[i * d + 1] = first + small * second;
    }
    const embeddings = Array.from({ length: k }, (_, index) => generator(5 + index).matrix(classes, width));
    const { single, double } = await perSampleAndPerClass(sample, embeddings);
    expect(Math.abs(single.score / double.score - 1)).toBeLessThan(1e-7);
    expect(variedScore(single) / double.score).toBeCloseTo(1, 7);
  },
  60_000,
);

test('features that tell the classes nearly perfectly are scored in double precision', async () => {
  const { n, d, classes } = SIZE;
  const sample = classification(4, n, d, classes);
  const { data } = sample.features;
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < classes; c++) {
      data[i * d + c] = (sample.labels[i] === c ? 1 : 0) + 1e-4 * (data[i * d + c] as number);
    }
  }
  const embeddings = [7, 8, 9].map((seed) => generator(seed).matrix(classes, 1000));
  const { single, double } = await perSampleAndPerClass(sample, embeddings);
  // A mixture in single precision alone would be wrong by half.
  expect(Math.abs(single.score / double.score - 1)).toBeLessThan(2e-6);
}, 60_000);
