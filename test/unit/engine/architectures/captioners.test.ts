import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectArchitecture } from '../../../../src/engine/checkpoints/architectures/detect.ts';
import type { Weights } from '../../../../src/engine/checkpoints/weights.ts';
import { readCase, relativeError, runCase } from '../../../helpers/networks.ts';
import { bertShapes } from '../../../helpers/shapes.ts';

const CASES = path.join(import.meta.dirname, '../../../fixtures/networks/captioners');

describe('captioners', () => {
  it.each(readdirSync(CASES))('%s: features of a padded batch as PyTorch computes them', async (name) => {
    const folder = path.join(CASES, name);
    const { architecture, features: expected } = await readCase(folder);
    const { network, features } = await runCase(folder);
    expect(network).toMatchObject({ architecture, modality: 'image-to-text' });
    expect(features.dims).toEqual(expected.shape);
    expect(relativeError(features, expected)).toBeLessThan(1e-4);
  });
});

describe('networks of full size', () => {
  function bertWeights(...sizes: Parameters<typeof bertShapes>) {
    const tensors = Object.entries(bertShapes(...sizes)).map(([name, shape]) => {
      return [name, { shape, type: 'float32' as const, file: '/model.bin', offset: 0, bytes: 0 }] as const;
    });
    return { format: 'torch', tensors: new Map(tensors), files: ['/model.bin'] } satisfies Weights;
  }

  it.each([
    ['BERT-base', bertWeights('bert.', 12, 768, 30522, 512, 2), 512],
    ['BERT-large', bertWeights('', 24, 1024, 30522, 512, 2), 512],
    ['RoBERTa-base', bertWeights('roberta.', 12, 768, 50265, 514, 1), 512],
    ['MiniLM-L6-H384', bertWeights('', 6, 384, 30522, 512, 2), 512],
  ])('%s is recognised by names and shapes alone', (name, weights, maxTokens) => {
    expect(detectArchitecture(weights, undefined)).toMatchObject({
      architecture: name,
      modality: 'text',
      text: { maxTokens },
    });
  });
});
