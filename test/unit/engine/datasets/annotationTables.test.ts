import { cp, readFile, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { classFolders } from '../../../../src/engine/datasets/classFolders.ts';
import type { Dataset } from '../../../../src/engine/datasets/dataset.ts';
import { LAYOUTS } from '../../../../src/engine/datasets/layouts.ts';
import { chooseSplit, findDatasets, openDataset } from '../../../../src/engine/datasets/open.ts';
import { InputError } from '../../../../src/engine/errors.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import {
  classNames,
  copyOfMiniature,
  folderWith,
  miniature,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../helpers/miniatures.ts';

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

const PNG = await readFile(miniature('captions-jsonl/images/0.png'));
const TWO = { 'images/a.png': PNG, 'images/b.png': PNG };

async function opened(files: Readonly<Record<string, string | Uint8Array>>): Promise<Dataset> {
  const dataset = await openDataset(await folderWith(files), 'auto');
  const ids = [...dataset.splits.values()].flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  return dataset;
}

function textsOf(dataset: Dataset, split = 'all'): (string | undefined)[] {
  return (dataset.splits.get(split) ?? []).map(({ text, target }) => (target?.kind === 'text' ? target.text : text));
}

async function found(files: Readonly<Record<string, string | Uint8Array>>): Promise<[string, string][]> {
  const { root } = await walk(await folderWith(files));
  const { datasets, skipped } = await findDatasets(root);
  expect(skipped).toEqual([]);
  return datasets.map(({ dataset, path: named }) => [path.relative(root.path, named), dataset.task]);
}

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

  it('are of one dataset where the one is to train on and the other to evaluate', async () => {
    const rows = 'question,answer,image_id\n"what, is it",lamp,a\nwhere is it,"book, desk",b\n';
    const dataset = await opened({ 'data_train.csv': rows, 'data_eval.csv': rows, ...TWO });
    expect(splitSizes(dataset)).toEqual({ eval: 2, train: 2 });
    expect(dataset.warnings).toEqual([]);
  });

  it('may be an object of JSON by the names of images, with a caption, some, or members for each', async () => {
    const name = 'images/a.png';
    for (const said of [
      ['a "text" of words', '一只猫坐在桌子上面睡觉'],
      'a text of some words',
      { caption: 'words', split: 'val' },
    ]) {
      const dataset = await opened({
        'captions.json': JSON.stringify({ [name]: said, 'b.png': said }, null, 1),
        ...TWO,
      });
      expect(dataset).toMatchObject({ task: 'image-captioning', warnings: [] });
      const texts = Array.isArray(said) ? said : [typeof said === 'string' ? said : said.caption];
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

describe('the splits of tables', () => {
  const table = (...rows: string[]) => `text,label\n${rows.join('\n')}\n`;

  it('come one from each file; several files of one split are a choice', async () => {
    const folder = await folderWith({
      'data.csv': table('a,x', 'b,y'),
      'other.csv': table('c,x', 'd,y', 'e,z'),
      'test.csv': table('e,x', 'f,y'),
      'train.csv': table('g,x', 'h,y'),
      'train_old.csv': table('i,x', 'j,y'),
    });
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 2 });
    expect(textsOf(dataset, 'train')).toEqual(['g', 'h']);
    const others = ['train_old.csv', 'data.csv', 'other.csv'].map((name) => path.join(folder, name)).join(', ');
    expect(dataset.warnings).toEqual([expect.stringContaining(`can be named instead: ${others}.`)]);
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map(({ path: place, dataset: { sizes } }) => [path.basename(place), sizes?.size])).toEqual([
      ['train.csv', 2],
      ['train_old.csv', 1],
      ['data.csv', 1],
      ['other.csv', 1],
    ]);
    expect((await openDataset(path.join(folder, 'other.csv'), 'auto')).classes).toEqual(['x', 'y', 'z']);
  });

  it('go together by their names where there are several of each, in shards and folders, too', async () => {
    const rows = [table('a,x', 'b,y'), table('c,x', 'd,y')];
    const dataset = await opened({
      'train-00000-of-00002.csv': rows[0] ?? '',
      'train-00001-of-00002.csv': rows[1] ?? '',
      'test-00000-of-00001.csv': rows[0] ?? '',
      'old_train.csv': rows[0] ?? '',
    });
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 4 });
    const folders = await opened({
      'train/metadata.csv': rows[0] ?? '',
      'test/metadata.csv': rows[1] ?? '',
      'train/other.csv': rows[0] ?? '',
    });
    expect(splitSizes(folders)).toEqual({ test: 2, train: 2 });
  });

  it('leave tables beyond a number unread, and say so', async () => {
    const names = Array.from({ length: 30 }, (_, n) => [`train_${n}x.csv`, table('a,x', 'b,y')]);
    const dataset = await opened(Object.fromEntries(names));
    expect(dataset.warnings[1]).toBe('6 tables more than 24 were not looked into.');
  });

  it('rank on the table without a name for a split where no other is for training', async () => {
    const dataset = await opened({ 'data.csv': table('a,x', 'b,y'), 'test.csv': table('c,x', 'd,y') });
    expect(chooseSplit(dataset).name).toBe('all');
  });

  it('may stand in a column', async () => {
    const rows = ['text,label,Split', 'a,x,test', 'b,y,train', 'c,x,train', 'd,y,unlabelled', 'e,y,', 'f,x,0'];
    const dataset = await opened({ 'data.csv': rows.join('\n') });
    expect(splitSizes(dataset)).toEqual({ test: 1, train: 2, unlabelled: 1, all: 2 });
  });

  it('have all their shards, however many', async () => {
    const shards = Array.from({ length: 60 }, (_, shard) => [
      `train-${String(shard).padStart(5, '0')}-of-00060.csv`,
      table(`text ${shard},${shard % 2}`),
    ]);
    const dataset = await opened({ ...Object.fromEntries(shards), 'test-00000-of-00001.csv': table('a,0', 'b,1') });
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 60 });
    expect(dataset.warnings).toEqual([]);
  });

  it('are folders of numbered files, whatever they are called, also those without a row to use', async () => {
    const parquet = await readFile(miniature('imdb/plain_text/train-00000-of-00002.parquet'));
    const unlabelled = await readFile(miniature('imdb/plain_text/unsupervised-00000-of-00001.parquet'));
    const folder = await folderWith({
      'default/train/0000.parquet': parquet,
      'default/unsupervised/0000.parquet': unlabelled,
      'default/testdev/0000.parquet': unlabelled,
    });
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect(skipped).toEqual([]);
    expect(datasets.map(({ dataset }) => Object.fromEntries(dataset.sizes ?? []))).toEqual([{ train: 6 }]);
  });

  it('may be numbered from 0 or 1, but not for a cross-validation or where numbers are left out', async () => {
    const two = table('a,x', 'b,y');
    const files = (...names: string[]) => Object.fromEntries(names.map((name) => [`${name}.csv`, two]));
    const sizes = async (...names: string[]) => splitSizes(await opened(files(...names)));
    expect(await sizes('train_0', 'train_1', 'train_2', 'test_0')).toEqual({ train: 6, test: 2 });
    expect(await sizes('train-part-01', 'train-part-02')).toEqual({ train: 4 });
    expect(await sizes('train_1', 'test_1', 'train_2', 'test_2')).toEqual({ train: 2, test: 2 });
    expect(await sizes('train_0', 'train_2')).toEqual({ train: 2 });
    expect(await sizes('train_v1', 'train_v2')).toEqual({ train: 2 });
    expect(await sizes('train_2014', 'train_2015')).toEqual({ train: 2 });
  });

  it('are told by folders, too', async () => {
    const row = (text: string, label: string) => JSON.stringify({ text, label });
    const dataset = await opened({
      'data/train/0000.jsonl': row('a', 'x'),
      'data/train/0001.jsonl': row('b', 'y'),
      'data/test/0000.jsonl': row('c', 'x'),
    });
    expect(splitSizes(dataset)).toEqual({ test: 1, train: 2 });
  });
});

