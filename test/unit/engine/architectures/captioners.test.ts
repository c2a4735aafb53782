import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectArchitecture } from '../../../../src/engine/checkpoints/architectures/detect.ts';
import type { Weights } from '../../../../src/engine/checkpoints/weights.ts';
import { readCase, relativeError, runCase } from '../../../helpers/networks.ts';

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
  const layer = (width: number, inner: number): Record<string, number[]> => ({
    ...Object.fromEntries(
      ['self.query', 'self.key', 'self.value', 'output.dense'].flatMap((part) => [
        [`attention.${part}.weight`, [width, width]],
        [`attention.${part}.bias`, [width]],
      ]),
    ),
    'attention.output.LayerNorm.weight': [width],
    'attention.output.LayerNorm.bias': [width],
    'intermediate.dense.weight': [inner, width],
    'intermediate.dense.bias': [inner],
    'output.dense.weight': [width, inner],
    'output.dense.bias': [width],
    'output.LayerNorm.weight': [width],
    'output.LayerNorm.bias': [width],
  });

  function bertWeights(prefix: string, layers: number, width: number, words: number, positions: number, types: number) {
    const shapes: Record<string, number[]> = {
      'embeddings.word_embeddings.weight': [words, width],
      'embeddings.position_embeddings.weight': [positions, width],
      'embeddings.token_type_embeddings.weight': [types, width],
      'embeddings.LayerNorm.weight': [width],
      'embeddings.LayerNorm.bias': [width],
    };
    for (let index = 0; index < layers; index += 1) {
      for (const [name, shape] of Object.entries(layer(width, 4 * width)))
        shapes[`encoder.layer.${index}.${name}`] = shape;
    }
    const tensors = Object.entries(shapes).map(([name, shape]) => {
      return [prefix + name, { shape, type: 'float32' as const, file: '/model.bin', offset: 0, bytes: 0 }] as const;
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
