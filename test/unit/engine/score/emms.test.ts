import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Matrix as Dense, inverse, solve } from 'ml-matrix';
import { describe, expect, test } from 'vitest';
import type { FloatMatrix, Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { columnSquares, joinRows, scaled } from '../../../../src/engine/linalg/matrix.ts';
import { multiply } from '../../../../src/engine/linalg/multiply.ts';
import { npyClassLabels, npyMatrices, npyMatrix, readNpy } from '../../../../src/engine/npy.ts';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { heldOutFit } from '../../../../src/engine/score/heldOut.ts';
import { sampleLabels } from '../../../../src/engine/score/heldOutLabels.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { dualGram, dualSolver, standardisedSamples } from '../../../../src/engine/score/ridgeSolvers.ts';
import { SufficientStatistics } from '../../../../src/engine/stats/sufficientStatistics.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf, takeRows, variedScore } from '../../../helpers/scoreCases.ts';

const variants = ['cv', 'exact', 'paper', 'reference'];

describe.each(['golden', 'golden-hard'])('the published numbers of %s', (set) => {
  const folder = join(import.meta.dirname, '../../../fixtures', set);
  const golden: Record<string, { emms?: { reference: number; paper: number; lambda_: number[] } }> = JSON.parse(
    readFileSync(join(folder, 'golden.json'), 'utf8'),
  );
  const cases = Object.entries(golden).flatMap(([name, { emms }]) => (emms === undefined ? [] : [{ name, emms }]));

  test.each(cases)('$name', async ({ name, emms }) => {
    const evidence = await readEvidence(join(folder, name));
    for (const variant of ['reference', 'paper'] as const) {
      const { score, details } = await computeScore('emms', evidence, { variant });
      // Where the fit is perfect the published number is rounding, about 1e-29.
      expect(Math.abs(score - emms[variant])).toBeLessThan(1e-8 * Math.abs(emms[variant]) + 1e-12);
      expect(largestDifference(details.weights ?? [], emms.lambda_)).toBeLessThan(1e-8);
    }
  });

  test.each(cases)('$name: what varies is the score', async ({ name }) => {
    const evidence = await readEvidence(join(folder, name));
    for (const variant of ['exact', 'paper', 'reference']) {
      const result = await computeScore('emms', evidence, { variant, variation: true });
      const { score } = result;
      expect(Math.abs(variedScore(result) - score)).toBeLessThan(1e-7 * Math.max(1, Math.abs(score)));
    }
  });
});

test.each([
  ['more samples than features', 40, 6],
  ['as many', 12, 12],
  ['fewer', 14, 30],
  ['two samples', 2, 3],
])('held-out residuals are those of refitting without each sample: %s', async (_, n, d) => {
  const { features, labels } = classification(n + d, n, d, 2);
  labels[0] = 2; // a class of one sample
  const embeddings = [0, 1].map((seed) => generator(seed).matrix(3, 4));
  const evidence = createEvidence({ features, labels, labelEmbeddings: embeddings });
  const held = await heldOutFit(evidence);
  const perSample = embeddings.map((embedding) => takeRows(embedding, labels));
  const naive = refitted(features, perSample, held.ridge);
  expect(largestDifference(held.residual.data, naive.residual)).toBeLessThan(1e-8);
  expect(largestDifference(held.baseline.data, naive.baseline)).toBeLessThan(1e-8);

  const withoutClasses = await heldOutFit(createEvidence({ features, labelEmbeddings: perSample }));
  expect(withoutClasses.ridge).toBeCloseTo(held.ridge, 9);
  expect(largestDifference(withoutClasses.residual.data, held.residual.data)).toBeLessThan(1e-8);
});

// One long sample, hardly any of whose own error is left in the fit, makes the valley narrow.
test.each([
  { n: 300, d: 60, seed: 11, noise: 3, length: 1, reach: 2, step: 0.1 },
  { n: 60, d: 8, seed: 128, noise: 1, length: 300, reach: 0.2, step: 0.01 },
])('the ridge leaves hardly more than the best one: a sample $length times as long', async (problem) => {
  const { n, d, seed, noise, length, reach, step } = problem;
  const { features, labels } = classification(seed, n, d, 3, noise);
  features.data.subarray(0, d).forEach((value, j) => {
    features.data[j] = length * value;
  });
  const evidence = createEvidence({ features, labels });
  const { ridge, residual } = await heldOutFit(evidence);
  const x = toRows(features);
  x.subRowVector(x.mean('column')).mulRowVector([...(await evidence.scale())]);
  const z = toRows(takeRows(evidence.standardisedLabels()[0] as Matrix, labels));
  for (let exponent = -reach; exponent <= reach; exponent += step) {
    const gram = x
      .transpose()
      .mmul(x)
      .add(Dense.eye(d).mul(n * ridge * 10 ** exponent));
    const hat = x
      .mmul(inverse(gram))
      .mmul(x.transpose())
      .add(1 / n);
    const held = Dense.sub(z, hat.mmul(z)).divColumnVector(hat.diagonal().map((leverage) => 1 - leverage));
    expect(residual.data[0]).toBeLessThan(1.005 * held.norm() ** 2);
  }
});

test('with few samples the ridge is the best of all valleys', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const { uniform, matrix } = generator(seed);
    const n = 10 + Math.floor(10 * uniform());
    const d = 20 + Math.floor(30 * uniform());
    const features = matrix(n, d);
    const targets = matrix(n, 2);
    features.data.forEach((value, at) => {
      features.data[at] = value * 10 ** ((-2 * (at % d)) / d) + (targets.data[2 * Math.floor(at / d)] as number) / 3;
    });
    const evidence = createEvidence({ features, targets });
    const { residual } = await heldOutFit(evidence);
    const gram = await dualGram(await standardisedSamples(evidence));
    const { regressands } = await sampleLabels(evidence);
    for (let exponent = -6; exponent <= 5; exponent += 0.25) {
      let least = 0;
      await dualSolver(gram).solve(
        regressands,
        n * 10 ** exponent,
        false,
        async ([residuals = gram.gram], _, freedom) => {
          columnSquares(residuals).forEach((square, i) => {
            least += square / (freedom[i] as number) ** 2;
          });
        },
      );
      expect(residual.data[0]).toBeLessThan(1.002 * least);
    }
  }
});

