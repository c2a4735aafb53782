import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn } from '../annotatedSamples.ts';
import { lookedThrough, namesOf } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { locate } from '../folders.ts';
import { readLines } from '../tables/lines.ts';
import { areTexts } from '../tables/texts.ts';

const FILE = /^(.+)\.(pos|neg)$/i;
/** Lists of words have the same endings. */
const LOOKED_AT = 8;

interface Polarity {
  readonly file: string;
  readonly label: string;
}
type Pair = readonly [Polarity, Polarity];

/**
 * Sentences in a file per class, one in a line: `rt-polarity.pos` and `rt-polarity.neg` of Pang and Lee's movie reviews
 * (https://www.cs.cornell.edu/people/pabo/movie-review-data/), and `custrev` and `mpqa` of the same form.
 */
export const polarityFiles: DatasetLayout = {
  format: 'polarity-files',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => pairsIn(candidate).length > 0);
    if (!root) return undefined;
    const pairs = await lookedThrough(pairsIn(root), ([{ file }]) => holdsSentences(file));
    return pairs.map((pair) => ({
      task: 'text-classification',
      path: pair[0].file,
      reason: `sentences in a file per class: ${namesOf(pair)}`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'text-classification', [], counting);
        for (const { file, label } of pair) {
          for await (const { line, text: row } of readLines(file, signal)) {
            const where = placeIn(file, line);
            samples.add({ split: 'all', file, where, id: String(line), text: row.trim(), label });
          }
        }
        return samples.dataset();
      },
    }));
  },
};

async function holdsSentences(file: string): Promise<boolean> {
  const first: string[] = [];
  for await (const { text } of readLines(file)) if (first.push(text) >= LOOKED_AT) break;
  return first.length > 0 && areTexts(first);
}

/** Files that differ in the class alone. */
function pairsIn({ path: place, files }: Folder): Pair[] {
  const byStem = new Map<string, Polarity[]>();
  for (const name of files) {
    const [, stem, label] = FILE.exec(name) ?? [];
    if (stem === undefined || label === undefined) continue;
    byStem.set(stem, [...(byStem.get(stem) ?? []), { file: path.join(place, name), label: label.toLowerCase() }]);
  }
  return [...byStem.values()].flatMap(([one, other]): Pair[] => (one && other ? [[one, other]] : []));
}
