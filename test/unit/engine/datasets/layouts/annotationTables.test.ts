import { cp, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { classFolders } from '../../../../../src/engine/datasets/layouts/classFolders.ts';
import { LAYOUTS } from '../../../../../src/engine/datasets/layouts.ts';
import { chooseSplit, findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import {
  classNames,
  copyOfMiniature,
  folderWith,
  miniature,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../../helpers/miniatures.ts';
import { found, opened, PNG, TWO, textsOf } from '../../../../helpers/tables.ts';

/** Format, task, names of the classes and samples per split of each miniature. */
const MINIATURES: Readonly<
  Record<string, [format: string, task: string, classes: string[], splits: Record<string, number>]>
> = {
  imdb: ['text-table', 'text-classification', ['neg', 'pos'], { test: 4, train: 10 }],
  'sms-spam': ['text-table', 'text-classification', ['false', 'true'], { test: 2, train: 6 }],
  rotten_tomatoes: ['text-table', 'text-classification', ['neg', 'pos'], { train: 6 }],
  ag_news_csv: [
    'text-table',
    'text-classification',
    ['World', 'Sports', 'Business', 'Sci/Tech'],
    { test: 4, train: 12 },
  ],
  'captions-parquet': ['caption-table', 'image-captioning', [], { train: 8 }],
  'captions-imagefolder': ['caption-table', 'image-captioning', [], { test: 4, train: 4 }],
  'vqa-paths': ['question-table', 'visual-question-answering', ['no', 'yes'], { train: 6 }],
  'VizWiz-VQA': ['question-table', 'visual-question-answering', ['ale', 'soup'], { val: 6 }],
  'COCO-Caption': ['caption-table', 'image-captioning', [], { val: 8 }],
  RefCOCO: ['expression-table', 'referring-expression-comprehension', [], { testA: 6, val: 6 }],
  'caption-files': ['caption-files', 'image-captioning', [], { all: 8 }],
  trec: ['trec', 'text-classification', ['DESC', 'ENTY', 'HUM', 'NUM'], { test: 4, train: 8 }],
  'flickr30k-parquet': ['caption-table', 'image-captioning', [], { test: 2, train: 4, val: 2 }],
  squad_v2: ['passage-table', 'text-question-answering', [], { train: 6, validation: 3 }],
};

describe('tables of annotations', () => {
  it('hold answers as pandas prints those of SQuAD into CSV', async () => {
    const cells = [
      `{'text': array(['An\\'s, first', 'other'], dtype=object), 'answer_start': array([5, 9], dtype=int32)}`,
      `{'text': ['a ""quoted"" one'], 'answer_start': [5]}`,
      `{'text': array([], dtype=object), 'answer_start': array([], dtype=int32)}`,
    ];
    const rows = cells.map((cell, row) => `${row},Some passage,What is it?,"${cell}"`);
    const dataset = await opened({ 'train.csv': ['id,context,question,answers', ...rows].join('\n') });
    expect(dataset.task).toBe('text-question-answering');
    expect(textsOf(dataset, 'train')).toEqual([`An's, first`, 'a "quoted" one', 'unanswerable']);
  });

  it('may have a column for each class of a text, as in Jigsaw and GoEmotions', async () => {
    const marked = ['1,0,0', '0,0,0', '0,1,1', ...Array<string>(80).fill('1,0,0'), '0,0,0.5'];
    const rows = marked.map((marks, row) => `00${row},"Some ""text"", ${row}",u${row},${row % 3},${row % 2},${marks}`);
    const dataset = await opened({
      'train.csv': ['id,comment_text,author,rater_id,is_reply,toxic,obscene,threat', ...rows].join('\r\n'),
      'test.csv': 'id,comment_text\n1,x\n',
      'test_labels.csv': 'id,toxic,obscene,threat\n1,-1,-1,-1\n',
    });
    expect(dataset).toMatchObject({ format: 'text-table', classes: ['obscene', 'threat', 'toxic'] });
    expect(dataset.splits.get('train')?.map(({ text, labels }) => [text, labels])).toEqual([
      ['Some "text", 0', [2]],
      ['Some "text", 2', [0, 1]],
      ...Array.from({ length: 80 }, (_, row) => [`Some "text", ${row + 3}`, [2]]),
    ]);
    expect(dataset.warnings).toEqual(['2 of 84 rows have no class; the first: train.csv:3']);
    expect(await found({ 'a.csv': 'text,is_a,has_b,is_c\nsome words here,0,1,0\nother words,1,0,0\n' })).toEqual([]);
  });

  it('have their classes’ names from dataset_infos.json, where all configurations agree', async () => {
    const info = (...names: string[]) => ({
      features: { text: { _type: 'Value' }, label: { names, _type: 'ClassLabel' } },
    });
    const rows = { 'data/train.csv': 'text,label\nsome words here,0\nother words here,1\n', 'README.md': '# Words\n' };
    const agreed = JSON.stringify({ a: info('neg', 'pos'), b: info('neg', 'pos') });
    expect((await opened({ ...rows, 'dataset_infos.json': agreed })).classes).toEqual(['neg', 'pos']);
    const different = JSON.stringify({ a: info('neg', 'pos'), b: info('no', 'yes') });
    expect((await opened({ ...rows, 'dataset_infos.json': different })).classes).toEqual(['0', '1']);
  });

  it('are pairs of texts as in MRPC, and phrases as in Rotten Tomatoes', async () => {
    const pairs = await opened({
      'train.tsv':
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t702\t703\tHe said "no\tNo, he said\r\n0\t1\t2\tOne\tTwo\r\n',
    });
    expect(pairs).toMatchObject({ format: 'text-table', classes: ['0', '1'] });
    expect(pairs.splits.get('train')?.map(({ text, context, label }) => [text, context, label])).toEqual([
      ['He said "no', 'No, he said', 1],
      ['One', 'Two', 0],
    ]);
    const phrases = await opened({
      'train.tsv': 'PhraseId\tSentenceId\tPhrase\tSentiment\n1\t1\tA "series of\t1\n2\t1\tA series\t2\n',
      'test.tsv': 'PhraseId\tSentenceId\tPhrase\n3\t2\tAn\n',
    });
    expect(phrases.classes).toEqual(['1', '2']);
    expect(textsOf(phrases, 'train')).toEqual(['A "series of', 'A series']);
  });

  it('tell their splits where words stand together', async () => {
    const rows = 'review\trating\nsome words here\t9\nother words here\t1\nmore words here\t9\n';
    const dataset = await opened({
      'drugsComTrain_raw.tsv': rows,
      'drugsComTest_raw.tsv': rows,
      'testers.tsv': 'a\tb\n',
    });
    expect(splitSizes(dataset)).toEqual({ train: 3, test: 3 });
  });

  it('are of one dataset where the one is to train on and the other to evaluate', async () => {
    const rows = 'question,answer,image_id\n"what, is it",lamp,a\nwhere is it,"book, desk",b\n';
    const dataset = await opened({ 'data_train.csv': rows, 'data_eval.csv': rows, ...TWO });
    expect(splitSizes(dataset)).toEqual({ eval: 2, train: 2 });
    expect(dataset.warnings).toEqual([]);
  });

  it('may tell answers by their place among the choices, as ScienceQA and MMMU do', async () => {
    const rows = [
      { image: 'a.png', question: 'What is it?', choices: ['a cat', 'a dog'], answer: 1 },
      { image: 'b.png', question: 'Where is it?', choices: "['here', 'there']", answer: 'A' },
      { image: 'b.png', question: 'How many are there?', choices: [], answer: 2 },
    ];
    const dataset = await opened({ 'validate.jsonl': rows.map((row) => JSON.stringify(row)).join('\n'), ...TWO });
    expect(dataset.task).toBe('visual-question-answering');
    expect(classNames(dataset, 'validate')).toEqual(['a dog', 'here', '2']);
  });

  it('may be an object of JSON by the names of images, with a caption, some, or members for each', async () => {
    for (const [name, said] of [
      ['images/a.png', ['a "text" of words', '一只猫坐在桌子上面睡觉']],
      ['images/a.png', 'a text of some words'],
      ['images/a.png', { caption: 'words', split: 'val' }],
      ['images/a.jfif', 'a text of some words'],
    ] as const) {
      const dataset = await opened({
        'captions.json': JSON.stringify({ [name]: said, 'b.png': said }, null, 1),
        [name]: 'an image',
        ...TWO,
      });
      expect(dataset).toMatchObject({ task: 'image-captioning', warnings: [] });
      const texts = typeof said === 'string' ? [said] : 'caption' in said ? [said.caption] : said;
      expect(textsOf(dataset, texts[0] === 'words' ? 'val' : 'all')).toEqual([...texts, ...texts]);
    }
  });

  it('may be a list for each split in an object', async () => {
    const row = (text: string, label: string) => ({ text, label });
    const lists = {
      validation: [row('words to validate', 'a')],
      train: [row('a text, here', 'a'), row('another text', 'b')],
      test: [row('the last one', 'b')],
    };
    const dataset = await opened({ 'all.json': JSON.stringify(lists, null, 1) });
    expect(dataset).toMatchObject({ task: 'text-classification', classes: ['a', 'b'], warnings: [] });
    expect(splitSizes(dataset)).toEqual({ train: 2, validation: 1, test: 1 });
    expect(textsOf(dataset, 'train')).toEqual(['a text, here', 'another text']);
    const files = ['a', 'b'].map((name) => ({ file: `${name}.png`, label: name }));
    const images = await opened({ 'all.json': JSON.stringify({ train: files, val: files }), ...TWO });
    expect(images.task).toBe('image-classification');
    expect(splitSizes(images)).toEqual({ train: 2, val: 2 });
  });

  it.each(['captions.csv.gz', 'train.jsonl.bz2', 'reviews.json.gz', 'images.tar.gz'])(
    'are looked for in no archive, %s, which is to be unpacked',
    async (name) => {
      await expect(opened({ [name]: 'x', ...TWO, 'images/sub/c.png': PNG, 'a.txt': '' })).rejects.toThrow(
        `but an archive. Unpack ${name} first.`,
      );
    },
  );

  it('name images by the one of several columns that finds them', async () => {
    const rows = ['a', 'b'].map((id) => ({
      image_path: `train/${id}.png`,
      image_id: id,
      caption_str: `a text of ${id}`,
    }));
    const dataset = await opened({ 'TextCaps_0.1_train.json': JSON.stringify({ data: rows }), ...TWO });
    expect(textsOf(dataset, 'train')).toEqual(['a text of a', 'a text of b']);
    expect(dataset.warnings).toEqual([]);
  });

  it.each([
    [
      'data',
      [
        { text: 'a text, here', label: 'a' },
        { text: 'another text', label: 'b' },
      ],
      'text-classification',
    ],
    [
      'annotations',
      [
        { image: 'a.png', caption: 'a text, here' },
        { image: 'b.png', caption: 'another text' },
      ],
      'image-captioning',
    ],
    [
      'questions',
      [
        { image: 'a.png', question: 'a text, here', answer: 'a' },
        { image: 'b.png', question: 'another text', answer: 'b' },
      ],
      'visual-question-answering',
    ],
    [
      'data',
      [
        { question: 'Why?', context: 'C', answer: 'a text, here' },
        { question: 'Who?', context: 'C', answer: 'another text' },
      ],
      'text-question-answering',
    ],
  ])('may be a list in an object, %s', async (list, rows, task) => {
    const text = JSON.stringify({ version: '1.0', info: { data: {} }, [list]: rows, license: null }, null, 2);
    const dataset = await opened({ 'train.json': text, ...TWO });
    expect(dataset.task).toBe(task);
    expect(textsOf(dataset, 'train')).toEqual(['a text, here', 'another text']);
  });

  it.each(Object.entries(MINIATURES))('know %s, and no other layout does', async (name, expected) => {
    const [format, task, classes, splits] = expected;
    const formats: string[] = [];
    for (const layout of LAYOUTS) {
      if (layout !== classFolders && (await recogniseFolder(layout, miniature(name)))) formats.push(layout.format);
    }
    expect(formats).toEqual([format]);
    const dataset = await openDataset(miniature(name), 'auto');
    expect(dataset).toMatchObject({ format, task, classes });
    expect(splitSizes(dataset)).toEqual(splits);
    expect(chooseSplit(dataset).name).toBe(splits.train === undefined ? Object.keys(splits)[0] : 'train');
    const ids = [...dataset.splits.values()].flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { datasets } = await findDatasets((await walk(miniature(name))).root);
    expect([...new Set(datasets.map((one) => one.dataset.task))]).toEqual([task]);
  });

  it('give the cells of parquet files as they are', async () => {
    const imdb = await openDataset(miniature('imdb'), 'auto');
    expect(classNames(imdb, 'train').slice(0, 4)).toEqual(['pos', 'neg', 'pos', 'neg']);
    expect(imdb.warnings).toEqual(['2 of 16 rows have no class; the first: unsupervised-00000-of-00001.parquet:1']);

    const inCells = (await openDataset(miniature('captions-parquet'), 'auto')).splits.get('train') ?? [];
    const files = (await openDataset(miniature('captions-imagefolder'), 'auto')).splits.get('train') ?? [];
    const pixels = await Promise.all([3, 0, 2, 1].map((row) => pixelOf(inCells[row])));
    expect(pixels).toEqual(await Promise.all([3, 0, 2, 1].map((row) => pixelOf(files[row]))));
    expect(new Set(pixels.map(({ pixel }) => pixel.join())).size).toBe(4);

    const vqa = await openDataset(miniature('vqa-paths'), 'auto');
    expect(classNames(vqa, 'train')).toEqual(['no', 'yes', 'no', 'yes', 'no', 'yes']);
    expect(vqa.splits.get('train')?.[2]?.file).toMatch(/images.2\.png$/);
    const squad = await openDataset(miniature('squad_v2'), 'auto');
    expect(textsOf(squad, 'train').slice(0, 3)).toEqual(['a river', 'South America', 'unanswerable']);
  });

  it('go without names for their classes', async () => {
    const folder = await copyOfMiniature('rotten_tomatoes');
    await rm(path.join(folder, 'README.md'));
    expect((await openDataset(folder, 'auto')).classes).toEqual(['0', '1']);
  });

  it('find images by paths in parquet files, from the file, from the dataset, and say which are missing', async () => {
    const folder = await copyOfMiniature('vqa-paths');
    await rm(path.join(folder, 'images/3.png'));
    expect((await openDataset(folder, 'auto')).warnings).toEqual([
      '1 of 6 rows name images that are not there; the first: 0000.parquet:4: images/3.png',
    ]);
    await cp(path.join(folder, 'images'), path.join(folder, 'train', 'images'), { recursive: true });
    await rm(path.join(folder, 'images'), { recursive: true });
    const beside = await openDataset(folder, 'auto');
    expect(beside.splits.get('train')?.map(({ file }) => path.relative(folder, file))[0]).toBe('train/images/0.png');
  });

  it('go on beside a damaged file, and say so', async () => {
    const folder = await copyOfMiniature('imdb');
    await truncate(path.join(folder, 'plain_text/test-00000-of-00001.parquet'), 100);
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ train: 10 });
    expect(dataset.warnings[0]).toMatch(/^test-00000-of-00001\.parquet: not a readable parquet file/);
    await truncate(path.join(folder, 'plain_text/train-00001-of-00002.parquet'), 100);
    await expect(openDataset(folder, 'auto')).rejects.toThrow(/^train-00001-of-00002\.parquet: not a readable/);
    await rm(path.join(folder, 'plain_text/train-00001-of-00002.parquet'));
    expect((await openDataset(folder, 'auto')).warnings[1]).toBe(
      'plain_text/train-00000-of-00002.parquet: only 1 of its 2 shards are here.',
    );
  });
});

describe('tables that can not be read', () => {
  it.each([
    [
      'an unknown delimiter',
      'text^label\na^x\nb^y\n',
      'a.csv:1: one column, "text^label"; separate the columns with commas, tabs, semicolons or bars.',
    ],
    [
      'another delimiter in the rows',
      'text,label\na;x\nb;y\n',
      '2 of 2 rows have one value where there are 2 columns, separated by commas; the first: a.csv:2',
    ],
    [
      'a quote that stays open',
      'text,label\na,x\n"b,y\nc,x\n',
      'a.csv:3: a quote (") is opened in this row and never closed; close or remove it.',
    ],
    [
      'one endless line',
      'x'.repeat(20_000_000),
      'a.csv:1: this row takes more than 2 MB; a quote (") may not be closed, or this is no table.',
    ],
  ])('are refused with file, line and remedy: %s', async (_, text, message) => {
    await expect(openDataset(await folderWith({ 'a.csv': text }), 'auto')).rejects.toThrow(message);
  });

  it('are refused for an endless line of JSON', async () => {
    const files = { 'a.jsonl': `{"text": "${'x'.repeat(20_000_000)}` };
    await expect(openDataset(await folderWith(files), 'auto')).rejects.toThrow(
      new InputError('a.jsonl:1: more than 8 MB in one line; break it up.'),
    );
  });
});

it('leave out a table that holds those of the splits again, as copies of DAQUAR have one', async () => {
  const rows = ['what is red ?,chair,a', 'what is blue ?,desk,b', 'what is green ?,chair,b'];
  const table = (...own: number[]) => ['question,answer,image_id', ...own.map((row) => rows[row])].join('\n');
  const apart = { 'data_train.csv': table(0, 1), 'data_eval.csv': table(2) };
  const dataset = await opened({ ...TWO, ...apart, 'data.csv': table(0, 1, 2) });
  expect(splitSizes(dataset)).toEqual({ train: 2, eval: 1 });
  expect(dataset.sizes).toEqual(new Map([...dataset.splits].map(([split, { length }]) => [split, length])));
  expect(dataset.warnings).toEqual(['data.csv holds the other tables’ samples again, and is left out.']);
  const more = await opened({ ...TWO, ...apart, 'data.csv': table(0, 1) });
  expect([splitSizes(more), more.warnings]).toEqual([{ train: 2, eval: 1, all: 2 }, []]);
});

it('name the datasets inside a folder that is none', async () => {
  const table = 'text,label\na,x\nb,y\n';
  const folder = await folderWith({ 'README.md': '# glue', 'cola/train.csv': table, 'sst2/train.csv': table });
  await expect(openDataset(folder, 'auto')).rejects.toThrow(
    new InputError(`${folder}: no dataset here, but in cola, sst2: name one of them.`),
  );
});

describe('a search', () => {
  const images = Object.fromEntries(
    ['cat', 'dog'].flatMap((name) => [0, 1].map((n) => [`pets/${name}/${n}.png`, PNG])),
  );
  const texts = 'text,label\na,x\nb,y\n';

  it.each([
    ['beside a table of texts', { 'reviews.csv': texts }],
    ['beside a table in the folder of the data', { 'README.md': '# All', 'data/train.csv': texts }],
    [
      'beside folders of texts',
      {
        'train/pos/1.txt': 'Good film.',
        'train/pos/2.txt': 'Fine.',
        'train/neg/1.txt': 'Dull.',
        'train/neg/2.txt': 'Bad.',
      },
    ],
  ])('finds images %s', async (_, files) => {
    expect((await found({ ...images, ...files })).sort()).toEqual([
      ['', 'text-classification'],
      ['pets', 'image-classification'],
    ]);
  });

  it('goes on beside a file that can not be opened, and names it', async () => {
    const folder = await folderWith({ ...images, 'labels.csv': 'image,label\n' });
    const { root } = await walk(folder);
    await rm(path.join(folder, 'labels.csv'));
    const { datasets, skipped } = await findDatasets(root);
    expect(datasets.map(({ path: named }) => path.relative(folder, named))).toEqual(['pets']);
    expect(skipped).toEqual([{ path: folder, reason: expect.stringContaining('labels.csv') }]);
  });

  it('finds class folders right beside a table of texts', async () => {
    const beside = Object.fromEntries(Object.entries(images).map(([name, png]) => [name.replace('pets/', ''), png]));
    expect(await found({ ...beside, 'reviews.csv': texts })).toEqual([
      ['', 'text-classification'],
      ['', 'image-classification'],
    ]);
  });
});
