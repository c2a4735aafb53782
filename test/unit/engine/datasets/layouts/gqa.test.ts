import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../../../src/engine/datasets/open.ts';
import { folderWith, miniature, splitSizes } from '../../../../helpers/miniatures.ts';

const IMAGE = await readFile(miniature('captions-jsonl/images/0.png'));

const question = (imageId: string, text: string, answer?: string) => ({
  semantic: [{ operation: 'select', dependencies: [], argument: 'sky (2486325), {"x"}' }],
  question: text,
  imageId,
  ...(answer !== undefined && { answer, fullAnswer: `Yes, it is ${answer}.` }),
});

describe('GQA', () => {
  it('is questions by their ids, about images by their numbers', async () => {
    const folder = await folderWith({
      'questions1.2/train_balanced_questions.json': `\uFEFF${JSON.stringify({
        '02930152': question('2354786', 'Is the "sky" dark?', 'yes'),
        '7': question('n161313', 'What is it, \\ or \\"?', 'hat'),
        '8': question('n161313', 'Where?'),
        '9': question('12', 'Is it there?', 'no'),
      })}`,
      'questions1.2/val_balanced_questions.json': JSON.stringify({ a: question('2354786', 'Wo?', 'là') }, null, 2),
      'questions1.2/test_balanced_questions.json': JSON.stringify({ b: question('2354786', 'Wo?') }),
      'images/2354786.jpg': IMAGE,
      'images/n161313.jpg': IMAGE,
    });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({
      format: 'gqa',
      task: 'visual-question-answering',
      classes: ['hat', 'là', 'yes'],
    });
    expect(dataset.warnings).toEqual([
      '1 of 5 rows have no answer; the first: train_balanced_questions.json:2',
      '1 of 5 rows name images that are not there; the first: train_balanced_questions.json:3: 12',
    ]);
    expect(splitSizes(dataset)).toEqual({ train: 2, val: 1 });
    const samples = [...dataset.splits.values()].flat();
    expect(samples.map(({ id, text, label }) => [id, text, dataset.classes[label]]).sort()).toEqual([
      ['images/2354786.jpg#02930152', 'Is the "sky" dark?', 'yes'],
      ['images/2354786.jpg#a', 'Wo?', 'là'],
      ['images/n161313.jpg#7', 'What is it, \\ or \\"?', 'hat'],
    ]);
  });

  it('tells where a file of it is damaged', async () => {
    const whole = JSON.stringify({ a: question('1', 'Is it?', 'yes'), b: question('1', 'Is it?', 'no') });
    for (const [text, reason] of [
      [whole.slice(0, -9), 'it ends early'],
      [`[${whole}]`, 'it holds no object'],
      [whole.replace('"no"', 'no'), 'not JSON after entry 1'],
      [`{"a": ${'['.repeat(300)}`, 'nested more than 256 deep'],
      [`{"a": "${'x'.repeat(66 * 1024 * 1024)}"`, 'entry 1 takes more than 64 MB; split it.'],
    ] as const) {
      const files = { 'train_balanced_questions.json': text, 'images/1.jpg': IMAGE };
      await expect(openDataset(await folderWith(files), 'auto')).rejects.toThrow(reason);
    }
  });

  it('streams a file of many members', async () => {
    const many = Array.from({ length: 20_000 }, (_, id) => [
      `q${id}`,
      question('1', `Is it ${id}?`, id % 2 ? 'yes' : 'no'),
    ]);
    const files = { 'val_all_questions.json': JSON.stringify(Object.fromEntries(many)), 'images/1.jpg': IMAGE };
    const dataset = await openDataset(await folderWith(files), 'auto');
    expect(dataset.splits.get('val')?.map(({ text }) => text)).toEqual(many.map((_, id) => `Is it ${id}?`));
  });
});
