import { readFileSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { loadTokenizer } from '../../../../src/engine/tokenize/tokenizer.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const ENCODERS = path.resolve('test/fixtures/encoders');
const ids = z.array(z.int());
const {
  texts,
  ids: expectedIds,
  pair,
  limits,
  pairs,
} = z
  .object({
    texts: z.array(z.string()),
    ids: z.record(z.string(), z.array(ids)),
    pair: z.tuple([z.string(), z.string()]),
    limits: z.array(z.int()),
    pairs: z.record(z.string(), z.array(z.object({ input_ids: ids, token_type_ids: ids.optional() }))),
  })
  .parse(JSON.parse(gunzipSync(readFileSync(path.join(ENCODERS, 'tokens.json.gz'))).toString('utf8')));

describe.each(['bert', 'bert-cased', 'roberta', 'gpt2', 'clip'])('%s', (name) => {
  const expected = expectedIds[name] ?? [];

  test('splits 1,000 strings in many scripts as Python does', async () => {
    await expectPythonsIds(path.join(ENCODERS, name), expected);
  });

  test('splits them so from the vocabulary alone', async () => {
    await expectPythonsIds(await withoutTokenizerJson(name), expected);
  });
});

test('cuts pairs as Python does, the longer text first', async () => {
  for (const [name, cut] of Object.entries(pairs)) {
    const tokenizer = await loadTokenizer(path.join(ENCODERS, name));
    for (const [index, limit] of limits.entries()) {
      const tokens = tokenizer.tokenize(pair, limit);
      expect(tokens.ids).toEqual(cut[index]?.input_ids);
      const typeIds = cut[index]?.token_type_ids;
      if (typeIds) expect(tokens.typeIds).toEqual(typeIds);
    }
  }
});

test('cuts at the end and keeps the special tokens', async () => {
  const tokenizer = await loadTokenizer(path.join(ENCODERS, 'bert'));
  const whole = tokenizer.tokenize(['great white shark'], 40).ids;
  expect(tokenizer.tokenize(['great white shark'], 4).ids).toEqual([...whole.slice(0, 3), whole.at(-1)]);
});

test('fills a batch up to its longest text', async () => {
  const tokenizer = await loadTokenizer(path.join(ENCODERS, 'bert'));
  const batch = tokenizer.encode([['fox'], ['great white shark', 'in the sea']], { maxTokens: 40 });
  const [short, long] = [tokenizer.tokenize(['fox'], 40), tokenizer.tokenize(['great white shark', 'in the sea'], 40)];
  const padding = long.ids.length - short.ids.length;
  expect(batch.rows).toBe(2);
  expect(batch.length).toBe(long.ids.length);
  expect([...batch.ids]).toEqual([...short.ids, ...new Array(padding).fill(0), ...long.ids]);
  expect([...batch.mask]).toEqual([...short.ids.map(() => 1), ...new Array(padding).fill(0), ...long.ids.map(() => 1)]);
  expect([...batch.typeIds]).toEqual([...new Array(batch.length).fill(0), ...long.typeIds]);
  expect(long.typeIds).toContain(1);
});

test('pads GPT-2 and CLIP with their end-of-text token, and gives an empty text one', async () => {
  const gpt2 = await loadTokenizer(path.join(ENCODERS, 'gpt2'));
  const end = gpt2.tokenize(['<|endoftext|>'], 40).ids[0];
  expect(gpt2.tokenize([''], 40).ids).toEqual([end]);
  expect(gpt2.encode([['fox'], ['']], { maxTokens: 40 }).ids.at(-1)).toBe(end);
  const clip = await loadTokenizer(path.join(ENCODERS, 'clip'));
  const [, clipEnd] = clip.tokenize([''], 24).ids;
  expect(clip.encode([['fox'], ['']], { maxTokens: 24 }).ids.at(-1)).toBe(clipEnd);
});

test('takes half of a surrogate pair for a replacement character', async () => {
  const tokenizer = await loadTokenizer(path.join(ENCODERS, 'gpt2'));
  expect(tokenizer.tokenize(['a\ud83d b'], 40)).toEqual(tokenizer.tokenize(['a\ufffd b'], 40));
});

test('names what is missing or broken', async () => {
  const folder = await temporaryFolder();
  await expect(loadTokenizer(folder)).rejects.toThrow(`${folder}: no tokenizer here. Put the network's tokenizer.json`);
  const file = path.join(folder, 'tokenizer.json');
  await writeFile(file, '{"model": ');
  await expect(loadTokenizer(folder)).rejects.toThrow(`${file}: not the JSON of a tokenizer`);
  await writeFile(file, '{"model": {"type": "Abacus"}}');
  await expect(loadTokenizer(folder)).rejects.toThrow(`${file}: the tokenizer can't be read`);
});

test.each([
  'tokenizer.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'tokenizer_config.json',
  'special_tokens_map.json',
])('reads no %s that is larger than any tokenizer', async (name) => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'vocab.json'), '{"a": 0}');
  const file = path.join(folder, name);
  await writeFile(file, '');
  await truncate(file, 64 * 1024 * 1024 + 1);
  await expect(loadTokenizer(folder)).rejects.toThrow(
    `${file}: larger than any file of a tokenizer (67108865 bytes). Use`,
  );
});

async function expectPythonsIds(folder: string, expected: readonly (readonly number[])[]): Promise<void> {
  expect(expected.length).toBeGreaterThanOrEqual(100);
  const tokenizer = await loadTokenizer(folder);
  const different = expected
    .map((ids, index) => ({ text: texts[index] ?? '', ids }))
    .filter(
      ({ text, ids }) =>
        !isEqual(tokenizer.tokenize([text], 10_000).ids, text === '' && ids.length === 0 ? undefined : ids),
    );
  expect(different.map(({ text, ids }) => ({ text, ids, found: tokenizer.tokenize([text], 10_000).ids }))).toEqual([]);
}

/** @param expected undefined where Python has no tokens at all, which become one padding token here */
function isEqual(found: readonly number[], expected: readonly number[] | undefined): boolean {
  return expected === undefined
    ? found.length === 1
    : found.length === expected.length && found.every((id, at) => id === expected[at]);
}

/** The files that a snapshot from before tokenizer.json has. */
async function withoutTokenizerJson(name: string): Promise<string> {
  const source = path.join(ENCODERS, name);
  const folder = path.join(await temporaryFolder(), name);
  await mkdir(folder);
  const { model } = z
    .object({
      model: z.object({
        vocab: z.record(z.string(), z.int()),
        merges: z.array(z.tuple([z.string(), z.string()])).optional(),
      }),
    })
    .parse(JSON.parse(await readFile(path.join(source, 'tokenizer.json'), 'utf8')));
  if (model.merges) {
    await writeFile(path.join(folder, 'vocab.json'), JSON.stringify(model.vocab));
    const lines = ['#version: 0.2', ...model.merges.map((merge) => merge.join(' ')), ''];
    await writeFile(path.join(folder, 'merges.txt'), lines.join('\n'));
  } else {
    const tokens = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
    await writeFile(path.join(folder, 'vocab.txt'), tokens.map(([token]) => `${token}\n`).join(''));
  }
  if (name === 'bert-cased') await writeFile(path.join(folder, 'tokenizer_config.json'), '{"do_lower_case": false}');
  return folder;
}
