import { readdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { discoverWorkspace } from '../../src/engine/rank/discoverWorkspace.ts';
import { rank } from '../../src/engine/rank/rank.ts';
import { discoverParamsSchema, type RankParams, rankParamsSchema } from '../../src/protocol/engine.ts';
import type { RankingReport } from '../../src/protocol/report.ts';
import type { Task } from '../../src/protocol/tasks.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const root = path.resolve(import.meta.dirname, '../..');
const miniatures = path.join(root, 'test/fixtures/miniatures');
const encoders = path.join(root, 'test/fixtures/encoders');
const networks = path.join(root, 'test/fixtures/networks');
const images = ['convnext-shoes-bags', 'mobilenet-rotation'].map((name) =>
  path.join(root, 'sample/checkpoints', `${name}.onnx`),
);
const texts = ['bert', 'gpt2'].map((name) => path.join(encoders, name));

/** Two small candidates of the right kind for each task. */
let candidates: Record<Task, readonly string[]>;

beforeEach(async () => {
  const imagesWithText = [
    path.join(encoders, 'clip'),
    await withTokenizer(path.join(networks, 'multimodal/vilt'), 'bert'),
  ];
  candidates = {
    'image-classification': images,
    'image-captioning': [
      await withTokenizer(path.join(networks, 'captioners/vit-gpt2'), 'gpt2'),
      await withTokenizer(path.join(networks, 'captioners/vit-bert'), 'bert'),
    ],
    'visual-question-answering': imagesWithText,
    'text-question-answering': texts,
    'referring-expression-comprehension': imagesWithText,
    'text-classification': texts,
  };
});

/** A copy of a network with a tokenizer beside it, as published ones have it. */
async function withTokenizer(network: string, tokenizer: string): Promise<string> {
  const folder = path.join(await temporaryFolder(), path.basename(network));
  await cp(network, folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(path.join(encoders, tokenizer, file), path.join(folder, file));
  }
  return folder;
}

function rankMiniature(name: string, change: Partial<RankParams>): Promise<RankingReport> {
  const dataset = path.join(miniatures, name);
  const params = rankParamsSchema.parse({
    workspace: miniatures,
    dataset,
    labelEncoders: ['onehot'],
    device: 'cpu',
    modelCaches: false,
    cacheFolder: null,
    ...change,
  });
  return rank(params, { onProgress: () => undefined, log: () => undefined });
}

it.each(readdirSync(miniatures))('%s is found, and ranked in each task that it can be read for', async (name) => {
  const workspace = path.join(miniatures, name);
  const { datasets, skipped } = await discoverWorkspace(discoverParamsSchema.parse({ workspace, modelCaches: false }));
  expect(skipped).toEqual([]);
  expect(datasets.length).toBeGreaterThan(0);
  for (const { path: dataset, task, samples, reason } of datasets) {
    expect(samples).toBeGreaterThan(1);
    expect(reason).not.toBe('');
    const report = await rankMiniature(name, { dataset, task, checkpoints: [...candidates[task]] });
    expect(report.task).toBe(task);
    expect(report.candidates).toHaveLength(2);
    for (const { score } of report.candidates) expect(Number.isFinite(score)).toBe(true);
  }
});

it('ViLT and CLIP answer questions side by side, from image and question', async () => {
  const report = await rankMiniature('vqa-v2', { checkpoints: [...candidates['visual-question-answering']] });
  const found = new Map(report.candidates.map((candidate) => [candidate.architecture, candidate]));
  expect([...found.keys()].sort()).toEqual(['CLIP ViT-L1-H16/16', 'ViLT-L2-H24/8']);
  expect(found.get('ViLT-L2-H24/8')?.preprocessing).toContain('shortest edge 24, longest at most 39, multiples of 8');
});

describe('label encoders', () => {
  const three = ['clip', 'bert', 'gpt2'].map((name) => path.join(encoders, name));

  it.each([
    ['fashion-mnist', 'image-classification'],
    ['coco-captions', 'image-captioning'],
    ['vqa-v2', 'visual-question-answering'],
    ['squad1.1', 'text-question-answering'],
    ['refcoco-data', 'referring-expression-comprehension'],
    ['text-csv', 'text-classification'],
    ['VOCdevkit', 'image-classification'],
  ] as const)('embed the labels of %s (%s), by each encoder', async (name, task) => {
    const report = await rankMiniature(name, { task, checkpoints: [...candidates[task]], labelEncoders: three });
    expect(report.labelEncoders).toEqual(three);
    for (const { score, weights } of report.candidates) {
      expect(Number.isFinite(score)).toBe(true);
      expect(weights).toHaveLength(3);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
    }
  });

  it('don’t stand in the way of networks that can’t serve the task', async () => {
    const report = await rankMiniature('vqa-v2', {
      checkpoints: [...candidates['visual-question-answering'], ...images],
    });
    expect(report.candidates).toHaveLength(2);
    expect(report.skipped).toHaveLength(2);
    expect(report.skipped[0]?.reason).toContain("can't serve visual-question-answering");
  });
});
