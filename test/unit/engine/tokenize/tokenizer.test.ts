import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadTokenizer } from '../../../../src/engine/tokenize/tokenizer.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const ENCODERS = path.join(import.meta.dirname, '../../../fixtures/encoders');
const ids = z.array(z.int());
const { texts, ...fixture } = z
  .object({
    texts: z.array(z.string()),
    ids: z.record(z.string(), z.array(ids)),
    pair: z.tuple([z.string(), z.string()]),
    limits: z.array(z.int()),
    pairs: z.record(z.string(), z.array(z.object({ input_ids: ids, token_type_ids: ids.optional() }))),
  })
  .parse(JSON.parse(gunzipSync(readFileSync(path.join(ENCODERS, 'tokens.json.gz'))).toString('utf8')));

describe('tokenizers', () => {
  it.each(Object.entries(fixture.ids))('%s gives Python’s ids for strings in many scripts', async (name, expected) => {
    const tokenizer = await loadTokenizer(path.join(ENCODERS, name));
    const wrong = expected.flatMap((wanted, index) => {
      const text = texts[index] ?? '';
      const tokens = tokenizer.tokenize([text], 100_000);
      return JSON.stringify(tokens.ids) === JSON.stringify(wanted) || (wanted.length === 0 && tokens.ids.length === 1)
        ? []
        : [text];
    });
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(fixture.pairs))('%s cuts pairs as Python does', async (name, expected) => {
    const tokenizer = await loadTokenizer(path.join(ENCODERS, name));
    for (const [index, limit] of fixture.limits.entries()) {
      expect(tokenizer.tokenize(fixture.pair, limit).ids).toEqual(expected[index]?.input_ids);
    }
  });

  it('fills a batch up to its longest text', async () => {
    const tokenizer = await loadTokenizer(path.join(ENCODERS, 'bert'));
    const batch = tokenizer.encode([['fox'], ['a fox and a dog']], { maxTokens: 40 });
    expect(batch.rows).toBe(2);
    expect([...batch.mask.slice(0, batch.length)].filter((value) => value === 1).length).toBeLessThan(batch.length);
    expect([...batch.mask.slice(batch.length)].every((value) => value === 1)).toBe(true);
  });

  it('says what is missing', async () => {
    const folder = await temporaryFolder();
    await expect(loadTokenizer(folder)).rejects.toThrow(folder);
    await mkdir(path.join(folder, 'bad'));
    await writeFile(path.join(folder, 'bad/tokenizer.json'), '{"model": 3}');
    await expect(loadTokenizer(path.join(folder, 'bad'))).rejects.toThrow('tokenizer.json');
  });
});
