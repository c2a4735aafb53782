import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, countImages, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { splitWithin } from './splitNames.ts';
import { readJsonLists } from './tables/jsonLists.ts';
import { isRecord } from './tables/jsonl.ts';

const QUESTIONS = /^CLEVR_.*questions\.json$/i;

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
    const files = questionFiles(root).filter((file) => splitWithin(path.basename(file)) !== 'test');
    if (files.length === 0) return undefined;
    return {
      task: 'visual-question-answering',
      reason: `CLEVR: ${files.map((file) => path.basename(file)).join(', ')} with ${grouped(countImages(root))} images`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering', [
          'images/train',
          'images/val',
        ]);
        for (const file of files) {
          const split = splitWithin(path.basename(file)) ?? 'all';
          for await (const { entry, value } of readJsonLists(file, ['questions'], signal)) {
            const where = placeIn(file, entry);
            const [image, text, label] = isRecord(value)
              ? [textOf(value.image_filename), textOf(value.question), keyOf(value.answer)]
              : [];
            if (image === undefined || text === undefined) samples.skip('have no question', where);
            else if (label === undefined) samples.skip('have no answer', where);
            else samples.add({ split, file, where, id: String(entry), image, text, label });
          }
        }
        return samples.dataset();
      },
    };
  },
};

function questionFiles(folder: Folder): string[] {
  const place = below(folder, 'questions');
  return place?.files.filter((name) => QUESTIONS.test(name)).map((name) => path.join(place.path, name)) ?? [];
}
