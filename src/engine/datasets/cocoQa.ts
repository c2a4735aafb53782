import path from 'node:path';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, placeIn } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, countImages, fileIn, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { readLines } from './tables/lines.ts';

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
      reason: `COCO-QA: questions, answers and image ids in ${splits.map(({ name }) => name).join(', ')}, with ${grouped(countImages(root))} images`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering');
        for (const { name, folder: place } of splits) {
          const file = path.join(place.path, 'questions.txt');
          const lists = LISTS.map((list) => readLines(path.join(place.path, list), signal));
          for (let row = 1; ; row += 1) {
            const lines = await Promise.all(lists.map((list) => list.next()));
            const [text, label, image] = lines.map((line) => (line.done ? undefined : line.value.text.trim()));
            if (text === undefined && label === undefined && image === undefined) break;
            if (text === undefined || label === undefined || image === undefined) {
              const short = LISTS.find((_, list) => lines[list]?.done);
              throw new InputError(
                `${path.join(place.path, short ?? '')}: ends after ${row - 1} rows; ${LISTS.join(', ')} must be equally long.`,
              );
            }
            samples.add({ split: name, file, where: placeIn(file, row), id: String(row - 1), image, text, label });
          }
        }
        return samples.dataset();
      },
    };
  },
};

function splitsOf(folder: Folder): { name: string; folder: Folder }[] {
  return SPLITS.flatMap((name) => {
    const split = below(folder, name);
    return split && LISTS.every((list) => fileIn(split, list) !== undefined) ? [{ name, folder: split }] : [];
  });
}
