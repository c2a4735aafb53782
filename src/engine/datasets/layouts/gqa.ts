import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from '../annotatedSamples.ts';
import { namesOf, readTogether } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, locate } from '../folders.ts';
import { readJsonMembers } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

/** Those of the test, of the challenge and for submissions have no answers. */
const QUESTIONS = /^(train|val|testdev)_(balanced|all)_questions\.json$/i;
/** `questions1.2`, as the archive unpacks. */
const QUESTION_FOLDER = /^questions/i;
/** Of a question; its scene, its program and what it entails take most of the file. */
const MEMBERS = ['imageId', 'question', 'answer'];
const IMAGES = ['images', 'allImages/images'];

/**
 * GQA (https://cs.stanford.edu/people/dorarad/gqa/download.html): `train_balanced_questions.json`, an object of questions
 * by their ids, each with its answer and the number of its image, `images/2370799.jpg`. The balanced questions and all of
 * them are a choice.
 */
export const gqa: DatasetLayout = {
  format: 'gqa',

  async recognise(folder, asked) {
    const isRoot = (candidate: Folder) => questionFiles(candidate).length > 0 && countImages(candidate) > 0;
    const root = locate(folder, asked, isRoot);
    if (!root) return undefined;
    return readTogether(questionFiles(root)).map((set) => ({
      task: 'visual-question-answering',
      path: set.path,
      reason: `GQA: ${namesOf(set.files)} with ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering', IMAGES, counting);
        for (const { file, split } of set.files) {
          for await (const members of readJsonMembers(file, { members: MEMBERS, signal })) {
            for (const { entry, name: id, value } of members) {
              const where = placeIn(file, entry);
              const [image, text, label] = isRecord(value)
                ? [keyOf(value.imageId), textOf(value.question), textOf(value.answer)]
                : [];
              if (image === undefined || text === undefined) samples.skip('have no question', where);
              else if (label === undefined) samples.skip('have no answer', where);
              else samples.add({ split, file, where, id, image, text, label });
            }
          }
        }
        return samples.dataset();
      },
    }));
  },
};

function questionFiles(folder: Folder): { file: string; split: string }[] {
  const places = [folder, ...folder.folders.filter(({ name }) => QUESTION_FOLDER.test(name))];
  return places.flatMap(({ path: place, files }) =>
    files.flatMap((name) => {
      const split = QUESTIONS.exec(name)?.[1]?.toLowerCase();
      return split === undefined ? [] : [{ file: path.join(place, name), split }];
    }),
  );
}
