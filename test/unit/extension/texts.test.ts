import { describe, expect, test } from 'vitest';
import { type FoundDataset, mergeDiscoveries } from '../../../src/extension/discovery/found.ts';
import {
  EngineInputError,
  EngineStoppedError,
  NoCheckpointsError,
  RequestCancelledError,
} from '../../../src/extension/engine/errors.ts';
import { describeFailure } from '../../../src/extension/ranking/rankingFailure.ts';
import { rankingHtml } from '../../../src/extension/rankingView/rankingHtml.ts';
import { checkpointDescription, datasetDescription } from '../../../src/extension/trees/descriptions.ts';

const dataset: FoundDataset = {
  id: 'data',
  name: 'data',
  path: '/w/data',
  format: 'class-folders',
  task: 'image-classification',
  reason: 'images in one folder per class',
  samples: 1500,
  classes: 10,
  splits: { all: 1500 },
  workspace: '/w',
};
const checkpoint = {
  id: 'a.onnx',
  name: 'a',
  path: '/w/a.onnx',
  format: 'onnx',
  architecture: 'residual CNN',
  modality: 'image',
  parameters: 200_000,
  bytes: 800_000,
};

describe('descriptions', () => {
  test('of datasets', () => {
    expect(datasetDescription(dataset)).toBe('10 classes · 1,500 samples');
    expect(datasetDescription({ ...dataset, task: 'image-captioning', classes: 0 })).toBe('captions · 1,500 samples');
    expect(datasetDescription({ ...dataset, task: 'visual-question-answering', classes: 3 })).toBe(
      'questions on images · 1,500 samples',
    );
    expect(datasetDescription({ ...dataset, classes: 1, samples: 1 })).toBe('1 class · 1 sample');
    expect(datasetDescription(dataset, 'one')).toBe('10 classes · 1,500 samples · one');
    const uncounted = { ...dataset, classes: null, samples: null, splits: {} };
    expect(datasetDescription({ ...uncounted, task: 'image-captioning' })).toBe('captions');
    expect(datasetDescription(uncounted)).toBe('Image classification');
  });

  test.each([
    [200_000, 800_000, undefined, 'residual CNN · 200 K · 800 KB'],
    [25_600_000, 102_000_000, 2, '#2 · residual CNN · 25.6 M · 102 MB'],
    [1_250, 999, undefined, 'residual CNN · 1.25 K · 999 B'],
    [7_000_000_000, 14_000_000_000, 1, '#1 · residual CNN · 7 B · 14 GB'],
  ])('of checkpoints: %i parameters', (parameters, bytes, rank, description) => {
    expect(checkpointDescription({ ...checkpoint, parameters, bytes }, rank)).toBe(description);
  });
});

describe('mergeDiscoveries', () => {
  test('keeps the workspace of a dataset, and counts what lies in two folders once', () => {
    const { workspace: _, ...summary } = dataset;
    const discovery = { datasets: [summary], checkpoints: [checkpoint], skipped: [] };
    const found = mergeDiscoveries([
      { workspace: '/w', discovery },
      { workspace: '/', discovery },
    ]);
    expect(found).toEqual({ datasets: [dataset], checkpoints: [checkpoint], skipped: [] });
  });

  test('keeps a dataset once for each task that it can be read for', () => {
    const captions = { ...dataset, task: 'image-captioning' } as const;
    const discovery = { datasets: [dataset, captions], checkpoints: [], skipped: [] };
    expect(mergeDiscoveries([{ workspace: '/w', discovery }]).datasets).toEqual([dataset, captions]);
  });
});

describe('describeFailure', () => {
  test.each([
    [new RequestCancelledError(), 'Ranking x was cancelled; what it had finished is kept.', true, 'resume'],
    [
      new EngineStoppedError('SIGKILL', ['last words']),
      'The EMMS engine stopped (SIGKILL, as when memory runs out) while ranking x; what it had finished is kept.',
      false,
      'resume',
    ],
    [
      new EngineStoppedError('exit code 7', []),
      'The EMMS engine stopped (exit code 7) while ranking x; what it had finished is kept.',
      false,
      'resume',
    ],
    [new EngineInputError('x: no images.'), 'x: no images.', false, null],
    [new NoCheckpointsError('x: none.'), 'x: none.', false, 'nameCheckpointFolders'],
    [new Error('oops'), 'Ranking x failed. The log says why.', false, null],
  ])('%s', (error, message, cancelled, remedy) => {
    expect(describeFailure(error, 'x')).toMatchObject({ message, cancelled, remedy });
  });
});

describe('rankingHtml', () => {
  test('lets nothing run or load but what it names', () => {
    const html = rankingHtml({
      placement: 'panel',
      nonce: 'n0nce',
      script: 'webview.js',
    });
    const policy = /content="(default-src[^"]+)"/.exec(html)?.[1];
    expect(policy).toBe("default-src 'none'; script-src 'nonce-n0nce'");
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).toContain('<script nonce="n0nce" src="webview.js">');
    expect(html).toContain('<body data-placement="panel">');
  });
});
