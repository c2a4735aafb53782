import { readFileSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Store } from '../../../../src/engine/cache/store.ts';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { embedLabels } from '../../../../src/engine/embed/embedLabels.ts';
import { CancelledError } from '../../../../src/engine/errors.ts';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const ENCODERS = path.resolve('test/fixtures/encoders');
/** PyTorch's vectors. */
const { texts, expected } = z
  .object({
    texts: z.array(z.string()),
    expected: z.record(z.string(), z.record(z.string(), z.array(z.array(z.number())))),
  })
  .parse(JSON.parse(readFileSync(path.join(ENCODERS, 'embeddings.json'), 'utf8')));

describe('the vectors are those of PyTorch', () => {
  test.each(['bert', 'roberta', 'gpt2'])('%s, mean over real tokens and over padding, too', async (name) => {
    for (const pooling of ['tokens', 'padding'] as const) {
      const vectors = await embedLabels(texts, { folder: folder(name) }, { pooling });
      expectEqual(vectors, expected[name]?.[pooling]);
    }
  });

  test('CLIP, its projected text feature, whatever the pooling', async () => {
    for (const pooling of ['tokens', 'padding'] as const) {
      expectEqual(await embedLabels(texts, { folder: folder('clip') }, { pooling }), expected.clip?.features);
    }
  });
});

test('an ONNX export gives what the weights give', async () => {
  const { loadModel } = await openCheckpoint(path.join(folder('bert'), 'model.safetensors'), '/', {
    modalities: ['text'],
  });
  const exported = await temporaryFolder();
  await mkdir(path.join(exported, 'onnx'));
  await writeFile(path.join(exported, 'onnx', 'model.onnx'), (await loadModel()).model());
  await copyFile(path.join(folder('bert'), 'model.safetensors'), path.join(exported, 'onnx', 'model.safetensors'));
  await copyFile(path.join(folder('bert'), 'tokenizer.json'), path.join(exported, 'tokenizer.json'));
  await copyFile(path.join(folder('bert'), 'tokenizer_config.json'), path.join(exported, 'tokenizer_config.json'));
  expectEqual(await embedLabels(texts, { folder: exported }, { pooling: 'padding' }), expected.bert?.padding);
});

test('puts texts into a template', async () => {
  const encoder = { folder: folder('clip') };
  const inTemplate = await embedLabels(['dog', '$& {}'], encoder, { template: 'a photo of a {}' });
  const written = await embedLabels(['a photo of a dog', 'a photo of a $& {}'], encoder);
  expect(inTemplate).toEqual(written);
});

test('gives equal texts equal rows, in the order of the texts', async () => {
  const encoder = { folder: folder('bert') };
  const vectors = await embedLabels(['fox', 'great white shark', 'fox'], encoder);
  expect(row(vectors, 0)).toEqual(row(vectors, 2));
  const shark = await embedLabels(['great white shark'], encoder);
  expectClose(row(vectors, 1), row(shark, 0));
});

test('fills texts up to the longest of all, in whatever batch that is', async () => {
  const encoder = { folder: folder('bert') };
  const [long, short] = ['great white shark '.repeat(5), 'fox'];
  const pair = await embedLabels([short, long], encoder, { pooling: 'padding' });
  const many = [short, ...Array.from({ length: 300 }, (_, index) => `dog ${index}`), long];
  expectClose(row(await embedLabels(many, encoder, { pooling: 'padding' }), 0), row(pair, 0));
});

test('embeds an empty text', async () => {
  for (const name of ['bert', 'gpt2', 'clip']) {
    const vectors = await embedLabels(['', 'fox'], { folder: folder(name) });
    expect(vectors.data.every(Number.isFinite)).toBe(true);
  }
});

