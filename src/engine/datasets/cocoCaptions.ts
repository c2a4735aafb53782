import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, countImages, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { splitWithin } from './splitNames.ts';
import { readJsonLists } from './tables/jsonLists.ts';
import { isRecord } from './tables/jsonl.ts';

const CAPTIONS = /^captions_.*\.json$/i;

/**
 * COCO captions (https://cocodataset.org/#download): `annotations/captions_train2014.json` with `images` and
 * `annotations`, the pictures in `train2014/`. One sample per caption.
 */
export const cocoCaptions: DatasetLayout = {
  format: 'coco-captions',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => captionFiles(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    const files = captionFiles(root);
    const names = files.map((file) => path.basename(file)).join(', ');
    return {
      task: 'image-captioning',
      reason: `COCO captions: ${names} with ${grouped(countImages(root))} images`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(root, this.format, 'image-captioning', ['images', 'train2014', 'val2014']);
        for (const file of files) {
          const split = splitWithin(path.basename(file)) ?? 'all';
          const images = new Map<string, string>();
          for await (const { list, entry, value } of readJsonLists(file, ['images', 'annotations'], signal)) {
            const where = placeIn(file, entry);
            if (!isRecord(value)) samples.skip('are no objects', where);
            else if (list === 'images') {
              const [id, name] = [keyOf(value.id), textOf(value.file_name)];
              if (id !== undefined && name !== undefined) images.set(id, name);
            } else {
              const caption = textOf(value.caption);
              const image = images.get(keyOf(value.image_id) ?? '');
              if (caption === undefined) samples.skip('have no caption', where);
              else if (image === undefined) samples.skip('name images that the file does not list', where);
              else {
                const id = keyOf(value.id) ?? String(entry);
                samples.add({ split, file, where, id, image, target: { kind: 'text', text: caption } });
              }
            }
          }
        }
        return samples.dataset();
      },
    };
  },
};

function captionFiles(folder: Folder): string[] {
  return [folder, below(folder, 'annotations')].flatMap(
    (place) => place?.files.filter((name) => CAPTIONS.test(name)).map((name) => path.join(place.path, name)) ?? [],
  );
}
