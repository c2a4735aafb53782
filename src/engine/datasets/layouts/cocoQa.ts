import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn } from '../annotatedSamples.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, countImages, fileIn, locate } from '../folders.ts';
import { type Line, readLines } from '../tables/lines.ts';

const SPLITS = ['train', 'test'];
const LISTS = ['questions.txt', 'answers.txt', 'img_ids.txt'];

/**
 * COCO-QA (Ren et al. 2015, https://www.cs.toronto.edu/~mren/research/imageqa/data/cocoqa/): in `train` and `test` the
 * lists `questions.txt`, `answers.txt` and `img_ids.txt`, line by line; the pictures are COCO's, known by the number in
 * their names.
 */
export const cocoQa: DatasetLayout = {
  format: 'coco-qa',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => splitsOf(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    const splits = splitsOf(root);
    return {
      task: 'visual-question-answering',
      path: splits[0]?.folder.path ?? root.path,
      reason: `COCO-QA: questions, answers and image ids in ${splits.map(({ name }) => name).join(', ')}, with ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering', [], counting);
        for (const { name, folder: place } of splits) {
          const file = path.join(place.path, 'questions.txt');
          for await (const { line, texts } of linesTogether(
            LISTS.map((list) => path.join(place.path, list)),
            signal,
          )) {
            const where = placeIn(file, line);
            const [text, label, image] = texts;
            if (text === undefined || label === undefined || image === undefined) {
              samples.skip('have an empty line in one of the lists', where);
            } else samples.add({ split: name, file, where, id: String(line - 1), image, text, label });
          }
        }
        return samples.dataset();
      },
    };
  },
};

/**
 * The lines of the same number in lists that belong together; those that are empty in some of them are undefined there.
 * @throws InputError when one ends before the others do
 */
async function* linesTogether(
  files: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<{ line: number; texts: readonly (string | undefined)[] }> {
  const lists: { file: string; lines: AsyncGenerator<Line>; next: IteratorResult<Line> }[] = [];
  for (const file of files) {
    const lines = readLines(file, signal);
    lists.push({ file, lines, next: await lines.next() });
  }
  while (lists.some(({ next }) => !next.done)) {
    const line = Math.min(...lists.flatMap(({ next }) => (next.done ? [] : next.value.line)));
    const short = lists.find(({ next }) => next.done);
    if (short) {
      throw new InputError(`${short.file}: ends after ${line - 1} rows; ${LISTS.join(', ')} must be equally long.`);
    }
    yield { line, texts: lists.map(({ next }) => (next.value.line === line ? next.value.text.trim() : undefined)) };
    for (const list of lists) if (list.next.value.line === line) list.next = await list.lines.next();
  }
}

/** What the archive of the lists unpacks into, beside the images. */
const LISTS_FOLDER = /^coco-?qa/i;

function splitsOf(folder: Folder): { name: string; folder: Folder }[] {
  const isOfLists = (child: Folder) => LISTS_FOLDER.test(child.name) && countImages(child) === 0;
  const places = [folder, ...folder.folders.filter(isOfLists)].map(splitsIn);
  return places.find((splits) => splits.length > 0) ?? [];
}

function splitsIn(folder: Folder): { name: string; folder: Folder }[] {
  return SPLITS.flatMap((name) => {
    const split = below(folder, name);
    return split && LISTS.every((list) => fileIn(split, list) !== undefined) ? [{ name, folder: split }] : [];
  });
}
