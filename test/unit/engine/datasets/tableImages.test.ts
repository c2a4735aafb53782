import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/engine/datasets/open.ts';
import { classNames, folderWith, miniature, splitSizes } from '../../../helpers/miniatures.ts';
import { found, opened, PNG, TWO, textsOf } from '../../../helpers/tables.ts';

describe('texts beside images', () => {
  it('are captions, one for each, in folders of splits, too', async () => {
    const files = {
      'train/a.png': PNG,
      'train/a.TXT': 'A dog, on the grass.\n',
      'train/b.png': PNG,
      'train/b.txt': '',
    };
    const more = {
      'train/c.png': PNG,
      'train/c.txt': 'Two men on a bench.',
      'val/a.png': PNG,
      'val/a.txt': 'A cat on the roof.',
    };
    const dataset = await opened({ ...files, ...more, 'val/b.png': PNG, 'val/b.txt': 'Zwölf Männer auf einem Boot' });
    expect(splitSizes(dataset)).toEqual({ train: 2, val: 2 });
    expect(textsOf(dataset, 'train')).toEqual(['A dog, on the grass.', 'Two men on a bench.']);
    expect(dataset.splits.get('val')?.[1]?.id).toBe('val/b.png#0');
    expect(dataset.warnings).toEqual(['1 of 5 rows are empty or can’t be read; the first: train/b.txt']);
  });

  it('are none where they hold boxes, or most images have none', async () => {
    const boxes = '0 0.5 0.5 0.1 0.2\n';
    expect(await found({ 'a.png': PNG, 'a.txt': boxes, 'b.png': PNG, 'b.txt': boxes })).toEqual([]);
    const [dog, cat] = ['A dog on the grass.', 'A cat on the roof.'];
    expect(await found({ ...TWO, 'a.png': PNG, 'a.txt': dog, 'b.png': PNG, 'b.txt': cat })).toEqual([]);
  });
});

