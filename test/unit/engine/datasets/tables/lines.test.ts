import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../../../src/engine/datasets/tables/lines.ts';
import { fileOf } from '../../../../helpers/tables.ts';

describe('linesOf', () => {
  it('gives lines without breaks, mark and empty ones', async () => {
    expect(await linesOf(await fileOf('\uFEFFone \r\n\r\n  \ntwo\nthree'))).toEqual(['one', 'two', 'three']);
  });
});
