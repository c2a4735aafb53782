import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FloatMatrix, Matrix } from '../../../../src/engine/linalg/matrix.ts';
import type { EvidenceInput } from '../../../../src/engine/score/evidenceInput.ts';
import { SCORES } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { expectOrderInvariance, scoreOf, sourceProbabilitiesOf, takeRows } from '../../../helpers/scoreCases.ts';

const ALL = SCORES.flatMap(({ id, variants }) => variants.map((variant): [string, string] => [id, variant]));
/** What a rotation of the features changes: these standardise features, sum over them, or start from their order. */
const AXES_MATTER = [
  'emms:cv',
  'nleep:paper',
  'nleep:reference',
  'sfda:reference',
  'parc:unreduced',
  'parc:pca32',
  'parc:tied',
  'linearProbe:ridge',
  'etran:classification',
  'etran:energy',
];
const RUNS = { numRuns: 6, seed: 1 };

/** More and fewer samples than features, each class with two samples at least. */
const shapes = fc.record({
  seed: fc.integer({ min: 1, max: 1000 }),
  n: fc.integer({ min: 12, max: 40 }),
  d: fc.integer({ min: 2, max: 50 }),
  classes: fc.integer({ min: 2, max: 4 }),
});

function caseOf({ seed, n, d, classes }: { seed: number; n: number; d: number; classes: number }): EvidenceInput {
  const { features, labels } = classification(seed, n, d, classes, 1.5);
  for (let i = 0; i < 2 * classes; i++) labels[i] = i % classes;
  return { features, labels, sourceProbabilities: sourceProbabilitiesOf(features) };
}

describe.each(ALL)('%s %s', (id, variant) => {
  test('the order of the samples does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, (shape) => expectOrderInvariance(id, caseOf(shape), [variant])),
      RUNS,
    );
  });

  test.skipIf(AXES_MATTER.includes(`${id}:${variant}`))('rotating the features does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const input = caseOf(shape);
        const before = await scoreOf(id, input, variant);
        const after = await scoreOf(id, { ...input, features: rotated(input.features, shape.seed) }, variant);
        expect(Math.abs(after - before)).toBeLessThan(1e-7 * Math.max(1, Math.abs(before)));
      }),
      RUNS,
    );
  });
});

describe.each([
  ['multiLabels', (seed: number) => generator(seed).matrix(24, 4, () => Number(generator(seed++).uniform() < 0.4))],
  ['targets', (seed: number) => generator(seed).matrix(24, 3)],
] as const)('%s', (kind, labelsOf) => {
  const served: [string, string][] = [
    ['emms', 'cv'],
    ['emms', 'exact'],
    ['logme', 'regression'],
    ['knn', 'cosine'],
    ['linearProbe', 'ridge'],
    ['parc', 'unreduced'],
  ];
  test.each(served)('the order of the samples does not matter: %s %s', async (id, variant) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(3, 40), async (seed, d) => {
        const labels = labelsOf(seed);
        const features = generator(seed + 1).matrix(24, d);
        const order = generator(seed + 2).permutation(24);
        const before = await scoreOf(id, { features, [kind]: labels }, variant);
        const shuffled = { features: takeRows(features, order), [kind]: takeRows(labels, order) };
        expect(Math.abs((await scoreOf(id, shuffled, variant)) - before)).toBeLessThan(
          1e-9 * Math.max(1, Math.abs(before)),
        );
      }),
      RUNS,
    );
  });
});

/** The features in other axes: a random orthogonal matrix by Gram and Schmidt. */
function rotated(features: FloatMatrix, seed: number): Matrix {
  const { rows, cols, data } = features;
  const random = generator(seed).matrix(cols, cols);
  const axes: Float64Array[] = [];
  for (let k = 0; k < cols; k++) {
    const axis = random.data.slice(k * cols, (k + 1) * cols);
    for (let pass = 0; pass < 2; pass++) {
      for (const other of axes) {
        const part = axis.reduce((sum, value, j) => sum + value * (other[j] as number), 0);
        axis.forEach((value, j) => {
          axis[j] = value - part * (other[j] as number);
        });
      }
    }
    const length = Math.hypot(...axis);
    axes.push(axis.map((value) => value / length));
  }
  const result: Matrix = { rows, cols, data: new Float64Array(rows * cols) };
  for (let i = 0; i < rows; i++) {
    axes.forEach((axis, k) => {
      result.data[i * cols + k] = axis.reduce((sum, value, j) => sum + value * (data[i * cols + j] as number), 0);
    });
  }
  return result;
}
