import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Target } from '../../../../src/engine/datasets/dataset.ts';
import { embedDatasetLabels, embedLabels } from '../../../../src/engine/embed/embedLabels.ts';
import { findEncoder, type LabelEncoder } from '../../../../src/engine/embed/encoders.ts';
import { datasetOf, samplesOf } from '../../../helpers/labels.ts';

const ENCODERS = path.resolve('test/fixtures/encoders');

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

async function encoder(name: string): Promise<LabelEncoder> {
  const found = await findEncoder(path.join(ENCODERS, name));
  if (!found) throw new Error(`no fixture ${name}`);
  return found;
}
