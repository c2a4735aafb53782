import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from '../annotatedSamples.ts';
import { lookedThrough, namesOf, readTogether, withSplit } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { locate } from '../folders.ts';
import { splitWithin } from '../splitNames.ts';
import { headOf } from '../tables/csv.ts';
import { readLines } from '../tables/lines.ts';

const FILE = /\.(txt|train|valid|val|dev|test)$/i;
/** A class of the text in the line; a text may have several, and they may stand anywhere. */
const LABEL = /__label__(\S+)/g;
/** Texts whose names tell no split are looked into only where there are hardly any. */
const FEW_FILES = 4;
const MAX_FILES = 24;
const HEAD_BYTES = 256;

/**
 * Texts with their classes as fastText reads them (https://fasttext.cc/docs/en/supervised-tutorial.html): a line for each,
 * `__label__baking __label__bread Why is my bread dense?`, in `cooking.train` and `cooking.valid`, or in `train.ft.txt`.
 */
export const fastText: DatasetLayout = {
  format: 'fasttext',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => filesIn(candidate).length > 0);
    if (!root) return undefined;
    const files = await lookedThrough(filesIn(root), async (file) => {
      return (await headOf(file, HEAD_BYTES)).trimStart().startsWith('__label__');
    });
    return readTogether(files.map(withSplit)).map((set) => ({
      task: 'text-classification',
      path: set.path,
      reason: `texts with their classes as fastText reads them: ${namesOf(set.files)}`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'text-classification', [], counting);
        for (const { file, split } of set.files) {
          for await (const { line, text: row } of readLines(file, signal)) {
            const where = placeIn(file, line);
            const classes = [...new Set([...row.matchAll(LABEL)].flatMap(([, name]) => name ?? []))];
            const [first, ...others] = classes;
            const text = textOf(row.replace(LABEL, '').replace(/\s+/g, ' '));
            if (first === undefined) samples.skip('have no class', where);
            else if (text === undefined) samples.skip('have no text', where);
            else {
              const label = others.length > 0 ? classes : first;
              samples.add({ split, file, where, id: String(line), text, label });
            }
          }
        }
        return samples.dataset();
      },
    }));
  },
};

function filesIn({ path: place, files }: Folder): string[] {
  const texts = files.filter((name) => FILE.test(name));
  const ofSplits = texts.filter((name) => splitWithin(name) !== undefined);
  const names = ofSplits.length > 0 || texts.length > FEW_FILES ? ofSplits : texts;
  return names.slice(0, MAX_FILES).map((name) => path.join(place, name));
}
