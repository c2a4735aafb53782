import { parse } from 'csv-parse';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowParser } from '../../../../../src/engine/datasets/tables/rowParser.ts';

const LONGEST = 40;

function parserOf(delimiter: string) {
  return parse({
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    quote: delimiter === '\t' ? null : '"',
    relax_quotes: true,
    relax_column_count: true,
  });
}

/** The rows of bytes that come in pieces. */
async function rowsOf(bytes: Buffer, cuts: readonly number[], delimiter: string): Promise<string[][]> {
  const parser = new RowParser(delimiter, LONGEST, parserOf(delimiter));
  const rows: string[][] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    parser.write(bytes.subarray(start, cut));
    for (let cells = parser.read(); cells !== null; cells = parser.read()) rows.push(cells);
    start = cut;
  }
  parser.end();
  for await (const cells of parser) rows.push(cells);
  return rows;
}

describe('RowParser', () => {
  it('gives the rows that csv-parse gives, wherever the bytes are cut and quotes begin', async () => {
    const part = fc.constantFrom('a', 'é', '猫', ' ', ',', '\t', '\n', '\r', '\r\n', 'x'.repeat(LONGEST));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', '\uFEFF'),
        fc.array(part, { maxLength: 60 }),
        fc.array(fc.constantFrom('a', ',', '\n', '"b"', '"c,\n"', 'd"', '\t'), { maxLength: 20 }),
        fc.constantFrom(',', '\t'),
        fc.array(fc.nat(), { maxLength: 5 }),
        async (mark, start, end, delimiter, numbers) => {
          // A quote that is never closed is refused, by csv-parse in either way.
          const bytes = Buffer.from([mark, ...start, ...end].join(''));
          const expected: string[][] = [];
          const whole = parserOf(delimiter);
          whole.end(bytes);
          let problem: unknown;
          try {
            for await (const cells of whole) expected.push(cells);
          } catch (error) {
            problem = error;
          }
          const read = rowsOf(
            bytes,
            numbers.map((number) => number % (bytes.length + 1)),
            delimiter,
          );
          if (problem) await expect(read).rejects.toThrow('Quote Not Closed');
          else expect(await read).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([',', '\t'])('splits at each byte of a character and of line breaks, with %j', async (delimiter) => {
    const bytes = Buffer.from(`\uFEFFé,猫\tb\r\n\r\n,,\n\r1\r2\r`);
    const whole = await rowsOf(bytes, [], delimiter);
    expect(whole).toHaveLength(6);
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(await rowsOf(bytes, [cut], delimiter)).toEqual(whole);
  });
});
