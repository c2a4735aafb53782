import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { IMAGE, UNREAD_IMAGE } from '../../files/imageNames.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout, Sample } from '../dataset.ts';
import { idWithin, remarkOnFormats } from '../folders.ts';
import { fileImage } from '../images.ts';
import { isSplitName, splitWithin } from '../splitNames.ts';

/**
 * Images in one folder per class, `<dataset>/<class>/*.png`, or with splits, `<dataset>/<split>/<class>/*.png`: the
 * layout of torchvision's ImageFolder. Classes are the folders' names in the order of their code points; images may lie
 * deeper below their class.
 */
export const classFolders: DatasetLayout = {
  format: 'class-folders',

  async recognise(folder, asked) {
    const parts = partsOf(folder, asked);
    const classes = [...new Set(parts.flatMap((part) => part.classes.map(({ name }) => name)))].sort();
    if (classes.length < (asked ? 1 : 2)) return undefined;
    const splits = parts.flatMap(({ split }) => split ?? []);
    const where = splits.length > 0 ? ` in ${splits.join(', ')}` : '';
    return {
      task: 'image-classification',
      reason: `images in one folder per class: ${classes.length} class folders${where}`,
      open: async () => {
        const labels = new Map(classes.map((name, index) => [name, index]));
        const samples = new Map(
          parts.map(({ split = 'all', classes: folders }): [string, Sample[]] => [
            split,
            folders.flatMap(({ name, images }) =>
              imagesBelow(images).map((file) => ({
                id: idWithin(folder, file),
                file,
                image: fileImage(file),
                label: labels.get(name) ?? 0,
              })),
            ),
          ]),
        );
        const places = new Set(parts.map(({ around }) => around));
        const warnings = [...places].flatMap((place) => [
          ...remarkOnNesting(place),
          ...remarkOnMasks(place),
          ...[remarkOnFormats(place) ?? []].flat(),
        ]);
        return {
          path: folder.path,
          format: this.format,
          task: 'image-classification',
          classes,
          splits: samples,
          warnings,
        };
      },
    };
  },
};

/** The classes of a split, or of all images where there are none. */
interface Part {
  readonly split?: string;
  /** The folder that those of the classes lie in. */
  readonly around: Folder;
  readonly classes: readonly { readonly name: string; readonly images: Folder }[];
}

function partsOf(folder: Folder, asked: boolean): Part[] {
  const splits = folder.folders.filter((child) => isSplitName(child.name));
  // Beside a split that is one through and through, a small one of a few images is, too.
  const isCertain = asked || splits.some((split) => classesOf(split, false).length > 0);
  const partOf = (around: Folder) => ({
    around,
    classes: classesOf(around, isCertain).map((images) => ({ name: images.name, images })),
  });
  const parts = splits.map((split) => ({ split: split.name, ...partOf(split) }));
  const withSplits = parts.filter(({ classes }) => classes.length > 0);
  return withSplits.length > 0 ? withSplits : splitsWithin(partOf(folder));
}

/** The splits of classes that all have theirs inside, `cat/train` and `cat/test`. */
function splitsWithin(part: Part): Part[] {
  const inside = part.classes.flatMap(({ name, images: folder }) =>
    folder.folders.filter(hasOwnImages).map((images) => ({ name, images })),
  );
  const splits = [...new Set(inside.map(({ images }) => images.name))];
  const areSplits = splits.length > 1 && splits.every(isSplitName);
  if (!areSplits || part.classes.some(({ images }) => hasOwnImages(images))) return [part];
  return splits.map((split) => ({ ...part, split, classes: inside.filter(({ images }) => images.name === split) }));
}

/**
 * Whether a folder is a dataset of classes for sure, and no class whose images lie in folders: it has splits of them, or is
 * called as what holds all images is.
 */
export function isWholeDataset(folder: Folder): boolean {
  const splits = folder.folders.filter(({ name }) => isSplitName(name));
  return [...splits, ...(isPart(folder.name) ? [folder] : [])].some((place) => classesOf(place, false).length > 0);
}

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
  if (isIndex || (deep.length === 1 && names.length === 1) || holdSplits(deep) || areVersions(deep)) return [];
  if (asked) return withImages;
  const images = contents.reduce((sum, child) => sum + child.images, 0);
  // One list in each class, of the boxes in its images, is no reason to doubt.
  const others = contents.reduce((sum, { child, others }) => sum + others - Number(child.files.some(isList)), 0);
  const plausible = withImages.length >= 2 && images >= 2 * withImages.length && others <= images / 10;
  return plausible && sharePartition(deep) ? withImages : [];
}

/** Parts of datasets in other layouts, which have their images in one or two folders. */
const PART =
  /^(images?|(car_)?ims|imgs?|jpe?gs?|pngs?|jpegimages|data|annotations?|labels?|masks?|trimaps?|segmentation.*|meta(data)?)$/i;

