import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn } from '../annotatedSamples.ts';
import { namesOf, readTogether, withSplit } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, locate } from '../folders.ts';
import { headOf } from '../tables/csv.ts';
import { readLines } from '../tables/lines.ts';

/** `qa.894.raw.train.txt`, `qa.37.raw.test.txt`; the files of all pictures would count each twice. */
const FILES = /^qa\.(\d+)\.raw\.(train|test)\.txt$/i;
const IMAGE = /\b(image\d+)\b/i;
const IN_IMAGE = /\s*\bin (?:the )?image\d+\s*\??\s*$/i;

/**
 * DAQUAR (Malinowski and Fritz 2014,
 * https://www.mpi-inf.mpg.de/departments/computer-vision-and-machine-learning/research/vision-and-language/visual-turing-challenge):
 * `qa.894.raw.train.txt`, in turn a question that names its picture (`… in the image3 ?`) and its answer; pictures
 * `nyu_depth_images/image3.png`. Where the reduced set of 37 classes lies beside the full one, they are a choice.
 */
export const daquar: DatasetLayout = {
  format: 'daquar',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => filesOf(candidate).length > 0 && countImages(candidate) > 0);
    const [first] = root ? filesOf(root) : [];
    if (!root || !first || !IMAGE.test(await headOf(first.file))) return undefined;
    const fullFirst = readTogether(filesOf(root)).sort((a, b) => classesOf(b) - classesOf(a));
    return fullFirst.map((set) => ({
      task: 'visual-question-answering',
      path: set.path,
      reason: `DAQUAR: ${namesOf(set.files)} with ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(
          root,
          this.format,
          'visual-question-answering',
          ['nyu_depth_images'],
          counting,
        );
        for (const { file, split } of set.files) await addPairs(samples, file, split, signal);
        return samples.dataset();
      },
    }));
  },
};

async function addPairs(
  samples: AnnotatedSamples,
  file: string,
  split: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let question: { id: string; text: string; image: string; where: string } | undefined;
  for await (const { line, text } of readLines(file, signal)) {
    const image = IMAGE.exec(text)?.[1];
    const where = placeIn(file, line);
    if (image !== undefined) {
      if (question) samples.skip('have no answer', question.where);
      question = { id: String(line), text: withoutImage(text), image, where };
    } else if (question) {
      samples.add({ split, file, ...question, label: text.trim() });
      question = undefined;
    } else samples.skip('are answers without a question', where);
  }
  if (question) samples.skip('have no answer', question.where);
}

/** The question without the name of its picture, and without "in the image" at its end, which says nothing. */
function withoutImage(text: string): string {
  return text
    .replace(IN_IMAGE, '')
    .replace(/\bimage\d+\b/gi, 'image')
    .trim();
}

function classesOf({ path: file }: { path: string }): number {
  return Number(FILES.exec(path.basename(file))?.[1]);
}

function filesOf(folder: Folder): { file: string; split: string }[] {
  return folder.files.filter((name) => FILES.test(name)).map((name) => withSplit(path.join(folder.path, name)));
}
