import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { countImages, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { headOf } from './tables/csv.ts';
import { hasKeys, readJsonLists } from './tables/jsonLists.ts';
import { isRecord } from './tables/jsonl.ts';

const NAME = /^dataset.*\.json$/i;

/**
 * Captions in Karpathy's format (https://cs.stanford.edu/people/karpathy/deepimagesent/): `dataset_flickr8k.json`,
 * `dataset_coco.json`, and RSICD's `dataset_rsicd.json` with `RSICD_images/`
 * (https://github.com/201528014227051/RSICD_optimal). `images` is a list of `{filename, split, sentences: [{raw}]}`; one
 * sample per sentence.
 */
export const karpathyCaptions: DatasetLayout = {
  format: 'karpathy-captions',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => jsonOf(candidate) !== undefined && countImages(candidate) > 0);
    const file = root && jsonOf(root);
    if (!root || !file) return undefined;
    const head = await headOf(file);
    if (!hasKeys(head, ['images', 'filename']) || !head.includes('"raw"')) return undefined;
    return {
      task: 'image-captioning',
      reason: `captions in Karpathy's format: ${path.basename(file)} with ${grouped(countImages(root))} images`,
      open: async (signal) => {
        const folders = [
          'images',
          'RSICD_images',
          'Images',
          'Flicker8k_Dataset',
          'flickr30k_images',
          'flickr30k-images',
        ];
        const samples = new AnnotatedSamples(root, this.format, 'image-captioning', folders);
        for await (const { entry, value } of readJsonLists(file, ['images'], signal)) {
          const where = placeIn(file, entry);
          const name = isRecord(value) ? textOf(value.filename) : undefined;
          if (!isRecord(value) || name === undefined || !Array.isArray(value.sentences)) {
            samples.skip('name no image with sentences', where);
            continue;
          }
          const inFolder = textOf(value.filepath);
          const split = textOf(value.split) ?? 'all';
          for (const [index, sentence] of value.sentences.entries()) {
            const caption = isRecord(sentence) ? textOf(sentence.raw) : undefined;
            if (caption === undefined) samples.skip('have no caption', where);
            else {
              const image = inFolder === undefined ? name : `${inFolder}/${name}`;
              const target = { kind: 'text', text: caption } as const;
              samples.add({ split, file, where, id: String(index), image, target });
            }
          }
        }
        return samples.dataset();
      },
    };
  },
};

function jsonOf(folder: Folder): string | undefined {
  const name = folder.files.find((file) => NAME.test(file));
  return name === undefined ? undefined : path.join(folder.path, name);
}
