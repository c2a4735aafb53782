import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Dataset, Sample, Target } from '../../../../src/engine/datasets/dataset.ts';
import { toCommonWidth } from '../../../../src/engine/embed/commonWidth.ts';
import { embedDatasetLabels, embedLabels } from '../../../../src/engine/embed/embedLabels.ts';
import { findEncoder, type LabelEncoder } from '../../../../src/engine/embed/encoders.ts';
import { labelTexts } from '../../../../src/engine/embed/labelTexts.ts';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';

const ENCODERS = path.resolve('test/fixtures/encoders');

describe('labels as text', () => {
  test('are the names of classes, readable or raw', () => {
    const names = ['n02085620-Chihuahua', 'aquarium_fih'];
    const dataset = datasetOf({ classes: names });
    expect(labelTexts(dataset, [])).toEqual({ of: 'classes', texts: ['Chihuahua', 'aquarium fih'] });
    expect(labelTexts(dataset, [], 'raw')).toEqual({ of: 'classes', texts: names });
  });

  test('are captions and answers as they stand', () => {
    const samples = samplesOf({ kind: 'text', text: 'A dog_run.' }, { kind: 'text', text: 'yes' });
    expect(labelTexts(datasetOf({}), samples)).toEqual({
      of: 'samples',
      texts: ['A dog_run.', 'yes'],
      numbers: undefined,
    });
  });

  test('are the edges of boxes, in words and as numbers', () => {
    const samples = samplesOf({ kind: 'box', box: [0.25, 0, 0.5, 0.125] }, { kind: 'box', box: [0, 0.5, 1.2, 0.5] });
    expect(labelTexts(datasetOf({}), samples)).toEqual({
      of: 'samples',
      texts: ['left 25 top 0 right 75 bottom 13', 'left 0 top 50 right 100 bottom 100'],
      numbers: { rows: 2, cols: 4, data: Float64Array.of(0.25, 0, 0.75, 0.125, 0, 0.5, 1.2, 1) },
    });
  });
});

describe('label embeddings of a dataset', () => {
  test('are one per encoder, all of one width', async () => {
    // CLIP's 16 columns and BERT's 24 become 48.
    const dataset = datasetOf({ classes: ['great_white_shark', 'tench', 'fox'] });
    const encoders = [await encoder('clip'), await encoder('bert')];
    const progress: [number, number][] = [];
    const embeddings = await embedDatasetLabels(dataset, [], encoders, { onProgress: (...at) => progress.push(at) });
    expect(embeddings?.map(({ rows, cols }) => [rows, cols])).toEqual([
      [3, 48],
      [3, 48],
    ]);
    expect(progress.at(-1)).toEqual([6, 6]);
  });

  test('put class names into the encoder’s template, unless another is given or the names are raw', async () => {
    const dataset = datasetOf({ classes: ['great_white_shark', 'tench'] });
    const clip = await encoder('clip');
    const embedded = async (...texts: string[]) => [await embedLabels(texts, clip)];
    expect(await embedDatasetLabels(dataset, [], [clip], {})).toEqual(
      await embedded('a photo of a great white shark', 'a photo of a tench'),
    );
    expect(await embedDatasetLabels(dataset, [], [clip], { templates: { [clip.name]: 'a {} fish' } })).toEqual(
      await embedded('a great white shark fish', 'a tench fish'),
    );
    expect(await embedDatasetLabels(dataset, [], [clip], { names: 'raw' })).toEqual(
      await embedded('great_white_shark', 'tench'),
    );
  });

  test('leave captions without template', async () => {
    const samples = samplesOf({ kind: 'text', text: 'a dog' });
    const clip = await encoder('clip');
    expect(await embedDatasetLabels(datasetOf({}), samples, [clip], {})).toEqual([await embedLabels(['a dog'], clip)]);
  });

  test('are the labels themselves without encoder', async () => {
    expect(await embedDatasetLabels(datasetOf({ classes: ['a', 'b'] }), [], [], {})).toBeUndefined();
    const box: Target = { kind: 'box', box: [0, 0, 0.5, 0.5] };
    const [numbers] = (await embedDatasetLabels(datasetOf({}), samplesOf(box), [], {})) ?? [];
    expect([...(numbers?.data ?? [])]).toEqual([0, 0, 0.5, 0.5]);
  });
});

describe('the common width', () => {
  test('repeats every column equally often', () => {
    const [two, three] = toCommonWidth([matrix([[1, 2]]), matrix([[3, 4, 5]])]);
    expect([...(two?.data ?? [])]).toEqual([1, 1, 1, 2, 2, 2]);
    expect([...(three?.data ?? [])]).toEqual([3, 3, 4, 4, 5, 5]);
  });

  test('is that of CLIP-B, BERT and GPT-2 together 1,536, and that of the paper’s encoders their own', () => {
    expect(toCommonWidth([512, 768, 768].map(random)).map(({ cols }) => cols)).toEqual([1536, 1536, 1536]);
    const paper = [1024, 1024, 1024].map(random);
    expect(toCommonWidth(paper)).toEqual(paper);
    expect(toCommonWidth([312, 768, 1024].map(random)).map(({ cols }) => cols)).toEqual([1024, 1024, 1024]);
  });

  test('leaves each encoder the score that it has alone', async () => {
    const labels = Int32Array.from({ length: 60 }, (_, i) => i % 4);
    const features = { rows: 60, cols: 6, data: Float64Array.from(noise(60 * 6, 1)) };
    const narrow = matrix([0, 1, 2, 3].map((row) => noise(4, row + 2)));
    const [stretched = narrow] = toCommonWidth([narrow, random(6)]);
    expect(stretched.cols).toBe(12);
    const scoreOf = async (embedding: FloatMatrix) => {
      const evidence = createEvidence({ features, labels, labelEmbeddings: [embedding] });
      return (await computeScore('emms', evidence, { variant: 'cv' })).score;
    };
    expect(await scoreOf(stretched)).toBeCloseTo(await scoreOf(narrow), 6);
  });
});

function datasetOf({ classes = [] }: { classes?: readonly string[] }): Dataset {
  return { path: '/data', format: 'test', task: 'image-captioning', classes, splits: new Map(), warnings: [] };
}

function samplesOf(...targets: readonly Target[]): Sample[] {
  return targets.map((target, index) => ({ id: String(index), file: 'file', label: -1, target }));
}

async function encoder(name: string): Promise<LabelEncoder> {
  const found = await findEncoder(path.join(ENCODERS, name));
  if (!found) throw new Error(`no fixture ${name}`);
  return found;
}

function matrix(rows: readonly (readonly number[])[]): FloatMatrix {
  return { rows: rows.length, cols: rows[0]?.length ?? 0, data: Float32Array.from(rows.flat()) };
}

function random(cols: number): FloatMatrix {
  return { rows: 2, cols, data: Float32Array.from(noise(2 * cols, cols)) };
}

/** Numbers without pattern, the same at every call. */
function noise(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, at) => Math.sin((at + 1) * 12.9898 * (seed + 1)) % 1);
}