// The larger one goes by residuals in single precision until the ridge is found.
test.each([
  [200, 40],
  [2600, 640],
])('what nearly dependent features differ by counts: %i samples, %i features', async (n, d) => {
  const { matrix, normal, permutation } = generator(3);
  const features = matrix(n, d);
  const labels = matrix(n, 1);
  for (let i = 0; i < n; i++) {
    const common = normal();
    labels.data[i] = 0.2 * (labels.data[i] as number);
    for (let j = 0; j < d; j++) {
      const own = features.data[i * d + j] as number;
      // From the half of the features that differ the least.
      if (j > d / 2) labels.data[i] = (labels.data[i] as number) + (own * ((j % 7) - 3)) / Math.sqrt(2 * d);
      features.data[i * d + j] = common + 10 ** ((-3 * j) / d) * own;
    }
  }
  const input = { features, labelEmbeddings: [labels] };
  const { score, details } = await computeScore('emms', createEvidence(input), { variant: 'cv' });
  expect(score).toBeGreaterThan(0.5);
  expect(details.ridge).toBeLessThan(1e-5);
  const order = permutation(n);
  const shuffled = { features: takeRows(features, order), labelEmbeddings: [takeRows(labels, order)] };
  expect((await computeScore('emms', createEvidence(shuffled), { variant: 'cv' })).score).toBeCloseTo(score, 9);
});

// What features share is told by a large ridge alone, what few of them differ by without it; between the two lies noise.
test.each([
  {
    n: 600,
    d: 550,
    shared: 200,
    few: 14,
    spread: -1.8,
    rest: -2.5,
    told: { shared: 0.5, few: 1 },
    ridge: -4.5,
    least: 0.15,
  },
  {
    n: 600,
    d: 550,
    shared: 200,
    few: 14,
    spread: -2.4,
    rest: -3.1,
    told: { shared: 0.5, few: 1 },
    ridge: -6,
    least: 0.15,
  },
  {
    n: 800,
    d: 450,
    shared: 170,
    few: 30,
    spread: -1.1,
    rest: -3.4,
    told: { shared: 0.3, few: 0.3 },
    ridge: 1,
    least: 0.003,
  },
])('of several valleys the ridge is in the lowest: near 10^$ridge', async (problem) => {
  const { n, d, shared, few, told } = problem;
  const { matrix } = generator(4);
  const common = matrix(n, shared);
  const features = await multiply(common, scaled(matrix(shared, d), 1 / Math.sqrt(shared)));
  const own = matrix(n, d).data;
  const labels = matrix(n, 1);
  labels.data.forEach((noise, i) => {
    const ofAll = sum(common.data.subarray(i * shared, (i + 1) * shared)) / Math.sqrt(shared);
    const ofFew = sum(own.subarray(i * d, i * d + few)) / Math.sqrt(few);
    labels.data[i] = noise + told.shared * ofAll + told.few * ofFew;
  });
  features.data.forEach((value, at) => {
    features.data[at] = value + 10 ** (at % d < few ? problem.spread : problem.rest) * (own[at] as number);
  });
  const evidence = createEvidence({ features, labelEmbeddings: [labels] });
  const { score, details } = await computeScore('emms', evidence, { variant: 'cv' });
  expect(score).toBeGreaterThan(problem.least);
  expect(Math.abs(Math.log10(details.ridge ?? Number.NaN) - problem.ridge)).toBeLessThan(1);
});

