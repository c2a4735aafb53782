import { describe, expect, it } from 'vitest';
import { listedIn } from '../../../../../src/engine/datasets/tables/pythonLiterals.ts';

describe('listedIn', () => {
  it.each([
    [`['a', "it's", 'b\\'s\\nline']`, ['a', "it's", "b's line"]],
    ['["a", 1, null]', ['a', 1, null]],
    ['[0, 1.5, True, None]', [0, 1.5, true, null]],
    [`['a' 'b, c'\n 'd']`, ['a', 'b, c', 'd']],
    [`[array(['a)'], dtype=object), array([], dtype='<U1')]`, [['a)'], []]],
    [
      `{'text': array(['None'], dtype=object), 'answer_start': array([515], dtype=int32)}`,
      { text: ['None'], answer_start: [515] },
    ],
    ['[]', []],
  ])('reads %s', (text, value) => {
    expect(listedIn(` ${text}`)).toEqual(value);
  });

  it.each(['a', '[sic] a text', '[deleted]', '{x}', "['a'", `[${'"a", '.repeat(20_000)}"a"]`, "['a', b]", '17'])(
    'takes %.20s for what it is',
    (text) => {
      expect(listedIn(text)).toBeUndefined();
    },
  );
});
