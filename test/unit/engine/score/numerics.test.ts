import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Float16Array } from '@petamoriken/float16';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../../src/engine/errors.ts';
import { npyMatrix, readNpy } from '../../../../src/engine/npy.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import type { EvidenceInput } from '../../../../src/engine/score/evidenceInput.ts';
import { SCORES } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { expectOrderInvariance, scoreOf, sourceProbabilitiesOf } from '../../../helpers/scoreCases.ts';

const ALL = SCORES.flatMap(({ id, variants }) => variants.map((variant): [string, string] => [id, variant]));

function withSource(input: EvidenceInput): EvidenceInput {
  return { ...input, sourceProbabilities: sourceProbabilitiesOf(input.features) };
}

/** A number, or a reason why there is none. */
async function expectScoreOrReason(id: string, input: EvidenceInput, variant: string): Promise<void> {
  try {
    expect(await scoreOf(id, withSource(input), variant)).toSatisfy(Number.isFinite);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
  }
}

describe.each(ALL)('%s %s', (id, variant) => {
  test('few samples: two, one per class, fewer than features', async () => {
    await expectScoreOrReason(id, classification(1, 2, 3, 2), variant);
    await expectScoreOrReason(id, classification(2, 6, 3, 6), variant);
    expect(await scoreOf(id, withSource(classification(3, 20, 64, 3)), variant)).toSatisfy(Number.isFinite);
  });

  test('features: all constant, some constant, one that says everything', async () => {
    const { features, labels } = classification(4, 40, 6, 3);
    await expectScoreOrReason(
      id,
      { features: { rows: 40, cols: 2, data: new Float32Array(80).fill(3) }, labels },
      variant,
    );
    const some = { ...features, data: features.data.map((value, at) => (at % 6 < 2 ? 5 : value)) };
    expect(await scoreOf(id, withSource({ features: some, labels }), variant)).toSatisfy(Number.isFinite);
    const told = features.data.map((value, at) => (at % 6 === 0 ? (labels[at / 6] as number) : value));
    expect(await scoreOf(id, withSource({ features: { ...features, data: told }, labels }), variant)).toSatisfy(
      Number.isFinite,
    );
  });

  // These take features for what they are: directions, logits, vectors of a certain length.
  const shiftMatters = ['logme:classification', 'logme:regression', 'knn:cosine', 'etran:energy'].includes(
    `${id}:${variant}`,
  );
  test.skipIf(shiftMatters)('a mean of a million times the spread changes nothing', async () => {
    const { features, labels } = classification(5, 60, 8, 3);
    const sourceProbabilities = sourceProbabilitiesOf(features);
    // Multiples of 2⁻²⁰ stay what they are when 2²⁰ is added.
    const data = features.data.map((value) => Math.round(value * 2 ** 20) / 2 ** 20);
    const score = (shift: number) =>
      scoreOf(
        id,
        { features: { ...features, data: data.map((value) => value + shift) }, labels, sourceProbabilities },
        variant,
      );
    const before = await score(0);
    expect(Math.abs((await score(2 ** 20)) - before)).toBeLessThan(1e-7 * Math.max(1, Math.abs(before)));
  });
});

describe('features of any scale', () => {
  const { features, labels } = classification(9, 60, 10, 3, 1.5);
  const sourceProbabilities = sourceProbabilitiesOf(features);
  const score = (id: string, variant: string, scale: number) => {
    const data = features.data.map((value) => value * scale);
    return scoreOf(id, { features: { ...features, data }, labels, sourceProbabilities }, variant);
  };
  const SCALES = [1e-72, 1e-30, 1e-12, 1e-5, 1e30, 1e72];

  test.each([
    ['emms', 'cv'],
    ['hscore', 'shrunk'],
    ['knn', 'cosine'],
    ['parc', 'unreduced'],
    ['parc', 'pca32'],
    ['parc', 'tied'],
    ['linearProbe', 'ridge'],
    ['leep', 'paper'],
  ])('do not matter: %s %s', async (id, variant) => {
    const expected = await score(id, variant, 10);
    for (const scale of SCALES) expect(Math.abs((await score(id, variant, scale)) - expected)).toBeLessThan(1e-7);
  });

  test.each([
    ['sfda', 'reference'],
    ['etran', 'classification'],
    ['ncti', 'ncc'],
    ['ncti', 'seli'],
    ['ncti', 'vc'],
    ['gbc', 'spherical'],
    ['gbc', 'diagonal'],
  ])('do not matter any more when they are small, or large: %s %s', async (id, variant) => {
    for (const scales of [
      [1e-7, 1e-12, 1e-30, 1e-72],
      [1e3, 1e30, 1e72],
    ]) {
      const results: number[] = [];
      for (const scale of scales) results.push(await score(id, variant, scale));
      for (const result of results) expect(Math.abs(result - (results[0] ?? Number.NaN))).toBeLessThan(1e-6);
    }
  });

  test.each(ALL)('give a number, or a reason why there is none: %s %s', async (id, variant) => {
    for (const scale of SCALES) {
      const data = features.data.map((value) => value * scale);
      await expectScoreOrReason(id, { features: { ...features, data }, labels }, variant);
    }
  });

  test('but not any at all', () => {
    const of = (value: number) => ({ features: { ...features, data: features.data.map(() => value) }, labels });
    expect(() => createEvidence(of(1e-80))).toThrow('All features are smaller than');
    expect(() => createEvidence(of(1e80))).toThrow('Sample 0 has the feature 1e+80');
    expect(() => createEvidence(of(0))).not.toThrow();
  });
});