test('cv tells candidates apart when every in-sample fit is perfect', async () => {
  const good = classification(21, 60, 80, 3, 1);
  const noise = generator(22).matrix(60, 80);
  const scores = async (features: Matrix) => {
    const evidence = createEvidence({ features, labels: good.labels });
    return Promise.all(
      ['cv', 'exact'].map(async (variant) => (await computeScore('emms', evidence, { variant })).score),
    );
  };
  const [goodCv = 0, goodExact = 0] = await scores(good.features);
  const [noiseCv = 0, noiseExact = 0] = await scores(noise);
  expect(Math.abs(goodExact - noiseExact)).toBeLessThan(1e-9);
  expect(goodCv).toBeGreaterThan(0.5);
  expect(Math.abs(noiseCv)).toBeLessThan(0.1);
});

test.each(['classes', 'samples'])('cv leaves out an embedding that the features do not predict: of %s', async (of) => {
  const { features, labels } = classification(23, 120, 10, 4, 0.3);
  const { matrix } = generator(24);
  // Class centres are linear in the features; nothing else of the second embedding is, of samples or of classes that are shuffled.
  const embedding = matrix(4, 3);
  const input =
    of === 'samples'
      ? { features, labelEmbeddings: [takeRows(embedding, labels), matrix(120, 3)] }
      : {
          features,
          labels: labels.map((label, i) => label + 4 * (i % 2)),
          labelEmbeddings: [joinRows(embedding, embedding), matrix(8, 3)],
        };
  const { details } = await computeScore('emms', createEvidence(input), { variant: 'cv' });
  expect(details.weights?.[0]).toBeGreaterThan(0.8);
});

test('exact is never worse than alternating a thousand times', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 4 }), async (seed, k) => {
      const { features, labels } = classification(seed, 40, 5, 4);
      const embeddings = Array.from({ length: k }, (_, i) => generator(seed + i).matrix(4, 3));
      const evidence = createEvidence({ features, labels, labelEmbeddings: embeddings });
      const { score, details } = await computeScore('emms', evidence, { variant: 'exact' });
      expect(sum(details.weights ?? [])).toBeCloseTo(1, 12);
      expect(-score).toBeLessThan(
        alternated(
          features,
          embeddings.map((e) => takeRows(e, labels)),
          1000,
        ) + 1e-9,
      );
    }),
    { numRuns: 10 },
  );
});

test('the order of the samples does not matter', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 60 }), fc.boolean(), async (seed, d, perSample) => {
      const { features, labels } = classification(seed, 50, d, 3);
      const random = generator(seed);
      const order = random.permutation(50);
      const embeddings = [random.matrix(perSample ? 50 : 3, 4), random.matrix(perSample ? 50 : 3, 4)];
      const shuffled = {
        features: takeRows(features, order),
        labels: labels.map((_, i) => labels[order[i] as number] as number),
        labelEmbeddings: perSample ? embeddings.map((e) => takeRows(e, order)) : embeddings,
      };
      const drop = perSample ? { labels: undefined } : {};
      const before = createEvidence({ features, labels, labelEmbeddings: embeddings, ...drop });
      const after = createEvidence({ ...shuffled, ...drop });
      for (const variant of variants) {
        const [a, b] = [
          await computeScore('emms', before, { variant }),
          await computeScore('emms', after, { variant }),
        ];
        expect(Math.abs(a.score - b.score)).toBeLessThan(1e-9 * Math.max(1, Math.abs(a.score)));
      }
    }),
    { numRuns: 15 },
  );
});

