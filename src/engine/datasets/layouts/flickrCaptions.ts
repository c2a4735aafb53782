import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from '../annotatedSamples.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, fileIn, locate } from '../folders.ts';
import { splitWithin } from '../splitNames.ts';
import { delimiterOf, headOf, readCsv } from '../tables/csv.ts';
import { linesOf, readLines } from '../tables/lines.ts';

/** `1000268201.jpg#0<tab>A child …`: Flickr8k's and Flickr30k's own files. */
const TOKENS = ['Flickr8k.token.txt', 'results_20130124.token', 'Flickr30k.token.txt'];
/** Tables of image, number and caption: Kaggle's copies. */
const TABLES = ['captions.txt', 'captions.csv', 'results.csv'];
/** Their first line: `image,caption` or `image_name| comment_number| comment`; other tables tell captions by other columns. */
const HEADER = /^\s*"?image(_name)?"?\s*[,|](\s*"?(comment|caption)_number"?\s*[,|])?\s*"?(comment|caption)"?\s*$/i;
/** Lists of image names by split: `Flickr_8k.trainImages.txt`, and `train.txt` of Flickr30k Entities. */
const LISTS = /^(flickr_?\d+k\.(train|dev|test)images|train|val|test)\.txt$/i;
/** Those of Flickr30k have names without ending. */
const LISTED = /^(\d+|[^\s,]+\.jpe?g)$/i;
/** The archives of texts, `Flickr8k_text` and `flickr30k`, unpack beside those of images. */
const TEXT_FOLDER = /text|annotation|caption/i;
const NAMESAKE = /^flickr_?\d+k$/i;
const IMAGES = ['Flicker8k_Dataset', 'Flickr8k_Dataset', 'Images', 'images', 'flickr30k_images', 'flickr30k-images'];

/**
 * Flickr8k (Hodosh et al. 2013) and Flickr30k (Young et al. 2014): `Flickr8k.token.txt` with its lists of splits,
 * `results_20130124.token`, or the tables `captions.txt` and `results.csv` that copies of them have. One sample per
 * caption. Several of them are a choice.
 */
export const flickrCaptions: DatasetLayout = {
  format: 'flickr-captions',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => captionFiles(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    const files: { file: string; head: string; isTable: boolean }[] = [];
    for (const file of captionFiles(root)) {
      const isTable = TABLES.includes(path.basename(file).toLowerCase());
      const head = await headOf(file);
      const fits = isTable ? HEADER.test(head.split('\n', 1)[0] ?? '') : /#\d+\t/.test(head);
      if (fits) files.push({ file, head, isTable });
    }
    return files.map(({ file, head, isTable }) => ({
      task: 'image-captioning',
      path: file,
      reason: `Flickr captions: ${path.basename(file)} with ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'image-captioning', IMAGES, counting);
        const splits = await splitLists(root, signal);
        const counts = new Map<string, number>();
        const rows = isTable ? tableRows(file, head, signal) : tokenRows(file, signal);
        for await (const { line, image, caption } of rows) {
          const where = placeIn(file, line);
          const split = splits.size === 0 ? 'all' : splits.get(image);
          if (image === '' || caption === undefined) samples.skip('have no caption', where);
          else if (split === undefined) samples.skip('are in none of the lists of splits', `${where}: ${image}`);
          else {
            const number = counts.get(image) ?? 0;
            counts.set(image, number + 1);
            const target = { kind: 'text', text: caption } as const;
            samples.add({ split, file, where, id: String(number), image, target });
          }
        }
        return samples.dataset();
      },
    }));
  },
};

interface CaptionRow {
  readonly line: number;
  readonly image: string;
  readonly caption: string | undefined;
}

async function* tokenRows(file: string, signal: AbortSignal | undefined): AsyncGenerator<CaptionRow> {
  for await (const { line, text } of readLines(file, signal)) {
    const [name = '', ...caption] = text.split('\t');
    // Some names of Flickr8k end in `.jpg.1`.
    const image = name
      .replace(/#\d+$/, '')
      .replace(/(\.jpg)\.\d+$/i, '$1')
      .trim();
    yield { line, image, caption: textOf(caption.join(' ')) };
  }
}

async function* tableRows(file: string, head: string, signal: AbortSignal | undefined): AsyncGenerator<CaptionRow> {
  const delimiter = delimiterOf(head, file);
  let columns: number | undefined;
  for await (const { line, cells } of readCsv(file, delimiter, signal)) {
    // The caption is the last column, and the delimiters in it are not always within quotes.
    const caption = columns === undefined ? '' : cells.slice(columns - 1).join(delimiter);
    if (columns !== undefined) yield { line, image: cells[0]?.trim() ?? '', caption: textOf(caption) };
    columns ??= cells.length;
  }
}

/** The split of each image by its name; empty where there are no lists. */
async function splitLists(root: Folder, signal: AbortSignal | undefined): Promise<Map<string, string>> {
  const splits = new Map<string, string>();
  for (const place of placesIn(root)) {
    for (const name of place.files.filter((file) => LISTS.test(file))) {
      const split = splitWithin(name.replace(/images/i, '')) ?? 'all';
      const images = await linesOf(path.join(place.path, name), signal);
      if (!images.every((image) => LISTED.test(image))) continue;
      for (const image of images) splits.set(/^\d+$/.test(image) ? `${image}.jpg` : image, split);
    }
  }
  return splits;
}

/** The files of Flickr8k and of Flickr30k; tables, which copies have beside or instead of them, where there are none. */
function captionFiles(folder: Folder): string[] {
  const named = (names: readonly string[]) =>
    placesIn(folder).flatMap((place) => names.flatMap((name) => fileIn(place, name) ?? []));
  const tokens = named(TOKENS);
  return tokens.length > 0 ? tokens : named(TABLES);
}

function placesIn(folder: Folder): Folder[] {
  // With images in it, such a folder is the dataset.
  const isOfTexts = (child: Folder) =>
    TEXT_FOLDER.test(child.name) || (NAMESAKE.test(child.name) && countImages(child) === 0);
  return [folder, ...folder.folders.filter(isOfTexts)];
}
