import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import type { DatasetLayout, Sample } from './dataset.ts';
import { remarkOnFormats } from './folders.ts';
import { fileImage, IMAGE, UNREAD_IMAGE } from './images.ts';
import { grouped } from './passedOver.ts';
import { isSplitName, splitWithin } from './splitNames.ts';

/**
 * Images in one folder per class, `<dataset>/<class>/*.png`, or with splits, `<dataset>/<split>/<class>/*.png`: the
 * layout of torchvision's ImageFolder. Classes are the folders' names in the order of their code points; images may lie
 * deeper below their class.
 */
export const classFolders: DatasetLayout = {
  format: 'class-folders',

  async recognise(folder, asked) {
    const splitFolders = folder.folders.filter((child) => isSplitName(child.name));
    // Beside a split that is one through and through, a small one of a few images is, too.
    const isCertain = asked || splitFolders.some((split) => classesOf(split, false).length > 0);
    const withSplits = splitFolders.filter((split) => classesOf(split, isCertain).length > 0);
    const parts = withSplits.length > 0 ? withSplits : [folder];
    const classes = [...new Set(parts.flatMap((part) => classesOf(part, isCertain).map(({ name }) => name)))].sort();
    if (classes.length < (asked ? 1 : 2)) return undefined;
    const where = withSplits.length > 0 ? ` in ${withSplits.map(({ name }) => name).join(', ')}` : '';
    return {
      task: 'image-classification',
      reason: `images in one folder per class: ${classes.length} class folders${where}`,
      open: async () => {
        const labels = new Map(classes.map((name, index) => [name, index]));
        const splits = new Map(
          parts.map((part): [string, Sample[]] => [
            part === folder ? 'all' : part.name,
            classesOf(part, isCertain).flatMap((child) =>
              imagesBelow(child).map((file) => ({
                id: path.relative(folder.path, file).split(path.sep).join('/'),
                file,
                image: fileImage(file),
                label: labels.get(child.name) ?? 0,
              })),
            ),
          ]),
        );
        const warnings = [
          ...parts.flatMap(remarkOnNesting),
          ...parts.flatMap(remarkOnMasks),
          ...parts.flatMap((part) => remarkOnFormats(part) ?? []),
        ];
        return { path: folder.path, format: this.format, task: 'image-classification', classes, splits, warnings };
      },
    };
  },
};

/**
 * The class folders directly inside a folder. Where nobody named the folder, it has to look like a
 * dataset through and through: two classes or more, and hardly anything but images in them, so that the pictures of a
 * documentation or a web page are not taken for one.
 */
function classesOf(folder: Folder, asked: boolean): readonly Folder[] {
  const contents = folder.folders.map((child) => ({ child, ...countBelow(child) }));
  const withImages = contents.filter(({ images }) => images > 0).map(({ child }) => child);
  const names = withImages.map(({ name }) => name);
  // A class may be called `train` or `mask`, but not each of them so.
  if (names.filter(isSplitName).length > 1 || names.every(isPart)) return [];
  const deep = withImages.filter((child) => !hasOwnImages(child));
  const isIndex = deep.length === names.length && names.every((name) => name.length === 1);
  if (isIndex || (deep.length === 1 && names.length === 1) || holdSplits(deep)) return [];
  if (asked) return withImages;
  const images = contents.reduce((sum, child) => sum + child.images, 0);
  const others = contents.reduce((sum, child) => sum + child.others, 0);
  const plausible = withImages.length >= 2 && images >= 2 * withImages.length && others <= images / 10;
  return plausible && sharePartition(deep) ? withImages : [];
}

/** Parts of datasets in other layouts, which have their images in one or two folders. */
const PART =
  /^(images?|(car_)?ims|imgs?|jpe?gs?|pngs?|jpegimages|data|annotations?|labels?|masks?|trimaps?|segmentation.*|meta(data)?)$/i;

