import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from '../annotatedSamples.ts';
import { lookedThrough } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { filesNamed, locate } from '../folders.ts';
import { headOf } from '../tables/csv.ts';
import { readJsonList } from '../tables/json.ts';

/** Those out of scope, the class `oos`, are lists of their own. */
const SPLITS = ['train', 'val', 'test', 'oos_train', 'oos_val', 'oos_test'];
/** `{"train": [["what is my balance", "balance"], …`, whichever comes first. */
const PAIRS = /^\s*\{\s*"(?:oos_)?(?:train|val|test)"\s*:\s*\[\s*\[\s*"(?:[^"\\]|\\.)*"\s*,\s*"(?:[^"\\]|\\.)*"\s*\]/;
/** A folder of more JSON files holds one per sample or the like; so many are looked into. */
const MAX_FILES = 16;

/**
 * CLINC150's utterances by what is intended (https://github.com/clinc/oos-eval): `data_full.json` with a list per split,
 * of pairs of text and class. Its other files (`data_small.json`, `data_imbalanced.json`) are a choice.
 */
export const clinc: DatasetLayout = {
  format: 'clinc',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => jsonFiles(candidate).length > 0);
    if (!root) return undefined;
    const files = await lookedThrough(jsonFiles(root), async (file) => PAIRS.test(await headOf(file)));
    return files.map((file) => ({
      task: 'text-classification',
      path: file,
      reason: `texts and intents as CLINC150 has them: ${path.basename(file)}`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'text-classification', [], counting);
        for (const split of SPLITS) {
          for await (const entries of readJsonList(file, split, { signal })) {
            for (const { entry, value } of entries) {
              const where = `${placeIn(file, entry)} of ${split}`;
              const [text, label] = Array.isArray(value) ? value.map(textOf) : [];
              if (text === undefined || label === undefined) samples.skip('are no pairs of text and class', where);
              else samples.add({ split, file, where, id: `${split}:${entry}`, text, label });
            }
          }
        }
        return samples.dataset();
      },
    }));
  },
};

function jsonFiles(folder: Folder): string[] {
  return filesNamed(folder, /\.json$/i).slice(0, MAX_FILES);
}
