import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from './annotatedSamples.ts';
import { namesOf, readTogether, withSplit } from './annotationFiles.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, countImages, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { indexJsonList, readJsonList } from './tables/json.ts';
import { isRecord } from './tables/jsonl.ts';

const CAPTIONS = /^captions_.*\.json$/i;

/**
 * COCO captions (https://cocodataset.org/#download): `annotations/captions_train2014.json` with `images` and
 * `annotations`, the pictures in `train2014/`. One sample per caption. Years that lie side by side are a choice.
 */
export const cocoCaptions: DatasetLayout = {
  format: 'coco-captions',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => captionFiles(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    return readTogether(captionFiles(root).map(withSplit)).map((set) => ({
      task: 'image-captioning',
      path: set.path,
      reason: `COCO captions: ${namesOf(set.files)} with ${grouped(countImages(root))} images`,
      open: async (signal, counting) => {
        const folders = ['images', 'train2014', 'val2014', 'train2017', 'val2017'];
        const samples = new AnnotatedSamples(root, this.format, 'image-captioning', folders, counting);
        for (const { file, split } of set.files) {
          const images = await indexJsonList(file, 'images', ['id', 'file_name'], nameOfImage, signal);
          const members = ['id', 'image_id', 'caption'];
          for await (const entries of readJsonList(file, 'annotations', members, signal)) {
            for (const { entry, value } of entries) {
              const where = placeIn(file, entry);
              const caption = isRecord(value) ? textOf(value.caption) : undefined;
              const image = isRecord(value) ? images.get(value.image_id) : undefined;
              if (!isRecord(value) || caption === undefined) samples.skip('have no caption', where);
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
    }));
  },
};

function nameOfImage({ id, file_name: file }: Record<string, unknown>): [id: unknown, name: string] | undefined {
  const name = textOf(file);
  return name === undefined ? undefined : [id, name];
}

function captionFiles(folder: Folder): string[] {
  // Archives that unpack into folders of their own: `annotations_trainval2017/annotations/`.
  const around = folder.folders.filter(({ name }) => /^annotations/i.test(name));
  return [folder, ...around, ...around.map((place) => below(place, 'annotations'))].flatMap(
    (place) => place?.files.filter((name) => CAPTIONS.test(name)).map((name) => path.join(place.path, name)) ?? [],
  );
}
