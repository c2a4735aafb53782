import { describe, expect, it } from 'vitest';
import { polarityFiles } from '../../../../../src/engine/datasets/layouts/polarityFiles.ts';
import { openDataset } from '../../../../../src/engine/datasets/open.ts';
import { folderWith, recogniseFolder } from '../../../../helpers/miniatures.ts';

describe('sentences in a file per class', () => {
  const sentences = (kind: string) => `a ${kind} film , "really" .\r\na ${kind} play in café here . \n`;

  it('are read with the classes that the endings tell, in Latin-1 too', async () => {
    const folder = await folderWith({
      'rt-polaritydata/rt-polarity.pos': Buffer.from(sentences('good'), 'latin1'),
      'rt-polaritydata/rt-polarity.neg': sentences('bad'),
      'rt-polaritydata.README.1.0.txt': 'About the data.',
    });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({ format: 'polarity-files', classes: ['neg', 'pos'] });
    expect(dataset.warnings).toEqual(['rt-polarity.pos is not in UTF-8, and taken for Windows-1252 (Latin-1)']);
    expect(dataset.splits.get('all')?.map(({ text, label }) => [text, dataset.classes[label]])).toEqual([
      ['a bad film , "really" .', 'neg'],
      ['a bad play in café here .', 'neg'],
      ['a good film , "really" .', 'pos'],
      ['a good play in café here .', 'pos'],
    ]);
  });

  it('are no lists of words, and need both classes', async () => {
    const words = { 'words.pos': 'good\nfine\n', 'words.neg': 'bad\n' };
    expect(await recogniseFolder(polarityFiles, await folderWith(words))).toBeUndefined();
    expect(await recogniseFolder(polarityFiles, await folderWith({ 'x.pos': sentences('good') }))).toBeUndefined();
  });

  it('are a choice where there are several', async () => {
    const files = ['custrev', 'mpqa'].flatMap((name) => [
      [`${name}.pos`, sentences('good')],
      [`${name}.neg`, sentences('bad')],
    ]);
    const dataset = await openDataset(await folderWith(Object.fromEntries(files)), 'auto');
    expect(dataset.path).toMatch(/custrev.neg$/);
    expect(dataset.warnings).toHaveLength(1);
    expect(dataset.warnings[0]).toContain('mpqa.neg');
  });
});
