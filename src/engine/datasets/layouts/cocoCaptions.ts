import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from '../annotatedSamples.ts';
import { lookedThrough, namesOf, readTogether, withSplit } from '../annotationFiles.ts';
import { filesIn, holdsKeys, nameOfImage } from '../cocoFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, locate } from '../folders.ts';
import { indexJsonList, readJsonList } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

const CAPTIONS = /^captions_.*\.json$/i;
const JSON_FILE = /\.json$/i;
/** COCO's other annotations have the same structure, and are much larger. */
const NO_CAPTIONS = /^(instances|person_keypoints|panoptic|stuff|image_info)_/i;
/** A folder of more JSON files holds one per sample or the like; so many are looked into. */
const MAX_FILES = 16;

/**
 * COCO captions (https://cocodataset.org/#download): `annotations/captions_train2014.json` with `images` and
 * `annotations`, the pictures in `train2014/`. One sample per caption. Years that lie side by side are a choice. Files of
 * the same structure may have other names: VizWiz-Captions' `train.json`, `nocaps_val_4500_captions.json`.
 */
export const cocoCaptions: DatasetLayout = {
  format: 'coco-captions',

  async recognise(folder, asked) {
    const having = (name: RegExp) => (candidate: Folder) =>
      filesIn(candidate, name).length > 0 && countImages(candidate) > 0;
    const root = locate(folder, asked, having(CAPTIONS)) ?? locate(folder, asked, having(JSON_FILE));
    if (!root) return undefined;
    return readTogether((await captionFiles(root)).map(withSplit)).map((set) => ({
      task: 'image-captioning',
      path: set.path,
      reason: `COCO captions: ${namesOf(set.files)} with ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const folders = ['images', 'train2014', 'val2014', 'train2017', 'val2017'];
        const samples = new AnnotatedSamples(root, this.format, 'image-captioning', folders, counting);
        for (const { file, split } of set.files) {
          const images = await indexJsonList(file, 'images', ['id', 'file_name'], nameOfImage, signal);
          const members = ['id', 'image_id', 'caption'];
          for await (const entries of readJsonList(file, 'annotations', { members, signal })) {
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

async function captionFiles(folder: Folder): Promise<string[]> {
  const named = filesIn(folder, CAPTIONS);
  if (named.length > 0) return named;
  const others = filesIn(folder, JSON_FILE).slice(0, MAX_FILES);
  return lookedThrough(others, async (file) => !NO_CAPTIONS.test(path.basename(file)) && holdsCaptions(file));
}

/** Whether a file has the lists of COCO, and captions of images in the one. */
function holdsCaptions(file: string): Promise<boolean> {
  return holdsKeys(file, ['images', 'image_id', 'file_name', 'caption']);
}