test('in-sample variants see the column space only: a mixture of the features scores the same', async () => {
  const { features, labels } = classification(5, 80, 12, 4);
  const mixed = toRows(features).mmul(toRows(generator(6).matrix(12, 12)));
  const rotated = { rows: 80, cols: 12, data: Float64Array.from(mixed.to1DArray()) };
  for (const variant of ['exact', 'paper']) {
    const before = await computeScore('emms', createEvidence({ features, labels }), { variant });
    const after = await computeScore('emms', createEvidence({ features: rotated, labels }), { variant });
    expect(after.score).toBeCloseTo(before.score, 9);
  }
});

test('shift and scale of a feature do not matter, and constant features say nothing', async () => {
  const { features, labels } = classification(7, 60, 10, 3);
  const changed: Matrix = { rows: 60, cols: 11, data: new Float64Array(660).fill(0.1) };
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 10; j++) changed.data[i * 11 + j] = (features.data[i * 10 + j] as number) * (j + 1) + 1e4;
  }
  for (const variant of variants) {
    const before = await computeScore('emms', createEvidence({ features, labels }), { variant });
    const after = await computeScore('emms', createEvidence({ features: changed, labels }), { variant });
    expect(after.score).toBeCloseTo(before.score, 6);
  }
});

test.each([1e-12, 1e-30, 1e30])('in-sample variants do not depend on the scale of the features: %s', async (scale) => {
  const { features, labels } = classification(10, 60, 10, 3);
  const scaled: Matrix = { ...features, data: Float64Array.from(features.data, (value) => scale * value) };
  for (const variant of ['exact', 'paper']) {
    const before = await computeScore('emms', createEvidence({ features, labels }), { variant });
    const after = await computeScore('emms', createEvidence({ features: scaled, labels }), { variant });
    expect(after.score).toBeCloseTo(before.score, 6);
  }
});

test('in-sample variants leave out a feature that the published 1e-8 leaves nothing of, as NumPy does', async () => {
  const { features, labels } = classification(13, 60, 6, 3);
  const scores = async (data: Float64Array, cols: number) => {
    const evidence = createEvidence({ features: { rows: 60, cols, data }, labels });
    const variant = (name: string) => computeScore('emms', evidence, { variant: name });
    return [(await variant('exact')).score, (await variant('paper')).score];
  };
  const close = (actual: number[], expected: number[]) =>
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 9);
    });
  const smaller = (factor: number) => features.data.map((value, at) => (at % 6 === 5 ? factor * value : value));
  const all = await scores(features.data, 6);
  const without = await scores(
    features.data.filter((_, at) => at % 6 !== 5),
    5,
  );
  expect(Math.abs((all[0] ?? 0) - (without[0] ?? 0))).toBeGreaterThan(1e-4);
  close(await scores(smaller(1e-18), 6), all);
  close(await scores(smaller(1e-24), 6), without);
});

test('label embeddings that cancel each other out are refused', async () => {
  const { features } = classification(11, 40, 6, 3);
  const embedding = generator(12).matrix(40, 5);
  const opposite: Matrix = { ...embedding, data: embedding.data.map((value) => -value) };
  const evidence = createEvidence({ features, labelEmbeddings: [embedding, opposite] });
  // What they leave, were they not quite opposite, is a label like any other once it is more than rounding.
  const nearly = { ...opposite, data: opposite.data.map((value, at) => value * (at % 2 === 0 ? 1 : 1 + 1e-4)) };
  const left = createEvidence({ features, labelEmbeddings: [embedding, nearly] });
  for (const variant of ['cv', 'exact']) {
    await expect(computeScore('emms', evidence, { variant })).rejects.toThrow('cancel each other out');
    expect((await computeScore('emms', left, { variant })).score).toSatisfy(Number.isFinite);
  }
});

test('features that are all constant score like the mean', async () => {
  const labels = Int32Array.of(0, 1, 0, 1, 1);
  const evidence = createEvidence({ features: { rows: 5, cols: 2, data: new Float32Array(10).fill(3) }, labels });
  expect((await computeScore('emms', evidence)).score).toBeCloseTo(0, 12);
  // Two one-hot columns of variance 1 stay unexplained.
  expect((await computeScore('emms', evidence, { variant: 'exact' })).score).toBeCloseTo(-2, 6);
});