describe('keeps what it computed', () => {
  test('and computes nothing the second time', async () => {
    const store = new Store(await temporaryFolder());
    const encoder = { folder: await copyOf('bert') };
    const first = await embedLabels(texts, encoder, { store });
    const progress: number[] = [];
    const second = await embedLabels(texts, encoder, { store, onProgress: (done) => progress.push(done) });
    expect(second).toEqual(first);
    expect(progress).toEqual([]);
  });

  test('but not for another pooling, template, text or encoder', async () => {
    const store = new Store(await temporaryFolder());
    const encoder = { folder: await copyOf('bert') };
    const first = await embedLabels(['fox', 'dog'], encoder, { store });
    expect(await embedLabels(['fox', 'great white shark'], encoder, { store })).not.toEqual(first);
    expect(await embedLabels(['fox', 'dog'], encoder, { store, template: 'a {}' })).not.toEqual(first);
    const config = path.join(encoder.folder, 'tokenizer.json');
    await writeFile(config, (await readFile(config, 'utf8')).replace('"lowercase": true', '"lowercase": false'));
    let runs = 0;
    await embedLabels(['fox', 'dog'], encoder, { store, onProgress: () => (runs += 1) });
    expect(runs).toBeGreaterThan(0);
  });
});

test('tells how far it is', async () => {
  const progress: [number, number][] = [];
  await embedLabels(['fox', 'dog', 'cat'], { folder: folder('bert') }, { onProgress: (...at) => progress.push(at) });
  expect(progress.at(-1)).toEqual([3, 3]);
});

test('stops when it is cancelled', async () => {
  const cancel = new AbortController();
  const many = Array.from({ length: 3000 }, (_, index) => `class ${index}`);
  const embedding = embedLabels(
    many,
    { folder: folder('bert') },
    { signal: cancel.signal, onProgress: () => cancel.abort() },
  );
  await expect(embedding).rejects.toThrow(CancelledError);
  const begun = embedLabels(many, { folder: folder('bert') }, { signal: AbortSignal.abort() });
  await expect(begun).rejects.toThrow(CancelledError);
});

describe('says what is wrong with a folder', () => {
  test('without weights', async () => {
    const empty = await temporaryFolder();
    await expect(embedLabels(['fox'], { folder: empty })).rejects.toThrow(`${empty}: no text encoder here.`);
  });

  test('without tokenizer', async () => {
    const copy = await copyOf('bert');
    await rm(path.join(copy, 'tokenizer.json'));
    await expect(embedLabels(['fox'], { folder: copy })).rejects.toThrow(`${copy}: no tokenizer here.`);
  });

  test('with half of the weights', async () => {
    const copy = await copyOf('bert');
    const weights = await readFile(path.join(copy, 'model.safetensors'));
    await writeFile(path.join(copy, 'model.safetensors'), weights.subarray(0, weights.length / 2));
    await expect(embedLabels(['fox'], { folder: copy })).rejects.toThrow(path.join(copy, 'model.safetensors'));
  });

  test('with a tokenizer of more tokens than the network knows', async () => {
    const copy = await copyOf('gpt2');
    await copyFile(path.join(folder('clip'), 'tokenizer.json'), path.join(copy, 'tokenizer.json'));
    await expect(embedLabels(texts, { folder: copy })).rejects.toThrow(
      `${copy}/model.safetensors: it has embeddings for 701 tokens, and its tokenizer ${copy}/tokenizer.json gives the number 919 ("<|startoftext|>"). Put the tokenizer that it was trained with beside it.`,
    );
  });
});

function folder(name: string): string {
  return path.join(ENCODERS, name);
}

async function copyOf(name: string): Promise<string> {
  const copy = path.join(await temporaryFolder(), name);
  await mkdir(copy);
  await cp(folder(name), copy, { recursive: true });
  return copy;
}

function row({ cols, data }: FloatMatrix, index: number): number[] {
  return [...data.subarray(index * cols, (index + 1) * cols)];
}

function expectEqual(found: FloatMatrix, wanted: readonly (readonly number[])[] | undefined): void {
  expect([found.rows, found.cols]).toEqual([wanted?.length, wanted?.[0]?.length]);
  expectClose([...found.data], wanted?.flat() ?? []);
}

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  expect(Math.max(...found.map((value, at) => Math.abs(value - (wanted[at] ?? Number.NaN))))).toBeLessThan(1e-4);
}
