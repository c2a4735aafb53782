import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { Network } from '../../../../src/engine/extract/network.ts';
import { loadTokenizer } from '../../../../src/engine/tokenize/tokenizer.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const BERT = path.resolve('test/fixtures/encoders/bert');
const LONG = 'the quick brown fox jumps over the lazy dog';
const CUT = 'the quick brown fox jumps over';

/** Features of texts, by the BERT of the tests with settings of its tokenizer changed. */
async function features(texts: readonly string[], settings: object): Promise<Float32Array> {
  const folder = await temporaryFolder();
  await cp(BERT, folder, { recursive: true });
  const file = path.join(folder, 'tokenizer_config.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  const checkpoint = await openCheckpoint(path.join(folder, 'model.safetensors'), folder, { modalities: ['text'] });
  const network = await Network.open(checkpoint, 'cpu', undefined, undefined);
  try {
    return (await network.run(texts.map((text) => ({ pixels: undefined, text: [text] })))).features;
  } finally {
    await network.close();
  }
}

test('texts are cut to what the tokenizer is for, where the network could take more', async () => {
  const whole = await features([CUT], {});
  const { length } = (await loadTokenizer(BERT)).tokenize([CUT], Number.POSITIVE_INFINITY).ids;
  expect(await features([LONG], { model_max_length: length })).toEqual(whole);
  expect(await features([LONG], {})).not.toEqual(whole);
});