describe('texts in tables', () => {
  it('may hold separators without quotes', async () => {
    const captions = await opened({
      ...TWO,
      'a.csv': 'image,caption\na.png,A child, a ball, and a dog .\nb.png,"Quoted, too"\n',
    });
    expect(textsOf(captions)).toEqual(['A child, a ball, and a dog .', 'Quoted, too']);
    const never = await opened({
      ...TWO,
      'a.csv': 'image_name,caption\na.png,A child, a ball .\nb.png,A dog, a cat .\n',
    });
    expect(textsOf(never)).toEqual(['A child, a ball .', 'A dog, a cat .']);
    const between = await opened({ 'a.csv': 'id,text,label\n1,Hello, world,x\n2,"a, b",y\n3,c,y,,\n' });
    expect(textsOf(between)).toEqual(['Hello, world', 'a, b', 'c']);
    expect(classNames(between, 'all')).toEqual(['x', 'y', 'y']);
  });

  it('are not guessed where two columns may hold separators', async () => {
    const dataset = await opened({
      ...TWO,
      'a.csv': 'image,question,answer\na.png,Red, or blue?,red\na.png,Red?,yes\nb.png,Red?,no\n',
    });
    expect(textsOf(dataset)).toEqual(['Red?', 'Red?']);
    expect(dataset.warnings).toEqual([
      '1 of 3 rows have more values than there are columns, separated by commas; put quotes around texts; the first: a.csv:2',
    ]);
  });

  it.each([
    [
      'title and text',
      'Class Index,Title,Description\n1,War,It began.\n2,Goal,"He shot, and scored."\n',
      'War It began.',
    ],
    ['a mark and line breaks of Windows', '\uFEFFtext,label\r\nIt began.,1\r\nIt ended.,2\r\n', 'It began.'],
    ['tabs', 'label\tsentence\n1\tHe said "no"\n2\tIt ended.\n', 'He said "no"'],
    ['tabs and doubled quotes', 'label\tsentence\n1\t"He said ""no"""\n2\t"It\n', 'He said "no"'],
    ['tabs in quotes', 'label\tsentence\n1\t"He said\t""no"""\n2\t"It\n', 'He said\t"no"'],
    [
      'no header, the class first',
      'ham\tSee you at five then.\nspam\tWin a prize now, call!\nham\tI am on my way home.\nspam\tYou won a free holiday!\n',
      'See you at five then.',
    ],
    [
      'no header, the class last',
      'See you at five, then.,0\n"Win a prize now, call!",1\nI am on my way home.,0\n',
      'See you at five, then.',
    ],
    [
      'no header, in Chinese',
      '1,这部电影非常好看我很喜欢\n0,这部电影太无聊了浪费时间\n1,演员的表演十分精彩动人\n',
      '这部电影非常好看我很喜欢',
    ],
  ])('are read with %s', async (_, text, first) => {
    expect(textsOf(await opened({ 'a.csv': text, 'readme.txt': 'About the data.' }))[0]).toBe(first);
  });

  it('are the SMS Spam Collection, whose file has no ending', async () => {
    const texts = ['Go on, crazy.. "Available" only', 'Free entry, to win', 'Ok lar, "joking', 'U, dun say so early'];
    const rows = texts.map((text, row) => `${row === 1 ? 'spam' : 'ham'}\t${text}`);
    const files = { 'sms/SMSSpamCollection': [...rows, ...rows].join('\n'), 'sms/readme': 'SMS Spam Collection v.1\n' };
    expect(await found(files)).toEqual([['sms', 'text-classification']]);
    const dataset = await opened(files);
    expect(dataset.classes).toEqual(['ham', 'spam']);
    expect(textsOf(dataset)).toEqual([...texts, ...texts]);
  });

  it('have no part in cells that number the rows, nor their classes in columns that are nearly empty', async () => {
    const texts = Array.from({ length: 10 }, (_, row) => `text ${row} of some words`);
    const rows = texts.map((text, row) => `${row},eebb${row},${text},${row % 2 ? 'pos' : 'neg'},,`);
    const dataset = await opened({ 'a.csv': [...rows, 'x,y,"a text, and",neg,the rest,'].join('\n') });
    expect(dataset.classes).toEqual(['neg', 'pos']);
    expect(textsOf(dataset)).toEqual([...texts, 'a text, and the rest']);
  });

  it('have no part in marks, single words and times beside them', async () => {
    const text = (row: number) => `sentence number ${row} stands here`;
    const cola = Array.from({ length: 10 }, (_, row) => `gj04\t${row % 2}\t${row % 2 ? '' : '*'}\t${text(row)}`);
    const marked = await opened({ 'train.tsv': cola.join('\n') });
    expect(textsOf(marked, 'train')).toEqual(Array.from({ length: 10 }, (_, row) => text(row)));
    const tweets = Array.from({ length: 10 }, (_, row) =>
      [row < 5 ? 0 : 4, `14678${row}0369`, `Mon Apr 06 22:19:1${row} PDT 2009`, 'NO_QUERY', `user${row % 7}`, text(row)]
        .map((cell) => `"${cell}"`)
        .join(','),
    );
    const told = await opened({ 'train.csv': tweets.join('\n') });
    expect(textsOf(told, 'train')).toEqual(textsOf(marked, 'train'));
    expect(told.classes).toEqual(['0', '4']);
  });

  it('have no class where annotators did not agree', async () => {
    const rows = ['neutral', '-', 'entailment'].map((gold) =>
      JSON.stringify({ gold_label: gold, sentence1: 'It rains.', sentence2: 'Wet.' }),
    );
    expect((await opened({ 'a.jsonl': rows.join('\n') })).classes).toEqual(['entailment', 'neutral']);
  });

  it('have the class of the first of columns that are called the same', async () => {
    const rows = [0, 1, 2, 3].map((row) => `text ${row} of some words,${row % 2},7`);
    expect((await opened({ 'a.csv': ['text,label,label', ...rows].join('\n') })).classes).toEqual(['0', '1']);
  });

  it('lose no row without a header beside one that is none', async () => {
    const rows = [0, 1, 2, 3, 4, 5].map((row) => `${row % 2 ? 'pos' : 'neg'},text ${row} of some words`);
    const dataset = await opened({ 'a.csv': [rows[0], 'stray', ...rows.slice(1)].join('\n') });
    expect(textsOf(dataset)).toHaveLength(6);
    expect(dataset.warnings).toEqual([
      '1 of 7 rows have one value where there are 2 columns, separated by commas; the first: a.csv:2',
    ]);
  });

  it('are read below a header that says nothing, where a person asked', async () => {
    const rows = [0, 1, 2, 3].map((n) => `${n % 2 ? 'spam' : 'ham'},"See you there, at ${n}.",${n > 2 ? 'Bye.' : ''},`);
    const folder = await folderWith({ 'spam.csv': ['kind,sms,,', ...rows].join('\n') });
    expect((await findDatasets((await walk(folder)).root)).datasets).toEqual([]);
    const dataset = await openDataset(folder, 'auto');
    expect(dataset.classes).toEqual(['ham', 'spam']);
    expect(textsOf(dataset).slice(2)).toEqual(['See you there, at 2.', 'See you there, at 3. Bye.']);
  });

  it('are read below a header of numbers by a search, too, as that of Kaggle’s spam.csv', async () => {
    const rows = [0, 1, 2, 3].map(
      (n) => `${n % 2 ? 'spam' : 'ham'},"See you there, at ${n}.",${n > 2 ? 'Bye.' : ''},,`,
    );
    const files = { 'spam.csv': ['v1,v2,,,', ...rows].join('\n') };
    expect(await found(files)).toEqual([['', 'text-classification']]);
    expect(textsOf(await opened(files))[3]).toBe('See you there, at 3. Bye.');
  });

  it('may have blanks before their quotes where the header has them', async () => {
    const files = { 'a.csv': '"text", "label"\n"He said ""no"", and left", "x"\n"b", "y, z"\n' };
    const dataset = await opened(files);
    expect([textsOf(dataset), dataset.classes]).toEqual([
      ['He said "no", and left', 'b'],
      ['x', 'y, z'],
    ]);
    const bare = await opened({ 'a.csv': 'label, text\nx, "The" end\ny, "open\nx, "a", "b"\n' });
    expect(textsOf(bare)).toEqual(['"The" end', '"open', '"a", "b"']);
  });

  it('are no lists of other things that have a text and a label', async () => {
    const entries = Array.from({ length: 10 }, (_, n) => ({ label: `l${n}`, text: `Open ${n}` }));
    expect(await found({ 'menu.json': JSON.stringify(entries) })).toEqual([]);
    expect(await found({ 'menu.json': JSON.stringify([...entries, ...entries]) })).toHaveLength(1);
  });

  it('are told in text files that are called by their split, without endings of tables', async () => {
    const rows = [0, 1, 2, 3].map((row) => `i feel rather fine on day ${row};${row % 2 ? 'joy' : 'anger'}`);
    const dataset = await opened({ 'train.txt': rows.join('\n'), 'test.txt': rows.reverse().join('\n') });
    expect(splitSizes(dataset)).toEqual({ test: 4, train: 4 });
    expect(classNames(dataset, 'train')).toEqual(['anger', 'joy', 'anger', 'joy']);
    expect(await found({ 'train.txt': 'Some words; and others.\n"Quoted, not closed.\n' })).toEqual([]);
  });

  it('may have several classes, as in GoEmotions', async () => {
    const labels = [[2], [0, 2], [1], [1, 2, 1], [2], [0]];
    const text = (row: number) => `text ${row} of some words`;
    const list = labels.map((own, row) =>
      JSON.stringify({ text: text(row), labels: own.map((label) => 'abc'[label]) }),
    );
    const printed = labels.map((own, row) => `${text(row)},"[${own.map((label) => `'${'abc'[label]}'`).join(', ')}]"`);
    const tabs = labels.map((own, row) => `${text(row)}\t${[...new Set(own)].join(',')}\tee${row}`);
    for (const dataset of [
      await opened({ 'train.jsonl': list.join('\n') }),
      await opened({ 'train.csv': ['text,label', ...printed].join('\n') }),
      await opened({ 'train.tsv': tabs.join('\n'), 'emotions.txt': 'a\nb\nc' }),
    ]) {
      expect(dataset.classes).toEqual(['a', 'b', 'c']);
      const samples = dataset.splits.get('train') ?? [];
      expect(samples.map((sample) => sample.labels)).toEqual([[2], [0, 2], [1], [1, 2], [2], [0]]);
      expect(samples.map(({ label }) => label)).toEqual([2, 0, 1, 1, 2, 0]);
      expect(dataset.warnings).toEqual([]);
    }
  });

  it('may have a mark for each class', async () => {
    const rows = [
      [0, 1, 1],
      [1, 0, 0],
      [0, 0, 0],
    ].map((labels, row) => JSON.stringify({ text: `text ${row}`, labels }));
    const dataset = await opened({ 'a.jsonl': rows.join('\n') });
    expect(dataset.classes).toEqual(['0', '1', '2']);
    expect(dataset.splits.get('all')?.map(({ labels }) => labels)).toEqual([[1, 2], [0]]);
    expect(dataset.warnings).toEqual(['1 of 3 rows have no class; the first: a.jsonl:3']);
  });

  it('may be pairs', async () => {
    const dataset = await opened({ 'train.tsv': 'sentence1\tsentence2\tlabel\nIt rains.\tIt is wet.\t1\nA.\tB.\t0\n' });
    expect(dataset.splits.get('train')?.[0]).toMatchObject({ text: 'It rains.', context: 'It is wet.' });
  });

  it('may stand in a first line of any length', async () => {
    const long = 'word '.repeat(20_000);
    const rows = [
      { text: long, label: 'x' },
      { text: 'b', label: 'y' },
    ].map((row) => JSON.stringify(row));
    expect(textsOf(await opened({ 'train.jsonl': rows.join('\n') }), 'train')).toEqual([
      long.slice(0, 20_000).trim(),
      'b',
    ]);
  });

  it('may stand in a JSON array, and in JSON Lines that are called JSON', async () => {
    const rows = [
      { text: 'a', label: 'x' },
      { label: 'y', text: 'b' },
    ];
    expect(textsOf(await opened({ 'a.json': JSON.stringify(rows) }))).toEqual(['a', 'b']);
    expect(textsOf(await opened({ 'a.json': rows.map((row) => JSON.stringify(row)).join('\n') }))).toEqual(['a', 'b']);
  });

  it('have the classes of a list beside, from 0 or from 1', async () => {
    const named = async (rows: string[], names = 'World\r\nSports\n') =>
      classNames(await opened({ 'a.csv': ['text,label', ...rows].join('\n'), 'classes.txt': names }), 'all');
    expect(await named(['a,1', 'b,2'])).toEqual(['World', 'Sports']);
    expect(await named(['a,1', 'b,0'])).toEqual(['Sports', 'World']);
    expect(await named(['a,1', 'b,7'])).toEqual(['1', '7']);
    // Either the first of names from 1, or the second of names from 0.
    expect(await named(['a,1', 'b,1', 'c,1', 'd,2'], 'World\nSports\nBusiness')).toEqual(['1', '1', '1', '2']);
  });

  it('take ratings by halves for classes, but no measurements', async () => {
    const rows = (labels: readonly number[]) => `text,rating\n${labels.map((label) => `t,${label}`).join('\n')}\n`;
    expect((await opened({ 'a.csv': rows([1, 1.5, 2, 1.5]) })).classes).toEqual(['1', '1.5', '2']);
    const measured = opened({ 'a.csv': rows(Array.from({ length: 40 }, (_, n) => n / 7)) });
    await expect(measured).rejects.toThrow(/^a\.csv:\d+: more than 20 different numbers with fractions are no classes/);
  });
});

