import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findMentions, type Mention } from '../../../../src/extension/inline/findMentions.ts';
import type { RankingReport } from '../../../../src/protocol/report.ts';
import { makeCandidate, makeReport } from '../../../helpers/workspaceReport.ts';

const report = makeReport([
  makeCandidate('models/resnet-coarse.onnx', { architecture: 'resnet14' }),
  makeCandidate('models/cnn.onnx', { architecture: 'plain CNN' }),
  makeCandidate('models/resnet-digits.onnx', { architecture: 'resnet14' }),
]);

function found(text: string, of: RankingReport = report): [Mention['kind'], string, readonly string[]][] {
  return findMentions(text, of).map(({ kind, line, range, candidateIds }) => [
    kind,
    text.split(/\r?\n/)[line]?.slice(...range) ?? '',
    candidateIds.map((id) => id.replace(/^.*\//, '')),
  ]);
}

describe('findMentions', () => {
  test.each([
    ['a file name', "load('cnn.onnx')", 'cnn.onnx'],
    ['a path relative to the workspace', 'load("models/cnn.onnx")', 'models/cnn.onnx'],
    ['a path from elsewhere', 'load("../sample/models/cnn.onnx")', '../sample/models/cnn.onnx'],
    ['an absolute path', 'load("/w/models/cnn.onnx")', '/w/models/cnn.onnx'],
    ['Windows separators', "load(r'models\\cnn.onnx')", 'models\\cnn.onnx'],
    ['escaped Windows separators', "load('models\\\\cnn.onnx')", 'models\\\\cnn.onnx'],
    ['an f-string', "load(f'{root}/cnn.onnx')", '{root}/cnn.onnx'],
    ['a comment', "# load('cnn.onnx')", 'cnn.onnx'],
  ])('finds a checkpoint by %s', (_title, text, literal) => {
    expect(found(text)).toEqual([['checkpoint', literal, ['cnn.onnx']]]);
  });

  test('finds a distinctive name without its extension, not a mere word', () => {
    expect(found("pick('resnet-coarse')")).toEqual([['checkpoint', 'resnet-coarse', ['resnet-coarse.onnx']]]);
    expect(found("pick('cnn')")).toEqual([]);
  });

  test('needs the whole file name', () => {
    expect(found("load('xcnn.onnx'); load('cnn.onnx.bak'); load(cnn.onnx)")).toEqual([]);
  });

  test.each(["make('resnet14')", 'models.resnet14(pretrained=True)', 'ResNet14 (3)'])(
    'finds an architecture in %s, with all its checkpoints',
    (text) => {
      expect(found(text).map(([kind, , ids]) => [kind, ids])).toEqual([
        ['architecture', ['resnet-coarse.onnx', 'resnet-digits.onnx']],
      ]);
    },
  );

  test('finds an architecture only as a whole word', () => {
    expect(found("import resnet14\nresnet14x(1)\nmy_resnet14(1)\nmake('resnet14 pretrained')")).toEqual([]);
  });

  test.each([
    'data/fashion',
    './data/fashion/',
    'data/fashion/train',
    '../sample/data/fashion',
    '/w/data/fashion/test',
  ])('finds the dataset in %s', (path) => {
    expect(found(`ImageFolder("${path}")`)).toEqual([
      ['dataset', path, ['resnet-coarse.onnx', 'cnn.onnx', 'resnet-digits.onnx']],
    ]);
  });

  test.each(['data', 'data/fashion2', 'mydata/fashion', 'fashion', '/', ''])('takes %j for no dataset', (path) => {
    expect(found(`ImageFolder("${path}")`)).toEqual([]);
  });

  test('a dataset of one name is found at the start of a path only', () => {
    const single = makeReport([makeCandidate('a.onnx')], { id: 'data', path: '/w/data' });
    expect(found("x('data/train')", single)).toHaveLength(1);
    expect(found("x('other/data/train')", single)).toEqual([]);
  });

  test('a workspace that is the dataset is found by its absolute path only', () => {
    const whole = makeReport([makeCandidate('a.onnx')], { id: '.', path: '/w' });
    expect(found("x('.'); x('./'); x('./y')", whole)).toEqual([]);
    expect(found("x('/w/train')", whole)).toHaveLength(1);
  });

  test('of two files with one name it means the one whose folders match, else both', () => {
    const twins = makeReport([makeCandidate('a/model.onnx'), makeCandidate('b/model.onnx')]);
    expect(findMentions("x('b/model.onnx')", twins)[0]?.candidateIds).toEqual(['b/model.onnx']);
    expect(findMentions("x('../w/b/model.onnx')", twins)[0]?.candidateIds).toEqual(['b/model.onnx']);
    expect(findMentions("x('model.onnx')", twins)[0]?.candidateIds).toEqual(['a/model.onnx', 'b/model.onnx']);
  });

  test.each([
    'a.*onnx',
    'x(y)[z]+?.onnx',
    '$&^.onnx',
    '<img src=x onerror=alert(1)>.onnx',
    'модель 1.onnx',
    '__proto__',
  ])('takes the file name %s literally', (name) => {
    const hostile = makeReport([makeCandidate(`models/${name}`, { architecture: 'constructor' })]);
    expect(findMentions(`load("models/${name}")`, hostile).map((mention) => mention.kind)).toContain('checkpoint');
    expect(findMentions('load("abconnx", "toString", "xy.onnx")', hostile)).toEqual([]);
  });

  test('reports lines and columns, with any line ending', () => {
    expect(findMentions("a\r\nb\rx = 'cnn.onnx'\nresnet14()", report).map(({ line, range }) => [line, range])).toEqual([
      [2, [5, 13]],
      [3, [0, 8]],
    ]);
  });

  test('does not hang on, or run away with, huge text', () => {
    expect(findMentions("'cnn.onnx'\n".repeat(1_000_000), report).length).toBeLessThan(1000);
    expect(findMentions(`'${'\\'.repeat(3_000_000)}`, report)).toEqual([]);
    expect(findMentions(`${'"'.repeat(1999)}\n`.repeat(1000), report)).toEqual([]);
    expect(findMentions(`${"'\\".repeat(999)}\n`.repeat(1000), report)).toEqual([]);
  });

  test('ranges lie within their line, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('"', "'", '\\', '/', '\n', '\r', 'cnn.onnx', 'resnet14', '(', 'data/fashion', ' ')),
        (pieces) => {
          const text = pieces.join('');
          const lines = text.split(/\r\n|\r|\n/);
          for (const { line, range } of findMentions(text, report)) {
            expect(range[0]).toBeLessThan(range[1]);
            expect(range[1]).toBeLessThanOrEqual(lines[line]?.length ?? -1);
          }
        },
      ),
    );
  });
});
