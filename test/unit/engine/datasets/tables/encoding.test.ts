import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { decodeText, readUtf8 } from '../../../../../src/engine/datasets/tables/encoding.ts';
import { readJsonArray } from '../../../../../src/engine/datasets/tables/json.ts';
import { linesOf } from '../../../../../src/engine/datasets/tables/lines.ts';
import { openTable } from '../../../../../src/engine/datasets/tables/rows.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import { folderWith } from '../../../../helpers/miniatures.ts';

const TEXT = 'name,label\n“naïve” 5 €,Ærø\n';
/** Of the characters in it those from 0x80 to 0x9f are where Windows-1252 differs from Latin-1. */
const WINDOWS_1252 = Buffer.from('name,label\n\x93na\xefve\x94 5 \x80,\xc6r\xf8\n', 'latin1');

function utf16(text: string, big: boolean): Buffer {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return big ? bytes.swap16() : bytes;
}

async function fileOf(name: string, content: Buffer): Promise<string> {
  return path.join(await folderWith({ [name]: content }), name);
}

async function streamed(content: Buffer, highWaterMark: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readUtf8(await fileOf('a.txt', content), { highWaterMark })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const ENCODED = [
  ['UTF-8', Buffer.from(TEXT)],
  ['Windows-1252', WINDOWS_1252],
  ['UTF-16, little end first', utf16(TEXT, false)],
  ['UTF-16, big end first', utf16(TEXT, true)],
] as const;

describe('texts', () => {
  it.each(ENCODED)('in %s are decoded at once and in pieces of any size', async (_, bytes) => {
    expect(decodeText(bytes)).toBe(TEXT);
    for (const size of [2, 3, 5, 64]) expect(await streamed(bytes, size)).toBe(TEXT);
  });

  it.each(ENCODED)('in %s are read as tables and lists', async (_, bytes) => {
    const table = await openTable(await fileOf('a.csv', bytes));
    expect(table?.columns).toEqual(['name', 'label']);
    for await (const { values } of table?.rows(['name', 'label']) ?? []) {
      expect(values).toEqual({ name: '“naïve” 5 €', label: 'Ærø' });
    }
    expect(await linesOf(await fileOf('a.txt', bytes))).toEqual(TEXT.trim().split('\n'));
  });

  it('in UTF-16 and in Windows-1252 are read as JSON', async () => {
    for (const bytes of [utf16('["Ærø"]', false), Buffer.from('["\xc6r\xf8"]', 'latin1')]) {
      const values: unknown[] = [];
      for await (const batch of readJsonArray(await fileOf('a.json', bytes)))
        values.push(...batch.map(({ value }) => value));
      expect(values).toEqual(['Ærø']);
    }
  });

  it('in UTF-8 stay so where a few characters are damaged, and lose one that is cut', () => {
    const damaged = Buffer.concat([Buffer.from('é, ü, 猫'), Buffer.from([0xc3, 0x2c]), Buffer.from('ö')]);
    expect(decodeText(damaged)).toBe('é, ü, 猫\uFFFD,ö');
    expect(decodeText(Buffer.from('é猫').subarray(0, -1))).toBe('é');
  });

  it('whose only character beyond ASCII is the last byte are in Windows-1252', async () => {
    const bytes = Buffer.from('caf\xe9', 'latin1');
    expect(decodeText(bytes)).toBe('café');
    expect(await streamed(bytes, 4)).toBe('café');
    expect(await streamed(bytes, 64)).toBe('café');
  });

  it('that hold nothing are empty', async () => {
    expect(decodeText(Buffer.alloc(0))).toBe('');
    expect(await streamed(Buffer.alloc(0), 64)).toBe('');
  });

  it('that are taken for Windows-1252 are told where a dataset is read, and listed', async () => {
    const latin = (text: string) => Buffer.from(text, 'latin1');
    const folder = await folderWith({
      'a/train.csv': latin('text,label\nUn café,x\nUn thé,y\n'),
      'a/test.csv': 'text,label\nUn café,x\nUn thé,y\n',
      'b/train/x/1.txt': latin('Un café'),
      'b/train/x/2.txt': latin('Un thé'),
      'b/train/y/1.txt': 'Un thé',
      'b/train/y/2.txt': 'Tea',
    });
    const remark = 'not in UTF-8, and taken for Windows-1252 (Latin-1)';
    const { warnings } = await openDataset(path.join(folder, 'a'), 'auto');
    expect(warnings).toEqual([`train.csv is ${remark}`]);
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map(({ reason }) => reason.split('; ')[1])).toEqual([
      `train.csv is ${remark}`,
      `2 files, train/x/1.txt among them, are ${remark}`,
    ]);
    await writeFile(path.join(folder, 'a/train.csv'), 'text,label\nUn café,x\nUn thé,y\n');
    expect((await openDataset(path.join(folder, 'a'), 'auto')).warnings).toEqual([]);
  });
});