test('with more features than samples and hardly any ridge the order of the samples does not matter', async () => {
  await expectOrderInvariance('emms', classification(1, 30, 300, 3, 1.5), ['cv']);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s names the sample', (value) => {
  const { features, labels } = classification(6, 30, 4, 3);
  features.data[17 * 4 + 2] = value;
  expect(() => createEvidence({ features, labels })).toThrow(`Sample 17 has the feature ${value}`);
});

test('features in half precision score as the same in single', async () => {
  const { features, labels } = classification(7, 40, 6, 3);
  const halves = new Float16Array(features.data);
  const header = `{'descr': '<f2', 'fortran_order': False, 'shape': (40, 6), }`.padEnd(117);
  const folder = mkdtempSync(join(tmpdir(), 'emms-half-'));
  try {
    const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 118, 0]);
    writeFileSync(
      join(folder, 'x.npy'),
      [prefix, Buffer.from(`${header}\n`), Buffer.from(halves.buffer)].map((part) => part.toString('latin1')).join(''),
      'latin1',
    );
    const read = npyMatrix(await readNpy(join(folder, 'x.npy')));
    expect(read.data).toEqual(Float32Array.from(halves));
    const single = { ...features, data: Float32Array.from(halves) };
    for (const { id } of SCORES) {
      const score = await scoreOf(id, withSource({ features: read, labels }));
      expect(score, id).toBe(await scoreOf(id, withSource({ features: single, labels })));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('many classes', () => {
  const many = (n: number, d: number, classes: number): EvidenceInput => {
    const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
    const centres = generator(1).matrix(classes, d).data;
    const features = generator(2).matrix(n, d);
    features.data.forEach((value, at) => {
      features.data[at] = value + 2 * (centres[(labels[Math.floor(at / d)] as number) * d + (at % d)] as number);
    });
    return withSource({ features, labels });
  };

  test.each([
    ['emms', 'cv'],
    ['linearProbe', 'ridge'],
    ['pactran', 'gaussian'],
    ['pactran', 'dirichlet'],
    ['etran', 'classification'],
    ['etran', 'reference'],
    ['ncti', 'ncc'],
    ['ncti', 'seli'],
    ['ncti', 'vc'],
    ['sfda', 'reference'],
    ['gbc', 'diagonal'],
    ['parc', 'tied'],
  ])(
    '1,000: %s %s',
    async (id, variant) => {
      expect(await scoreOf(id, many(2000, 8, 1000), variant)).toSatisfy(Number.isFinite);
    },
    120_000,
  );

  test.each([
    ['emms', 'cv'],
    ['emms', 'exact'],
    ['linearProbe', 'ridge'],
    ['leep', 'paper'],
    ['logme', 'classification'],
    ['transrate', 'paper'],
    ['hscore', 'shrunk'],
    ['pactran', 'gamma'],
  ])(
    '10,000: %s %s',
    async (id, variant) => {
      expect(await scoreOf(id, many(20_000, 8, 10_000), variant)).toSatisfy(Number.isFinite);
    },
    120_000,
  );

  test.each([
    ['nleep', 'paper', 'NLEEP fits 20000 Gaussians to 20000 samples, which takes too long'],
    ['parc', 'tied', 'give at most 12000'],
    ['pactran', 'gaussian', 'fits 10000 classes to 20000 samples, which takes too long'],
  ])('10,000 are refused: %s %s', async (id, variant, reason) => {
    await expect(scoreOf(id, many(20_000, 8, 10_000), variant)).rejects.toThrow(reason);
  });
});
