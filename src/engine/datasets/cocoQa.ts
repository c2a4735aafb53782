import path from 'node:path';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, placeIn } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, countImages, fileIn, imagesBelow, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { linesOf } from './tables/lines.ts';

const SPLITS = ['train', 'test'];
const LISTS = ['questions.txt', 'answers.txt', 'img_ids.txt'];
/** The number at the end of a COCO file name: `COCO_train2014_000000000009.jpg`. */
const NUMBER = /(\d+)\.[a-z]+$/i;

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
        const images = new Map<number, string>();
        for (const { relative } of imagesBelow(root)) {
          const number = NUMBER.exec(relative)?.[1];
          if (number !== undefined) images.set(Number(number), relative);
        }
        for (const { name, folder: split } of splits) {
          const file = path.join(split.path, 'questions.txt');
          const [questions = [], answers = [], ids = []] = await Promise.all(
            LISTS.map((list) => linesOf(path.join(split.path, list), signal)),
          );
          if (answers.length !== questions.length || ids.length !== questions.length) {
            throw new InputError(
              `${file}: ${questions.length} questions, ${answers.length} answers and ${ids.length} image ids; the lists must be equally long.`,
            );
          }
          for (const [index, text] of questions.entries()) {
            const where = placeIn(file, index + 1);
            const image = images.get(Number(ids[index])) ?? `${ids[index]}.jpg`;
            samples.add({ split: name, file, where, id: String(index), image, text, label: answers[index] ?? '' });
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
