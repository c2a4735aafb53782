import { readdirSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { bartDecoder } from '../../../../../src/engine/checkpoints/architectures/bart.ts';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights } from '../../../../../src/engine/checkpoints/weights.ts';
import {
  expectAsPyTorch,
  type NetworkCase,
  readCase,
  readConfig,
  relativeError,
  runCase,
  runNetwork,
} from '../../../../helpers/networks.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../../fixtures/networks/text');
const NAMES = readdirSync(FIXTURES);

/** The case's last text alone: without the padding that the longer ones of its batch gave it. */
function lastAlone({ inputs }: NetworkCase): NetworkCase['inputs'] {
  const mask = Object.entries(inputs).find(([name]) => name.endsWith('attention_mask'))?.[1].values;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]) => {
      if (values === 'waves' || mask === undefined || mask === 'waves') return [name, { shape, values }];
      const [rows = 0, length = 0] = shape;
      const start = (rows - 1) * length;
      const real = mask.slice(start).filter((value) => value === 1).length;
      return [name, { shape: [1, real], values: values.slice(start, start + real) }];
    }),
  );
}

const rowOf = (tensor: Tensor, row: number) => {
  const [, width = 0] = tensor.dims;
  return { values: [...(tensor.data as Float32Array)].slice(row * width, (row + 1) * width) };
};

it('networks of sentence-transformers pool and cut texts as its files beside them say', async () => {
  const folder = await temporaryFolder();
  await cp(path.join(FIXTURES, 'bert'), folder, { recursive: true });
  await mkdir(path.join(folder, '1_Pooling'));
  await writeFile(path.join(folder, '1_Pooling/config.json'), '{"pooling_mode_cls_token": true}');
  await writeFile(path.join(folder, 'sentence_bert_config.json'), '{"max_seq_length": 12, "do_lower_case": false}');
  const { weights: file, inputs } = await readCase(folder);
  const weights = await readWeights(path.join(folder, file));
  const states = await runNetwork(weights, await readConfig(path.join(FIXTURES, 'bert')), inputs, 'last_hidden_state');
  const { network, features } = await runNetwork(weights, await readConfig(folder), inputs);
  const [rows = 0, tokens = 0, width = 0] = states.features.dims;
  const data = states.features.data as Float32Array;
  const first = Array.from({ length: rows }, (_, row) => [...data.subarray(row * tokens * width).subarray(0, width)]);
  expect(relativeError(features, { values: first.flat() })).toBeLessThan(1e-6);
  expect(network).toMatchObject({ featurePoint: 'last state of the first token', text: { maxTokens: 12 } });
});

describe('networks made by transformers', () => {
  it.each(NAMES)('%s computes what PyTorch does', async (name) => {
    await expectAsPyTorch(path.join(FIXTURES, name));
  });

  it.each(NAMES)('%s gives a text alone the same', async (name) => {
    const folder = path.join(FIXTURES, name);
    const networkCase = await readCase(folder);
    const together = await runCase(folder);
    const weights = await readWeights(path.join(folder, networkCase.weights));
    const alone = await runNetwork(weights, await readConfig(folder), lastAlone(networkCase));
    const [rows = 0] = together.features.dims;
    expect(relativeError(alone.features, rowOf(together.features, rows - 1))).toBeLessThan(1e-5);
  });
});

it('mBART, whose norms stand elsewhere, is refused: alone and as the decoder of a captioner', async () => {
  const bart = await readWeights(path.join(FIXTURES, 'bart/model.safetensors'));
  const norm = (name: string) => {
    const [first] = bart.tensors.values();
    return { ...bart, tensors: new Map([...bart.tensors, ...(first ? [[name, first] as const] : [])]) };
  };
  expect(() => detectArchitecture(norm('encoder.layer_norm.weight'), undefined)).toThrow('it is an mBART');
  expect(() => bartDecoder(norm('decoder.layer_norm.weight'), undefined)).toThrow('it is an mBART');
});

