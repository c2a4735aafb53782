import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { IMAGE } from '../../files/imageNames.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples } from '../annotatedSamples.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, idWithin } from '../folders.ts';
import { isSplitName } from '../splitNames.ts';
import { areTexts } from '../tables/texts.ts';
import { textIn, withTexts } from '../textFiles.ts';

/** So many captions are read to see whether they are some: boxes of objects lie beside images in the same way. */
const LOOKED_AT = 8;
const MIN_SHARE = 0.9;

interface Captioned {
  readonly split: string;
  readonly image: string;
  readonly caption: string;
}

/**
 * Images with their captions in text files of the same names, `0001.jpg` and `0001.txt`, as img2dataset writes them and
 * trainers of diffusion models read them; in folders of splits, too.
 */
export const captionFiles: DatasetLayout = {
  format: 'caption-files',

  async recognise(folder) {
    const splits = folder.folders.filter(({ name }) => isSplitName(name));
    const inSplits = splits.flatMap((part) => captionedIn(part, part.name));
    const all = inSplits.length > 0 ? inSplits : captionedIn(folder, 'all');
    const first = all.slice(0, LOOKED_AT).map(({ caption }) => textIn(caption));
    const texts = first.filter((text) => /\p{L}/u.test(text));
    if (all.length < MIN_SHARE * countImages(folder) || texts.length === 0 || !areTexts(texts)) return undefined;
    return {
      task: 'image-captioning',
      reason: `${formatCount(all.length)} images with their captions in text files of the same names`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(folder, this.format, 'image-captioning', [], counting);
        for await (const { item, text } of withTexts(all, ({ caption }) => caption, signal)) {
          const { split, image, caption: file } = item;
          const where = idWithin(folder, file);
          const target = { kind: 'text', text } as const;
          if (text === '') samples.skip('are empty or can’t be read', where);
          else samples.add({ split, file, where, id: '0', image: idWithin(folder, image), target });
        }
        return samples.dataset();
      },
    };
  },
};

/** The images in a folder that have a text file beside them, if nearly all have. */
function captionedIn({ path: place, files }: Folder, split: string): Captioned[] {
  const texts = new Set(files.filter((name) => /\.txt$/i.test(name)));
  const images = texts.size > 0 ? files.filter((name) => IMAGE.test(name)) : [];
  const captioned = images.flatMap((name) => {
    const { name: stem } = path.parse(name);
    const text = [`${stem}.txt`, `${stem}.TXT`].find((candidate) => texts.has(candidate));
    return text === undefined ? [] : [{ split, image: path.join(place, name), caption: path.join(place, text) }];
  });
  return captioned.length > 1 && captioned.length >= MIN_SHARE * images.length ? captioned : [];
}