/** Files that say what the images beside them show. */
const ANNOTATIONS = /\.(jsonl?|csv|tsv|parquet|xml|mat)$/i;

/** Pieces that something large was published in: `HAM10000_images_part_1`, `images_001`, `batch2`. */
const NUMBERED_PART = /(^|[-_. ])(part|images?|imgs?|batch|chunk|fold|shard|volume)[-_. ]?\d+$/i;

function isPart(name: string): boolean {
  return PART.test(name) || NUMBERED_PART.test(name) || splitWithin(name) !== undefined;
}

/** Whether folders around others are named by different splits, `seg_train/seg_train` beside `seg_test/seg_test`. */
function holdSplits(deep: readonly Folder[]): boolean {
  return new Set(deep.flatMap(({ name }) => splitWithin(name) ?? [])).size > 1;
}

function hasOwnImages(folder: Folder): boolean {
  return folder.files.some((file) => IMAGE.test(file));
}

/**
 * Whether classes whose images all lie one level deeper are divided in the same way, `cat/2019`, `dog/2019`. Folders
 * with different ones inside, or with annotations beside them, are datasets of their own.
 */
function sharePartition(classes: readonly Folder[]): boolean {
  if (classes.some(({ files }) => files.some((file) => ANNOTATIONS.test(file)))) return false;
  const [first, ...others] = classes.map((folder) => folder.folders.filter(hasOwnImages).map(({ name }) => name));
  return (
    first === undefined || (others.length > 0 && others.every((names) => names.some((name) => first.includes(name))))
  );
}

/** What to say of classes that look like datasets of their own. */
function remarkOnNesting(part: Folder): string[] {
  const deep = part.folders.filter((child) => countBelow(child).images > 0 && !hasOwnImages(child));
  if (deep.length < 2 || sharePartition(deep)) return [];
  const [first] = deep;
  const inside = first?.folders.map(({ name }) => name).slice(0, 3) ?? [];
  return [
    `Each folder is taken for a class, ${first?.name} with all that is in ${inside.join(', ')}; if these are the classes, name the folder around them.`,
  ];
}

const ABOUT = /^(read[-_ ]?me|licen[cs]e|attribution|citation)\b/i;

/** How many images and other files lie below a folder; what is not read, and what is about them, is neither. */
function countBelow(folder: Folder): { images: number; others: number } {
  let images = 0;
  for (const file of folder.files) if (IMAGE.test(file)) images += 1;
  let others = folder.files.filter((file) => !UNREAD_IMAGE.test(file) && !ABOUT.test(file)).length - images;
  for (const child of folder.folders) {
    const below = countBelow(child);
    images += below.images;
    others += below.others;
  }
  return { images, others };
}

/** Pictures of where things are on those beside them, which show no class. */
const MASKS = /^(masks?|trimaps?|segmentations?|ground[-_ ]?truths?)$/i;

function masksIn(folder: Folder): readonly Folder[] {
  const masks = folder.folders.filter(({ name }) => MASKS.test(name));
  const hasPictures =
    hasOwnImages(folder) || folder.folders.some((child) => !masks.includes(child) && hasOwnImages(child));
  return hasPictures ? masks : [];
}

function remarkOnMasks(part: Folder): string[] {
  const masks = part.folders.flatMap(masksIn);
  const count = masks.reduce((sum, folder) => sum + countBelow(folder).images, 0);
  const names = [...new Set(masks.map(({ name }) => name))].join(', ');
  return count === 0 ? [] : [`${grouped(count)} images in folders called ${names} were left out.`];
}

/** The images below a folder, which may be millions, added to `images`. */
function imagesBelow(folder: Folder, images: string[] = []): string[] {
  const masks = masksIn(folder);
  for (const file of folder.files) if (IMAGE.test(file)) images.push(path.join(folder.path, file));
  for (const child of folder.folders) if (!masks.includes(child)) imagesBelow(child, images);
  return images;
}