describe('without config.json', () => {
  const read = (name: string) => readWeights(path.join(FIXTURES, name, 'model.safetensors'));
  const shaped = (weights: Weights, shapes: Record<string, readonly number[]>): Weights => {
    const [first] = weights.tensors.values();
    if (!first) throw new Error('no weights');
    const changed = Object.entries(shapes).map(([name, shape]) => [name, { ...first, shape }] as const);
    return { ...weights, tensors: new Map([...weights.tensors, ...changed]) };
  };

  it.each<[name: string, shapes: Record<string, readonly number[]>]>([
    ['bert', { 'embeddings.word_embeddings.weight': [99, 192], 'embeddings.position_embeddings.weight': [512, 192] }],
    ['gpt2', { 'wte.weight': [99, 192], 'wpe.weight': [64, 192], 'h.0.attn.c_attn.weight': [192, 576] }],
    ['bart', { 'encoder.embed_positions.weight': [514, 192] }],
  ])('what is taken for granted of a %s of no published size is said', async (name, shapes) => {
    const weights = shaped(await read(name), shapes);
    expect(detectArchitecture(weights, undefined)?.assumed).toContain('attention heads, activation');
    expect(detectArchitecture(weights, await readConfig(path.join(FIXTURES, name)))?.assumed).toBeUndefined();
  });

  it('a BERT of a published size is taken for it, unless it has other positions', async () => {
    const places = (count: number) =>
      shaped(weights, {
        'embeddings.word_embeddings.weight': [30522, 768],
        'embeddings.position_embeddings.weight': [count, 768],
      });
    const weights = await read('bert');
    expect(detectArchitecture(places(512), undefined)?.assumed).toBeUndefined();
    expect(detectArchitecture(places(4096), undefined)?.assumed).toContain('attention heads');
  });

  it('a bare RoBERTa with two types of tokens is told by its places', async () => {
    const weights = shaped(await read('bert'), {
      'embeddings.word_embeddings.weight': [50265, 768],
      'embeddings.position_embeddings.weight': [514, 768],
      'embeddings.token_type_embeddings.weight': [2, 768],
    });
    const network = detectArchitecture(weights, undefined);
    expect(network?.architecture).toContain('RoBERTa');
    expect(network?.text).toMatchObject({ maxTokens: 512, tokenTypes: undefined });
  });

  it('a BERT with one type of tokens is given none: the second text of a pair would have another', async () => {
    const table = 'embeddings.token_type_embeddings.weight';
    const typed = async (types: number) => shaped(await read('bert'), { [table]: [types, 24] });
    const config = await readConfig(path.join(FIXTURES, 'bert'));
    expect(detectArchitecture(await typed(2), config)?.text?.tokenTypes).toBe('token_type_ids');
    expect(detectArchitecture(await typed(1), config)?.text?.tokenTypes).toBeUndefined();
  });

  it('an LED, whose attention is of windows, is refused', async () => {
    const weights = shaped(await read('bart'), {
      'encoder.layers.0.self_attn.longformer_self_attn.query.weight': [768, 768],
    });
    expect(() => detectArchitecture(weights, undefined)).toThrow('it is an LED');
  });

  it('an ImageGPT, whose norms have no biases, is no GPT-2', async () => {
    const { tensors, ...others } = await read('gpt2');
    const kept = [...tensors].filter(([name]) => !name.endsWith('ln_1.bias'));
    expect(detectArchitecture({ ...others, tensors: new Map(kept) }, undefined)).toBeUndefined();
  });

  it.each([
    ['BigBird', 'pooler.weight'],
    ['BROS', 'bbox_embeddings.bbox_projection.weight'],
  ])('%s is no BERT', async (_, part) => {
    expect(detectArchitecture(shaped(await read('bert'), { [part]: [8, 8] }), undefined)).toBeUndefined();
  });
});