test.each(['cv', 'exact'])('about 90 % of the intervals of %s hold the expected score', async (variant) => {
  const runs = 150;
  const [n, d] = [80, 30];
  const centres = generator(1).matrix(3, d);
  const results = [];
  for (let run = 0; run < runs; run++) {
    const { features, labels } = classification(1000 + run, n, d, 3, 2, centres);
    const result = await computeScore('emms', createEvidence({ features, labels }), { variant, variation: true });
    const { score, variation } = result;
    if (variation === undefined) throw new Error('no variation');
    const [low = 0, high = 0] = rankConfidence([{ id: 'a', score, samples: n, variation }])[0]?.interval ?? [];
    results.push({ score, low, high });
  }
  const expected = sum(results.map(({ score }) => score)) / runs;
  const covered = results.filter(({ low, high }) => low <= expected && expected <= high).length / runs;
  expect(covered).toBeGreaterThan(0.85);
  expect(covered).toBeLessThan(0.95);
});

test.each([
  ['class labels', 10],
  ['label embeddings per sample', 40],
])('intervals of exact are as wide as it varies where features predict nothing: %s', async (kind, d) => {
  const [n, runs] = [80, 150];
  const results: { score: number; half: number }[] = [];
  for (let run = 0; run < runs; run++) {
    const { matrix, uniform } = generator(3000 + run);
    const features = matrix(n, d);
    const evidence = createEvidence(
      kind === 'class labels'
        ? { features, labels: Int32Array.from({ length: n }, () => Math.floor(4 * uniform())) }
        : { features, labelEmbeddings: [matrix(n, 6), matrix(n, 6)] },
    );
    const result = await computeScore('emms', evidence, { variant: 'exact', variation: true });
    const candidate = { id: 'a', score: result.score, samples: n, variation: leftOutOf(result) };
    const [low = 0, high = 0] = rankConfidence([candidate])[0]?.interval ?? [];
    results.push({ score: result.score, half: (high - low) / 2 });
  }
  const expected = sum(results.map(({ score }) => score)) / runs;
  const deviation = Math.sqrt(sum(results.map(({ score }) => (score - expected) ** 2)) / runs);
  const width = Math.sqrt(sum(results.map(({ half }) => half ** 2)) / runs) / 1.6955 / deviation;
  expect(width).toBeGreaterThan(0.85);
  expect(width).toBeLessThan(1.25);
});

test('statistics at hand give the same scores', async () => {
  const { features, labels } = classification(8, 70, 9, 3);
  const statistics = new SufficientStatistics(9, 3);
  await statistics.add(features, labels);
  for (const variant of variants) {
    const plain = await computeScore('emms', createEvidence({ features, labels }), { variant });
    const reused = await computeScore('emms', createEvidence({ features, labels, statistics }), { variant });
    expect(reused.score).toBe(plain.score);
  }
});

test('what cannot be scored is refused with a reason', async () => {
  const { features, labels } = classification(9, 10, 2, 3);
  const broken = { ...features, data: features.data.slice() };
  broken.data[7] = Number.NaN;
  expect(() => createEvidence({ features: broken, labels })).toThrow('Sample 3 has the feature NaN');
  broken.data[7] = Number.NEGATIVE_INFINITY;
  expect(() => createEvidence({ features: broken, labels })).toThrow('Sample 3 has the feature -Infinity');
  expect(() => createEvidence({ features, labels: labels.subarray(1) })).toThrow('9 labels');
  expect(() => createEvidence({ features, labels: new Int32Array(10) })).toThrow('at least 2 classes');
  expect(() => createEvidence({ features: { rows: 1, cols: 2, data: new Float32Array(2) } })).toThrow(
    'at least 2 samples',
  );
  expect(() => createEvidence({ features, labels: labels.with(5, -1) })).toThrow('Labels must lie between 0 and 2');
  const embedding = generator(1).matrix(2, 4);
  expect(() => createEvidence({ features, labels, labelEmbeddings: [embedding] })).toThrow(
    'Labels must lie between 0 and 1',
  );
  expect(() => createEvidence({ features, labelEmbeddings: [embedding] })).toThrow('2 rows, not 10');
  await expect(computeScore('emms', createEvidence({ features }))).rejects.toThrow(
    'EMMS needs class labels, or label embeddings',
  );
  await expect(computeScore('emms', createEvidence({ features, labels }), { variant: 'best' })).rejects.toThrow(
    'Unknown variant best',
  );
  await expect(computeScore('tarot', createEvidence({ features, labels }))).rejects.toThrow('Unknown score tarot');
});

