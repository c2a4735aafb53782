import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { Network } from '../../../../src/engine/extract/network.ts';
import { writeModel } from '../../../../src/engine/onnx/writeModel.ts';
import { loadTokenizer } from '../../../../src/engine/tokenize/tokenizer.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const BERT = path.resolve('test/fixtures/encoders/bert');
const LONG = 'the quick brown fox jumps over the lazy dog';
const CUT = 'the quick brown fox jumps over';

/** A folder with the BERT of the tests, with settings of its tokenizer changed. */
async function bert(settings: object = {}): Promise<string> {
  const folder = await temporaryFolder();
  await cp(BERT, folder, { recursive: true });
  const file = path.join(folder, 'tokenizer_config.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  return path.join(folder, 'model.safetensors');
}

/** Features of texts by the network in a file, and how many texts it takes at once. */
async function run(file: string, texts: readonly string[]) {
  const checkpoint = await openCheckpoint(file, path.dirname(file), { modalities: ['text'] });
  const network = await Network.open(checkpoint, 'cpu', undefined, undefined);
  try {
    const { features } = await network.run(texts.map((text) => ({ pixels: undefined, text: [text] })));
    return { features: [...features], samplesPerRun: network.samplesPerRun, checkpoint };
  } finally {
    await network.close();
  }
}

test('texts are cut to what the tokenizer is for, where the network could take more', async () => {
  const { features: whole } = await run(await bert(), [CUT]);
  const { length } = (await loadTokenizer(BERT)).tokenize([CUT], Number.POSITIVE_INFINITY).ids;
  expect((await run(await bert({ model_max_length: length }), [LONG])).features).toEqual(whole);
  expect((await run(await bert(), [LONG])).features).not.toEqual(whole);
});

test('an exported network of texts of one number and length gives what one of any gives', async () => {
  const weights = await bert();
  const { checkpoint, features } = await run(weights, [CUT, 'fox']);
  const { network } = await checkpoint.loadModel();
  if (!network) throw new Error('the network was not built');
  const inputs = network.inputs.map((input) => ({ ...input, shape: [3, 20] }));
  const file = path.join(path.dirname(weights), 'static.onnx');
  await writeFile(file, writeModel({ ...network, inputs }));
  const fixed = await run(file, [CUT, 'fox']);
  expect(fixed.samplesPerRun).toBe(3);
  expect(fixed.features).toHaveLength(features.length);
  for (const [index, value] of fixed.features.entries()) expect(value).toBeCloseTo(features[index] ?? 0, 5);
});

test('an exported network without mask gets each text as it is, and its places where it asks for them', async () => {
  const file = path.join(path.dirname(await bert()), 'places.onnx');
  const tokenizer = await loadTokenizer(BERT);
  const { ids } = tokenizer.tokenize([CUT], Number.POSITIVE_INFINITY);
  const table = (name: string, rows: number, step: number) => {
    const values = Float32Array.from({ length: rows }, (_, row) => row * step);
    return { name, type: 'float32' as const, shape: [rows, 1], values: new Uint8Array(values.buffer) };
  };
  const shape = ['n', 't'];
  const model = writeModel({
    nodes: [
      { op: 'Gather', inputs: ['tokens', 'input_ids'], outputs: ['a'] },
      { op: 'Gather', inputs: ['places', 'position_ids'], outputs: ['b'] },
      { op: 'Add', inputs: ['a', 'b'], outputs: ['last_hidden_state'] },
    ],
    initializers: [table('tokens', 2000, 1), table('places', 20, 0.25)],
    inputs: [
      { name: 'input_ids', type: 'int64', shape },
      { name: 'position_ids', type: 'int64', shape },
    ],
    outputs: ['last_hidden_state'],
  });
  await writeFile(file, model);
  const { features, samplesPerRun, checkpoint } = await run(file, [CUT]);
  const sum = ids.reduce((total, id, place) => total + id + place / 4, 0);
  expect(features[0]).toBeCloseTo(sum / ids.length, 3);
  expect(samplesPerRun).toBe(1);
  expect(checkpoint.text?.maxTokens).toBe(20);
});
