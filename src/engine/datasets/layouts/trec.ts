import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from '../annotatedSamples.ts';
import { namesOf } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { fileIn, locate } from '../folders.ts';
import { readLines } from '../tables/lines.ts';

/** The training questions and the parts of them that are published beside: `train_5500.label`, `train_1000.label`. */
const TRAIN = /^train_(\d+)\.label$/i;
const TEST = 'TREC_10.label';
/** `DESC:manner How did serfdom develop ?` */
const LINE = /^(\w+):\w+\s+(.+)$/;

/**
 * TREC's questions by what they ask for (https://cogcomp.seas.upenn.edu/Data/QA/QC/): `train_5500.label` and
 * `TREC_10.label` with a question per line. The classes are the six coarse ones, which papers report.
 */
export const trec: DatasetLayout = {
  format: 'trec',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => trainingFiles(candidate).length > 0);
    if (!root) return undefined;
    const test = fileIn(root, TEST);
    return trainingFiles(root).map((train) => {
      const files = [{ split: 'train', file: train }, ...(test === undefined ? [] : [{ split: 'test', file: test }])];
      return {
        task: 'text-classification',
        path: train,
        reason: `TREC's questions by their coarse classes: ${namesOf(files)}`,
        open: async (signal, counting) => {
          const samples = new AnnotatedSamples(root, this.format, 'text-classification', [], counting);
          for (const { split, file } of files) {
            for await (const { line, text: row } of readLines(file, signal)) {
              const where = placeIn(file, line);
              const [, label, question] = LINE.exec(row) ?? [];
              const text = textOf(question);
              if (text === undefined) samples.skip('have no class and question', where);
              else samples.add({ split, file, where, id: String(line), text, label });
            }
          }
          return samples.dataset();
        },
      };
    });
  },
};

/** The largest first. */
function trainingFiles(folder: Folder): string[] {
  const size = (name: string) => Number(TRAIN.exec(name)?.[1] ?? 0);
  const names = folder.files.filter((name) => TRAIN.test(name)).sort((a, b) => size(b) - size(a));
  return names.map((name) => path.join(folder.path, name));
}