async function readEvidence(folder: string) {
  const labels = join(folder, 'labels.npy');
  return createEvidence({
    features: npyMatrix(await readNpy(join(folder, 'features.npy'))),
    labels: existsSync(labels) ? npyClassLabels(await readNpy(labels)) : undefined,
    labelEmbeddings: npyMatrices(await readNpy(join(folder, 'label_embeddings.npy'))),
  });
}

/** Q and B of the cv variant, by one ridge regression per sample on the others. */
function refitted(features: Matrix, embeddings: Matrix[], ridge: number) {
  const n = features.rows;
  const x = standardised(features);
  const targets = embeddings.map(standardised);
  const [residuals, means]: [number[][], number[][]] = [[], []];
  for (let i = 0; i < n; i++) {
    const others = Array.from({ length: n }, (_, j) => j).filter((j) => j !== i);
    const rest = x.subMatrixRow(others);
    const centre = rest.mean('column');
    const a = rest.subRowVector(centre);
    const gram = a
      .transpose()
      .mmul(a)
      .add(Dense.eye(x.columns).mul(n * ridge));
    targets.forEach((target) => {
      const restTarget = target.subMatrixRow(others);
      const mean = restTarget.mean('column');
      const weights = solve(gram, a.transpose().mmul(restTarget.subRowVector(mean)));
      const prediction = Dense.rowVector(x.getRow(i)).subRowVector(centre).mmul(weights).to1DArray();
      means.push(target.getRow(i).map((value, j) => value - (mean[j] as number)));
      residuals.push((means.at(-1) ?? []).map((value, j) => value - (prediction[j] as number)));
    });
  }
  const products = (rows: number[][]) => {
    const k = targets.length;
    return Array.from({ length: k * k }, (_, at) =>
      rows.reduce(
        (total, row, r) =>
          r % k === 0 ? total + dotOf(rows[r + Math.floor(at / k)] ?? row, rows[r + (at % k)] ?? row) : total,
        0,
      ),
    );
  };
  return { residual: products(residuals), baseline: products(means) };
}

/** The objective of EMMS after alternating between W and projected gradient steps in t. */
function alternated(features: Matrix, embeddings: Matrix[], steps: number): number {
  const x = standardised(features);
  const gram = x.transpose().mmul(x);
  const project = (z: Dense) => x.mmul(solve(gram, x.transpose().mmul(z)));
  const flat = embeddings.map(standardised);
  const projected = flat.map(project);
  const k = flat.length;
  let t = Array.from({ length: k }, () => 1 / k);
  const mix = (list: Dense[]) =>
    list.reduce((total, z, i) => total.add(Dense.mul(z, t[i] as number)), Dense.zeros(x.rows, flat[0]?.columns ?? 0));
  for (let step = 0; step < steps; step++) {
    const error = Dense.sub(mix(flat), mix(projected));
    const moved = flat.map((z, i) => (t[i] as number) - dotOf(z.to1DArray(), error.to1DArray()) / (x.rows * 3 * k));
    t = nearestOnSimplex(moved);
  }
  const residual = Dense.sub(mix(flat), mix(projected)).to1DArray();
  return dotOf(residual, residual) / x.rows;
}

function nearestOnSimplex(z: number[]): number[] {
  let [low, high] = [Math.min(...z) - 1, Math.max(...z)];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (sum(z.map((value) => Math.max(0, value - middle))) > 1) low = middle;
    else high = middle;
  }
  return z.map((value) => Math.max(0, value - low));
}

function standardised(matrix: Matrix): Dense {
  const rows = toRows(matrix);
  const centred = rows.subRowVector(rows.mean('column'));
  const deviation = centred
    .clone()
    .mul(centred)
    .mean('column')
    .map((variance) => Math.sqrt(variance) + 1e-8);
  return centred.divRowVector(deviation);
}

function toRows({ rows, cols, data }: FloatMatrix): Dense {
  return Dense.from1DArray(rows, cols, data);
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

function dotOf(a: number[], b: number[]): number {
  return a.reduce((total, value, i) => total + value * (b[i] as number), 0);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
}
