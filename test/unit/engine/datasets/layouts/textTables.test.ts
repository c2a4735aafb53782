import { describe, expect, it } from 'vitest';
import { findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import { classNames, folderWith, splitSizes } from '../../../../helpers/miniatures.ts';
import { found, opened, TWO, textsOf } from '../../../../helpers/tables.ts';

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

  it('may have their classes in the only other column', async () => {
    const table = (header: string, others: (n: number) => string) =>
      [header, ...Array.from({ length: 12 }, (_, n) => `id${n * 7},"Text ${n}, of some words.",${others(n)}`)].join(
        '\n',
      );
    const author = (n: number) => ['EAP', 'HPL', 'MWS'][n % 3] ?? '';
    const spooky = { 'train.csv': table('id,text,author', author) };
    expect(await found(spooky)).toEqual([['', 'text-classification']]);
    const dataset = await opened(spooky);
    expect([dataset.classes, textsOf(dataset, 'train')[1]]).toEqual([['EAP', 'HPL', 'MWS'], 'Text 1, of some words.']);
    // What only stands beside texts: one of several, one that hardly comes again, and one that says nothing by its name.
    expect(await found({ 'a.csv': table('id,text,author,place', (n) => `${author(n)},${author(n + 1)}`) })).toEqual([]);
    expect(await found({ 'a.csv': table('id,text,author', (n) => `user${n % 11}`) })).toEqual([]);
    expect(await found({ 'a.csv': table('id,text,source', author) })).toEqual([]);
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
