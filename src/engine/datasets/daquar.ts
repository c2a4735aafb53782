import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, placeIn } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { countImages, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { splitWithin } from './splitNames.ts';
import { headOf } from './tables/csv.ts';
import { readLines } from './tables/lines.ts';

/** `qa.894.raw.train.txt`, `qa.37.raw.test.txt`; the files of all pictures would count each twice. */
const FILES = /^qa\.(\d+)\.raw\.(train|test)\.txt$/i;
const IMAGE = /\bin (?:the )?(image\d+)\s*\??\s*$/i;

/**
 * DAQUAR (Malinowski and Fritz 2014, https://www.mpi-inf.mpg.de/departments/computer-vision-and-machine-learning/research/vision-and-language/visual-turing-challenge):
 * `qa.894.raw.train.txt`, in turn a question that ends in the name of its picture (`… in the image3 ?`) and its answer;
 * pictures `nyu_depth_images/image3.png`. Where the reduced set of 37 classes lies beside the full one, the full is read.
 */
export const daquar: DatasetLayout = {
  format: 'daquar',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => filesOf(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    const files = filesOf(root);
    const [first] = files;
    if (first === undefined || !/\bimage\d+/i.test(await headOf(first))) return undefined;
    return {
      task: 'visual-question-answering',
      reason: `DAQUAR: ${files.map((file) => path.basename(file)).join(', ')} with ${grouped(countImages(root))} images`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering', ['nyu_depth_images']);
        for (const file of files) {
          const split = splitWithin(path.basename(file)) ?? 'all';
          let question: { text: string; image: string; line: number } | undefined;
          for await (const { line, text } of readLines(file, signal)) {
            const image = IMAGE.exec(text)?.[1];
            if (image !== undefined) {
              if (question) samples.skip('have no answer', placeIn(file, question.line));
              question = { text: text.replace(IMAGE, '').trim(), image, line };
            } else if (question) {
              const where = placeIn(file, question.line);
              samples.add({
                split,
                file,
                where,
                id: String(question.line),
                image: question.image,
                text: question.text,
                label: text.trim(),
              });
              question = undefined;
            } else samples.skip('are answers without a question', placeIn(file, line));
          }
        }
        return samples.dataset();
      },
    };
  },
};

function filesOf(folder: Folder): string[] {
  const found = folder.files.flatMap((name) => {
    const [, classes, split] = FILES.exec(name) ?? [];
    return classes !== undefined && split !== undefined ? [{ name, classes: Number(classes), split }] : [];
  });
  const most = Math.max(...found.map(({ classes }) => classes));
  return found.filter(({ classes }) => classes === most).map(({ name }) => path.join(folder.path, name));
}