describe('images in tables', () => {
  it('are captioned where a question asks for it, in lists, and in lists that CSV has as texts', async () => {
    const answers = await openDataset(miniature('COCO-Caption'), 'auto');
    expect(answers.splits.get('val')?.[2]?.target).toEqual({ kind: 'text', text: expect.stringContaining(' ') });
    const lists = await opened({
      ...TWO,
      'a.csv': 'raw,filename\n"[""A dog."", ""A \u00e9.""]",a.png\n[sic] one,b.png\n',
    });
    expect(textsOf(lists)).toEqual(['A dog.', 'A é.', '[sic] one']);
    const python = String.raw`['A dog.', "It's \"on\".", 'One\nmore']`.replaceAll('"', '""');
    const printed = await opened({ ...TWO, 'a.csv': `image,captions\na.png,"${python}"\n` });
    expect(textsOf(printed)).toEqual(['A dog.', 'It\'s "on".', 'One more']);
  });

  it('are captioned without a header, in several columns, and in several rows', async () => {
    const bare =
      'a.png,A child, a ball and a dog .\na.png,A dog runs on the grass .\nb.png,"A sign, ""stop"", is red ."\n';
    const dataset = await opened({ ...TWO, 'captions.csv': bare });
    expect(dataset.task).toBe('image-captioning');
    expect(textsOf(dataset)).toEqual([
      'A child, a ball and a dog .',
      'A dog runs on the grass .',
      'A sign, "stop", is red .',
    ]);
    const columns = await opened({ ...TWO, 'a.csv': 'image,caption_0,caption_1\na.png,One.,Two.\nb.png,Three.,\n' });
    expect(textsOf(columns)).toEqual(['One.', 'Two.', 'Three.']);
  });

  it('are asked about without a header', async () => {
    const dataset = await opened({ ...TWO, 'train.tsv': 'a.png\tIs it red?\tyes\nb.png\tIs it blue?\tno\n' });
    expect(dataset).toMatchObject({ task: 'visual-question-answering', classes: ['no', 'yes'] });
  });

  describe.each(['a file for each split', 'a column for the splits'])(
    'that are called the same in each split, by %s',
    (by) => {
      it('are those of their own split, or missing', async () => {
        const names = ['1.png', '2.png', '3.png'];
        const row = (split: string) => (name: string) => `${name},${split} ${name},${split}`;
        const rows = (split: string) => ['image,caption,split', ...names.map(row(split))];
        const images = ['test/1.png', 'test/2.png', 'test/3.png', 'train/2.png', 'train/3.png'];
        const tables =
          by === 'a file for each split'
            ? { 'train.csv': rows('train').join('\n'), 'test.csv': rows('test').join('\n') }
            : { 'list.csv': [...rows('train'), ...rows('test').slice(1)].join('\n') };
        const folder = await folderWith({ ...Object.fromEntries(images.map((name) => [`i/${name}`, PNG])), ...tables });
        const { splits, warnings } = await openDataset(folder, 'auto');
        const found = [...splits.values()].flat().map(({ file, target }) => [path.relative(folder, file), target]);
        expect(found).toHaveLength(5);
        for (const [file, target] of found) {
          expect(target).toEqual({ kind: 'text', text: String(file).slice(2).replace('/', ' ') });
        }
        expect(warnings[0]).toContain('1 of 6 rows name images that are not there');
      });
    },
  );

  it('lie as deep and in as many folders as they like', async () => {
    const names = Array.from({ length: 80 }, (_, n) => `${n}.png`);
    const deep = names.map((name, n) => [`a/b/c/d/${n}/${name}`, PNG] as const);
    const table = ['image,caption', ...names.map((name) => `${name},about ${name}`)].join('\n');
    const dataset = await opened({ ...Object.fromEntries(deep), 'list.csv': table });
    expect(dataset.splits.get('all')?.map(({ file }) => path.basename(file))).toEqual(names);
  });

  it('are not asked about but captioned where every row asks for a description', async () => {
    const row = (answer: string[]) => JSON.stringify({ image: 'a.png', question: 'Describe it.', answer });
    const rows = (answer: (n: number) => string[]) => Array.from({ length: 10 }, (_, n) => row(answer(n))).join('\n');
    expect(await found({ ...TWO, 'val.jsonl': rows((n) => [`text ${n}`]), 'test.jsonl': rows(() => []) })).toEqual([
      ['', 'image-captioning'],
    ]);
    expect(await found({ ...TWO, 'val.jsonl': rows((n) => [`class ${n % 2}`]) })).toEqual([
      ['', 'visual-question-answering'],
    ]);
  });

  it('have the answers of most weight', async () => {
    const label = (ids: string[], weights: number[]) => ({
      image: 'a.png',
      question: 'How many?',
      label: { ids, weights },
    });
    const rows = [label(['1', '2'], [0.3, 1]), label(['1'], [0.6]), label([], [])];
    const dataset = await opened({ ...TWO, 'train.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') });
    expect(classNames(dataset, 'train')).toEqual(['2', '1']);
  });

  it('are captioned in lists of raw sentences, and beside the boxes of what is in them', async () => {
    const row = { image: 'a.png', sentences_tokens: [['a'], ['b']], sentences_raw: ['A.', 'B.'] };
    expect(textsOf(await opened({ ...TWO, 'train.jsonl': JSON.stringify(row) }), 'train')).toEqual(['A.', 'B.']);
    const boxed = {
      image: 'a.png',
      captions: ['Two cats.', 'Cats.'],
      boxes: [{ category: 'cat', bbox: [0, 0, 4, 4] }],
    };
    expect(textsOf(await opened({ ...TWO, 'train.jsonl': JSON.stringify(boxed) }), 'train')).toEqual([
      'Two cats.',
      'Cats.',
    ]);
  });

  it('have names of their own in every row', async () => {
    const rows = ['a.png,One.', 'a.png,One.', 'a.png,One.'];
    const csv = `file_name,text\n${rows.join('\n')}\n`;
    const dataset = await opened({ ...TWO, 'train/metadata.csv': csv, 'test/metadata.csv': csv });
    expect(splitSizes(dataset)).toEqual({ test: 3, train: 3 });
  });

  it('with texts and classes are left to these', async () => {
    const dataset = await opened({ ...TWO, 'a.csv': 'image,text,label\na.png,Ha.,1\nb.png,Ho.,0\n' });
    expect(dataset.task).toBe('image-classification');
    expect(dataset.warnings[0]).toContain('it can also be read as text-classification');
  });

  it('are not seen in a table that names none', async () => {
    const files = { ...TWO, 'a.csv': 'file,sentence,width\nx.txt,One.,1\ny.txt,Two.,2\n' };
    expect(await found(files)).toEqual([]);
  });
});