/** Files that say what the images beside them show. */
const ANNOTATIONS = /\.(jsonl?|csv|tsv|parquet|xml|mat)$/i;

const LIST = /\.(csv|txt)$/i;

function isList(file: string): boolean {
  return LIST.test(file);
}

/** Versions of the same images, each with all the classes in it: `color`, `grayscale` and `segmented` of PlantVillage. */
const VERSION =
  /^(colou?r(ed)?|gr[ae]y([-_ ]?scale)?|rgb|segmented|originals?|augmented|raw|resized|cropped|(pre)?processed|\d+x\d+)([-_ ](images?|data([-_ ]?set)?))?$/i;

/** Pieces that something large was published in: `HAM10000_images_part_1`, `images_001`, `batch2`. */
const NUMBERED_PART = /(^|[-_. ])(part|images?|imgs?|batch|chunk|fold|shard|volume)[-_. ]?\d+$/i;

function isPart(name: string): boolean {
  return PART.test(name) || NUMBERED_PART.test(name) || splitWithin(name) !== undefined;
}

/** Whether folders around others are named by different splits, `seg_train/seg_train` beside `seg_test/seg_test`. */
function holdSplits(deep: readonly Folder[]): boolean {
  return new Set(deep.flatMap(({ name }) => splitWithin(name) ?? [])).size > 1;
}

function areVersions(deep: readonly Folder[]): boolean {
  return deep.length > 1 && sharedAmong(deep).length > 1 && deep.some(({ name }) => VERSION.test(name));
}

/** The names of the folders with images inside. */
function partition({ folders }: Folder): string[] {
  return folders.filter(hasOwnImages).map(({ name }) => name);
}

function sharedAmong(deep: readonly Folder[]): string[] {
  const [first = [], ...others] = deep.map(partition);
  return first.filter((name) => others.every((names) => names.includes(name)));
}

function hasOwnImages(folder: Folder): boolean {
  return folder.files.some((file) => IMAGE.test(file));
}

/**
 * Whether classes whose images all lie one level deeper are divided in the same way, `cat/2019`, `dog/2019`. Folders with
 * different ones inside, with annotations beside them, or with the same words in more of them than they are, such as the
 * seven classes of PACS in each of its four styles, are datasets of their own.
 */
function sharePartition(classes: readonly Folder[]): boolean {
  if (classes.some(({ files }) => files.some((file) => ANNOTATIONS.test(file)))) return false;
  const words = sharedAmong(classes).filter((name) => !isPart(name) && !/\d/.test(name));
  if (words.length > classes.length) return false;
  const [first, ...others] = classes.map(partition);
  return (
    first === undefined || (others.length > 0 && others.every((names) => names.some((name) => first.includes(name))))
  );
}

const YEAR = /^(19|20)\d\d/;

/** What to say of classes that look like datasets of their own. */
function remarkOnNesting(part: Folder): string[] {
  const deep = part.folders.filter((child) => countBelow(child).images > 0 && !hasOwnImages(child));
  const parts = sharedAmong(deep).filter((name) => !isPart(name) && !YEAR.test(name));
  if (deep.length < 2 || (sharePartition(deep) && parts.length < 2)) return [];
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

/** A picture of the kind that is called after the one beside it: `benign (1)_mask.png`. */
const MASK_OF = /^(.+)[-_ ](mask|segmentation)([-_ ]?\d+)?\.[a-z]+$/i;

/** The names of a folder's images, and of the masks among them. */
function picturesIn({ files }: Folder): { images: readonly string[]; masks: readonly string[] } {
  const images = files.filter((file) => IMAGE.test(file));
  const called = images.filter((file) => MASK_OF.test(file));
  if (called.length === 0) return { images, masks: [] };
  const stems = new Set(images.map((file) => path.parse(file).name));
  const masks = new Set(called.filter((file) => stems.has(MASK_OF.exec(file)?.[1] ?? '')));
  return { images: images.filter((file) => !masks.has(file)), masks: [...masks] };
}

function remarkOnMasks(part: Folder): string[] {
  const folders = part.folders.flatMap(masksIn);
  const inFolders = folders.reduce((sum, folder) => sum + countBelow(folder).images, 0);
  const names = [...new Set(folders.map(({ name }) => name))].join(', ');
  const beside = part.folders.flatMap((folder) => picturesIn(folder).masks);
  return [
    ...(inFolders > 0 ? [`${formatCount(inFolders)} images in folders called ${names} were left out.`] : []),
    ...(beside.length > 0
      ? [
          `${formatCount(beside.length)} masks that are called after images beside them, such as ${beside[0]}, were left out.`,
        ]
      : []),
  ];
}

/** The images below a folder, which may be millions, added to `images`. */
function imagesBelow(folder: Folder, images: string[] = []): string[] {
  const masks = masksIn(folder);
  for (const file of picturesIn(folder).images) images.push(path.join(folder.path, file));
  for (const child of folder.folders) if (!masks.includes(child)) imagesBelow(child, images);
  return images;
}
