import { describe, expect, test } from 'vitest';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { featureSpace } from '../../../../src/engine/score/featureSpace.ts';
import { mixtureProjection } from '../../../../src/engine/score/mixtureProjection.ts';
import { projectedProducts } from '../../../../src/engine/score/projectedProducts.ts';
import { singleFeatures } from '../../../../src/engine/score/singleFeatures.ts';
import { generator } from '../../../helpers/random.ts';

const SAMPLES = 2101;
const WEIGHTS = [0.5, 0.2, 0.3];

/** Three embeddings that partly follow from the features, with means far from 0. */
function evidenceOf(width: number, single: boolean, dependent: boolean) {
  const { matrix, normal } = generator(3);
  const features = matrix(SAMPLES, 9);
  if (dependent) for (let i = 0; i < SAMPLES; i++) features.data[9 * i] = 2 * (features.data[9 * i + 1] as number) - 1;
  const labelEmbeddings = WEIGHTS.map((_, k): FloatMatrix => {
    const data = Float64Array.from({ length: SAMPLES * width }, (_, at) => {
      const [i, j] = [Math.floor(at / width), at % width];
      return 50 * (k + 1) + (1 + j) * (normal() + (features.data[i * 9 + ((j + k) % 9)] as number));
    });
    return { rows: SAMPLES, cols: width, data: single ? new Float32Array(data) : data };
  });
  return createEvidence({ features, labelEmbeddings });
}

describe.each([
  { width: 5, single: true, dependent: false },
  { width: 37, single: true, dependent: false },
  { width: 5, single: false, dependent: false },
  { width: 37, single: false, dependent: false },
  { width: 5, single: true, dependent: true },
])('embeddings of $width columns, single: $single, of dependent features: $dependent', (shape) => {
  const { width, single, dependent } = shape;
  test('their mixture is projected as all of them in double precision, and the error is known', async () => {
    const evidence = evidenceOf(width, single, dependent);
    const columns = evidence.labelColumns();
    const { square, products, error } = await mixtureProjection(
      evidence.labelEmbeddings,
      columns,
      WEIGHTS,
      await singleFeatures(evidence),
    );
    const projected = await projectedProducts(evidence, columns, await featureSpace(evidence));
    const expected = WEIGHTS.map((_, k) =>
      WEIGHTS.reduce((sum, weight, l) => sum + weight * (projected.data[3 * k + l] as number), 0),
    );
    const total = SAMPLES * width;
    products.forEach((product, k) => {
      expect(Math.abs(product - (expected[k] as number)) / total).toBeLessThan(1e-7);
      expect(Math.abs(product - (expected[k] as number))).toBeLessThan(error);
    });
    const expectedSquare = WEIGHTS.reduce((sum, weight, k) => sum + weight * (expected[k] as number), 0);
    expect(Math.abs(square - expectedSquare) / total).toBeLessThan(1e-7);
    expect(error / total).toBeLessThan(1e-6);
  });
});
