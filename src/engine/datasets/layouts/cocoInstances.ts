import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { placeIn, textOf } from '../annotatedSamples.ts';
import { type AnnotationFile, namesOf, readTogether, withSplit } from '../annotationFiles.ts';
import { filesIn, holdsKeys, nameOfImage } from '../cocoFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, fileIn, locate } from '../folders.ts';
import { ImageFinder, ImageIndex } from '../imageIndex.ts';
import { LabelledImages } from '../labelledImages.ts';
import { isSplitName } from '../splitNames.ts';
import { indexJsonList, readJsonList } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

/** COCO's own, and those of iNaturalist: `train2019.json`. */
const INSTANCES = /^(instances_.*|(train|val|test)[-_]?\d*)\.json$/i;
/** Roboflow's export has one in the folder of each split. */
const OF_SPLIT = '_annotations.coco.json';
const FOLDERS = ['images', 'train2017', 'val2017', 'train2014', 'val2014'];

/**
 * COCO's objects (https://cocodataset.org/#download) as classes of images: `annotations/instances_train2017.json` with
 * `images`, `categories` and an entry of `annotations` for each object, the pictures in `train2017/`. An image has the
 * categories of all its objects; those without any are left out. Years that lie side by side are a choice. Other datasets
 * have files of the same structure, `train2019.json` or `train/_annotations.coco.json`.
 */
export const cocoInstances: DatasetLayout = {
  format: 'coco-instances',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => instancesIn(candidate).length > 0);
    if (!root || countImages(root) === 0) return undefined;
    const files: AnnotationFile[] = [];
    for (const entry of instancesIn(root)) {
      if (await holdsKeys(entry.file, ['images', 'file_name', 'image_id', 'categories'])) files.push(entry);
    }
    return readTogether(files).map((set) => ({
      task: 'image-classification',
      path: set.path,
      reason: `COCO’s objects as classes: ${namesOf(set.files)} with ${formatCount(countImages(root))} images`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format);
        const finder = new ImageFinder(root, new ImageIndex(root), FOLDERS);
        for (const { file, split } of set.files) {
          const found = await objectsIn(file, gathered, signal);
          for (const [image, { where, classes }] of found) gathered.addFile(split, image, [...classes], where, finder);
        }
        return gathered.dataset(undefined, signal);
      },
    }));
  },
};

function instancesIn(folder: Folder): AnnotationFile[] {
  const ofSplits = folder.folders.filter(({ name }) => isSplitName(name));
  return [
    ...filesIn(folder, INSTANCES).map(withSplit),
    ...ofSplits.flatMap((child) => {
      const file = fileIn(child, OF_SPLIT);
      return file === undefined ? [] : [{ file, split: child.name }];
    }),
  ];
}

/** The categories of the objects of each image, by the image's name. */
async function objectsIn(
  file: string,
  gathered: LabelledImages,
  signal: AbortSignal | undefined,
): Promise<Map<string, { where: string; classes: Set<string> }>> {
  const categories = await indexJsonList(file, 'categories', ['id', 'name'], nameOfCategory, signal);
  const images = await indexJsonList(file, 'images', ['id', 'file_name'], nameOfImage, signal);
  const found = new Map<string, { where: string; classes: Set<string> }>();
  for await (const entries of readJsonList(file, 'annotations', { members: ['image_id', 'category_id'], signal })) {
    for (const { entry, value } of entries) {
      const { image_id: imageId, category_id: categoryId } = isRecord(value) ? value : {};
      const [image, name] = [images.get(imageId), categories.get(categoryId)];
      const where = placeIn(file, entry);
      if (image === undefined) gathered.skip('name images that the file does not list', where);
      else if (name === undefined) gathered.skip('have no category that the file lists', where);
      else {
        const objects = found.get(image) ?? { where, classes: new Set() };
        objects.classes.add(name);
        found.set(image, objects);
      }
    }
  }
  return found;
}

function nameOfCategory({ id, name }: Record<string, unknown>): [id: unknown, name: string] | undefined {
  const text = textOf(name);
  return text === undefined ? undefined : [id, text];
}
