import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from '../annotatedSamples.ts';
import { namesOf, readTogether } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, countImages, locate } from '../folders.ts';
import { readJsonList } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

/** The splits of CLEVR-CoGenT are `trainA`, `valA`, `valB`. */
const QUESTIONS = /^CLEVR_(.*)_questions\.json$/i;
const MEMBERS = ['image_filename', 'question', 'answer'];

/**
 * CLEVR (https://cs.stanford.edu/people/jcjohns/clevr/): `questions/CLEVR_train_questions.json`, pictures
 * `images/train/CLEVR_train_000000.png`. The test questions have no answers.
 */
export const clevr: DatasetLayout = {
  format: 'clevr',

  async recognise(folder, asked) {
    const root = locate(
      folder,
      asked,
      (candidate) => questionFiles(candidate).length > 0 && countImages(candidate) > 0,
    );
    if (!root) return undefined;
    return readTogether(questionFiles(root)).map((set) => ({
      task: 'visual-question-answering',
      path: set.path,
      reason: `CLEVR: ${namesOf(set.files)} with ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const folders = set.files.map(({ split }) => `images/${split}`);
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering', folders, counting);
        for (const { file, split } of set.files) {
          for await (const entries of readJsonList(file, 'questions', { members: MEMBERS, signal })) {
            for (const { entry, value } of entries) {
              const where = placeIn(file, entry);
              const [image, text, label] = isRecord(value)
                ? [textOf(value.image_filename), textOf(value.question), keyOf(value.answer)]
                : [];
              if (image === undefined || text === undefined) samples.skip('have no question', where);
              else if (label === undefined) samples.skip('have no answer', where);
              else samples.add({ split, file, where, id: String(entry), image, text, label });
            }
          }
        }
        return samples.dataset();
      },
    }));
  },
};

/** Those with answers; those of a test, of which every row is told to have none, where there are no others. */
function questionFiles(folder: Folder): { file: string; split: string }[] {
  const place = below(folder, 'questions');
  const files = (place?.files ?? []).flatMap((name) => {
    const split = QUESTIONS.exec(name)?.[1];
    return place && split !== undefined ? [{ file: path.join(place.path, name), split }] : [];
  });
  const answered = files.filter(({ split }) => !/^test/i.test(split));
  return answered.length > 0 ? answered : files;
}
