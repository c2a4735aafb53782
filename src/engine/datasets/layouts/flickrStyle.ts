import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import type { PickleValue } from '../../pickle/values.ts';
import { AnnotatedSamples, placeIn } from '../annotatedSamples.ts';
import type { Dataset, DatasetLayout } from '../dataset.ts';
import { below, countImages, fileIn, locate } from '../folders.ts';
import { readPickledBytes, readPickledList } from '../pickledList.ts';
import { decodeText } from '../tables/encoding.ts';

const STYLES = ['humor', 'romantic'];
const CAPTIONS = /^(funny|humor|humour|romantic)_(train|val|dev|test)(\.utf)?\.txt$/i;
const IMAGES = ['Images', 'images', 'Flicker8k_Dataset', 'flickr30k_images', 'flickr30k-images', 'flickr7k_images'];
/** Seven thousand captions take half a megabyte. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * FlickrStyle10K (Gan et al. 2017, StyleNet, https://zhegan27.github.io/Papers/FlickrStyle_v0.9.zip):
 * `humor/funny_train.txt` and `romantic/romantic_train.txt` with a caption per line, and beside each `train.p`, a pickled
 * list with the name of each line's image. The images are Flickr30k's, or Flickr8k's with the names that the list has
 * (`2513260012_03d33305cf.jpg`, which is `2513260012.jpg` in Flickr30k). The two styles are a choice.
 */
export const flickrStyle: DatasetLayout = {
  format: 'flickr-style',

  async recognise(folder, asked) {
    // The archive of the captions unpacks beside the images.
    const home = locate(folder, asked, (candidate) => stylesIn(candidate).length > 0 && countImages(candidate) > 0);
    if (!home) return undefined;
    return stylesIn(home).map(({ place, files }) => ({
      task: 'image-captioning',
      path: place.path,
      reason: `FlickrStyle captions: ${files.map(({ captions }) => `${place.name}/${path.basename(captions)}`).join(', ')} with ${formatCount(countImages(home))} images`,
      open: (signal, counting) => openStyle(home, this.format, files, signal, counting),
    }));
  },
};

interface StyleFile {
  readonly captions: string;
  readonly names: string;
  readonly split: string;
}

async function openStyle(
  home: Folder,
  format: string,
  files: readonly StyleFile[],
  signal: AbortSignal | undefined,
  counting: boolean | undefined,
): Promise<Dataset> {
  const samples = new AnnotatedSamples(home, format, 'image-captioning', IMAGES, counting);
  for (const { captions, names, split } of files) {
    const lines = await captionsIn(captions, signal);
    const images: (string | undefined)[] = [];
    const each = (item: PickleValue) => images.push(typeof item === 'string' ? item : undefined);
    readPickledList(names, await readPickledBytes(names, signal), 'a list of image names', each);
    if (lines.length !== images.length) {
      throw new InputError(
        `${captions}: ${formatCount(lines.length)} captions, but ${path.basename(names)} has ${formatCount(images.length)} image names; there must be as many.`,
      );
    }
    for (const [index, { line, text }] of lines.entries()) {
      const where = placeIn(captions, line);
      const name = images[index];
      if (name === undefined) samples.skip('name no image', where);
      else {
        const target = { kind: 'text', text } as const;
        const image = samples.hasImage(name) ? name : name.replace(/_.*$/, '.jpg');
        samples.add({ split, file: captions, where, id: String(line), image, target });
      }
    }
  }
  return samples.dataset();
}

/** The lines with words in them; published copies are in Latin-1 or in UTF-8. */
async function captionsIn(
  file: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly line: number; readonly text: string }[]> {
  if ((await stat(file)).size > MAX_BYTES) throw new InputError(`${file}: larger than any list of captions.`);
  const bytes = await readFile(file, signal && { signal });
  return decodeText(bytes, file)
    .split(/\r?\n/)
    .map((text, index) => ({ line: index + 1, text: text.trim() }))
    .filter(({ text }) => /\p{L}/u.test(text));
}

/** The styles of a folder, which may lie in the archive's own folder, with the files of their captions and images. */
function stylesIn(folder: Folder): { place: Folder; files: StyleFile[] }[] {
  return [folder, ...folder.folders].flatMap((parent) =>
    STYLES.flatMap((style) => {
      const place = below(parent, style);
      const files = place ? filesIn(place) : [];
      return place && files.length > 0 ? [{ place, files }] : [];
    }),
  );
}

function filesIn(place: Folder): StyleFile[] {
  const files = place.files.flatMap((name) => {
    const [, style = '', split, converted] = CAPTIONS.exec(name) ?? [];
    const names = split && (fileIn(place, `${split}.p`) ?? fileIn(place, `${style}_${split}.p`));
    return split && names ? [{ captions: path.join(place.path, name), names, split, converted }] : [];
  });
  // A copy that was converted to UTF-8 says the same.
  return files.filter(
    ({ split, converted }) => !converted || files.every((other) => other.converted || other.split !== split),
  );
}
