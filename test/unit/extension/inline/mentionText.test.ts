import { describe, expect, test } from 'vitest';
import type { Mention } from '../../../../src/extension/inline/findMentions.ts';
import { mentionTable, mentionTitle } from '../../../../src/extension/inline/mentionText.ts';
import { makeCandidate, makeReport } from '../../../helpers/workspaceReport.ts';

const report = makeReport([
  makeCandidate('a.onnx', { score: 0.78, interval: [0.75, 0.81] }),
  makeCandidate('b.onnx', { score: 0.741, tiedWith: ['c.onnx'] }),
  makeCandidate('c.onnx', { score: 0.739, tiedWith: ['b.onnx'] }),
]);

function mention(kind: Mention['kind'], ...candidateIds: string[]): Mention {
  return { kind, line: 0, range: [0, 1], candidateIds };
}

describe('mentionTitle', () => {
  test.each([
    [mention('checkpoint', 'a.onnx'), 'EMMS: #1 of 3 · 0.78'],
    [mention('checkpoint', 'b.onnx'), 'EMMS: #2 of 3 · 0.74 (tied with 1)'],
    [mention('architecture', 'a.onnx', 'b.onnx'), 'EMMS: #1 of 3 · 0.78 · best of 2'],
    [mention('dataset', 'a.onnx', 'b.onnx', 'c.onnx'), 'EMMS: best is a (0.78) of 3'],
  ])('%#', (of, title) => {
    expect(mentionTitle(of, report)).toBe(title);
  });
});

test('scores have the digits of the ranking view, and what rounds to nothing has no sign', () => {
  const close = makeReport([makeCandidate('a.onnx', { score: -0.000001, interval: [-0.0002, 0.0002] })]);
  expect(mentionTitle(mention('checkpoint', 'a.onnx'), close)).toBe('EMMS: #1 of 1 · 0.0000');
});

describe('mentionTable', () => {
  test('has a row per candidate, with its interval and the names of its ties', () => {
    const table = mentionTable(mention('architecture', 'a.onnx', 'b.onnx'), report);
    expect(table).toContain('| 1 | a | 0.78 | 0.75 … 0.81 |  |');
    expect(table).toContain('| 2 | b | 0.74 | 0.40 … 0.60 | c |');
  });

  test('stays short', () => {
    const many = makeReport(Array.from({ length: 100 }, (_, index) => makeCandidate(`m${index}.onnx`)));
    const table = mentionTable(mention('dataset', ...many.candidates.map(({ id }) => id)), many);
    expect(table.split('\n').length).toBeLessThan(20);
    expect(table).toContain('… and 95 more');
  });

  test.each([
    ['<img src=x onerror=alert(1)>', '&lt;img src\\=x onerror\\=alert\\(1\\)\\>'],
    ['[run](command:x)', '\\[run\\]\\(command\\:x\\)'],
    ['a|b\nc', 'a\\|b c'],
    ['**bold** `code` $(zap)', '\\*\\*bold\\*\\* \\`code\\` \\$\\(zap\\)'],
    ['модель', 'модель'],
  ])('writes the name %j as text', (name, written) => {
    const hostile = makeReport([makeCandidate('x.onnx', { name })]);
    expect(mentionTable(mention('checkpoint', 'x.onnx'), hostile)).toContain(`| 1 | ${written} | 0.50 |`);
  });
});
