import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights } from '../../../../../src/engine/checkpoints/weights.ts';
import { readCase, readConfig, relativeError, runCase } from '../../../../helpers/networks.ts';
import { bertShapes } from '../../../../helpers/shapes.ts';

const CASES = path.join(import.meta.dirname, '../../../../fixtures/networks/captioners');

describe('captioners', () => {
  it.each(readdirSync(CASES))('%s: features of a padded batch as PyTorch computes them', async (name) => {
    const folder = path.join(CASES, name);
    const { architecture, inputs, features: expected } = await readCase(folder);
    const { network, features } = await runCase(folder);
    expect(network.image?.published.size).toBe(inputs.image?.shape[2]);
    expect(network).toMatchObject({ architecture, modality: 'image-to-text' });
    expect(features.dims).toEqual(expected.shape);
    expect(relativeError(features, expected)).toBeLessThan(1e-4);
  });
});

describe('what config.json says of a captioner’s decoder', () => {
  it.each([
    ['vit-bert', 'big_bird'],
    ['vit-bart', 'blenderbot-small'],
    ['vit-gpt2', 'imagegpt'],
  ])('%s: another network of the same names is refused', async (name, kind) => {
    const folder = path.join(CASES, name);
    const weights = await readWeights(path.join(folder, (await readCase(folder)).weights));
    const config = await readConfig(folder);
    const changed = new Map([...(config ?? []), ['decoder', { ...Object(config?.get('decoder')), model_type: kind }]]);
    expect(detectArchitecture(weights, config)?.assumed).toBeUndefined();
    expect(() => detectArchitecture(weights, changed)).toThrow(`config.json says ${kind}`);
    const untyped = new Map([...(config ?? [])].filter(([key]) => key !== 'model_type'));
    expect(detectArchitecture(weights, untyped)?.assumed).toContain('attention heads');
  });
});

describe('networks of full size', () => {
  function bertWeights(...sizes: Parameters<typeof bertShapes>) {
    const tensors = Object.entries(bertShapes(...sizes)).map(([name, shape]) => {
      return [name, { shape, type: 'float32' as const, file: '/model.bin', offset: 0, bytes: 0 }] as const;
    });
    return { format: 'torch', name: 'model', tensors: new Map(tensors), files: ['/model.bin'] } satisfies Weights;
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