describe('boxes in tables', () => {
  const rows = (...boxes: string[]) => ['image,expression,bbox', ...boxes.map((box, n) => `a.png,part ${n},"${box}"`)];
  const boxesOf = async (lines: string[]) => {
    const dataset = await opened({ ...TWO, 'a.csv': lines.join('\n') });
    expect(dataset.task).toBe('referring-expression-comprehension');
    const targets = (dataset.splits.get('all') ?? []).map(({ target }) => target?.kind === 'box' && target.box);
    return { targets, warnings: dataset.warnings };
  };

  it('are taken as COCO has them, or for two corners where these fit better', async () => {
    // The images have 8 x 8 pixels.
    const sized = await boxesOf(rows('[4, 2, 4, 6]', '(0, 0, 8, 4)', '[2, 4, 2, 2]'));
    expect(sized.targets).toEqual([
      [0.5, 0.25, 0.5, 0.75],
      [0, 0, 1, 0.5],
      [0.25, 0.5, 0.25, 0.25],
    ]);
    expect(sized.warnings).toEqual(['The numbers of boxes are taken for left, top, width, height.']);
    const cornered = await boxesOf(rows('[4, 2, 8, 8]', '[0, 0, 8, 4]', '[2, 4, 6, 8]'));
    expect(cornered.targets).toEqual([
      [0.5, 0.25, 0.5, 0.75],
      [0, 0, 1, 0.5],
      [0.25, 0.5, 0.5, 0.5],
    ]);
    expect(cornered.warnings).toEqual(['The numbers of boxes are taken for left, top, right, bottom.']);
    const shares = await boxesOf(rows('[0.5, 0.25, 0.5, 0.75]', '[0, 0, 1, 0.5]'));
    expect(shares.targets).toEqual(sized.targets.slice(0, 2));
    expect(shares.warnings).toEqual([
      'The numbers of boxes are taken for left, top, width, height, as shares of the image.',
    ]);
  });

  it('have the sentences of RefCOCO’s own files', async () => {
    const sentences = [{ raw: 'Left, one!', sent: 'left one', tokens: [] }];
    const row = { image_path: 'a.png', bbox: [0, 0, 4, 4], sentences };
    expect((await opened({ ...TWO, 'a.jsonl': JSON.stringify(row) })).splits.get('all')?.[0]?.text).toBe('left one');
  });

  it('are passed over, and counted, where they have no size, no image or no four numbers', async () => {
    const lines = [...rows('[4, 2, 4, 6]', '[4, 2, 0, 6]', '[4, 2, 6]'), 'c.png,part,"[0, 0, 1, 2]"'];
    const { targets, warnings } = await boxesOf([...lines, 'd.png,part,"[0, 0, 1, 2]"']);
    expect(targets).toHaveLength(1);
    expect(warnings.slice(1)).toEqual([
      '1 of 5 rows lack a cell (image, box, expression); the first: a.csv:4',
      '2 of 5 rows name images that are not there; the first: a.csv:5: c.png',
      '1 of 5 rows have a box of no size; the first: a.csv:3',
    ]);
  });

  it('are those of each of the expressions, in parquet files with the images, too', async () => {
    const dataset = await openDataset(miniature('RefCOCO'), 'auto');
    const samples = dataset.splits.get('val') ?? [];
    expect(samples.map(({ text }) => text)).toEqual([
      'left, dark',
      'right one',
      'the right half',
      'middle',
      'bottom',
      'lower "strip"',
    ]);
    expect(samples[2]?.target).toEqual({ kind: 'box', box: [0.5, 0.25, 0.5, 0.5] });
    expect(await pixelOf(samples[3])).toEqual({ width: 8, height: 8, pixel: [80, 40, 100] });
  });
});

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
