import path from 'node:path';
import { IMAGE } from '../../files/imageNames.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, fileIn, filesNamed, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { readLines } from '../tables/lines.ts';
import { withTexts } from '../textFiles.ts';

const LIST = /^(.+)_(train|val|trainval|test)\.txt$/;
const XML = /\.xml$/i;
/** The annotation of an image takes a kilobyte or two. */
const MAX_XML_BYTES = 1024 * 1024;

/** An image with its classes, and where they stand. */
interface Found {
  readonly image: string;
  readonly where: string;
  readonly classes: string[];
}

/** A list of the images of a split, and those by the classes that are in them. */
interface Split {
  readonly name: string;
  readonly list: string | undefined;
  readonly ofClasses: readonly { readonly name: string; readonly list: string }[];
}

/**
 * PASCAL VOC2007 (and the later years) as unpacked from VOCtrainval_06-Nov-2007.tar
 * (http://host.robots.ox.ac.uk/pascal/VOC/voc2007/): in `VOCdevkit/VOC2007` there are `JPEGImages/000012.jpg` and, for
 * every class and split, `ImageSets/Main/car_train.txt` with lines such as `000012  1`: 1 where the class is in the
 * image, -1 where it isn't, 0 where it is hard to see. An image has one class or more; hard ones don't count. Copies
 * without these lists have the classes of the objects in `Annotations/000012.xml`, and the splits in
 * `ImageSets/Main/train.txt`, or none.
 */
export const voc: DatasetLayout = {
  format: 'pascal-voc',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isVoc);
    const images = root && below(root, 'JPEGImages');
    if (!root || !images) return undefined;
    const splits = splitsOf(root);
    const listed = [...new Set(splits.flatMap(({ ofClasses }) => ofClasses.map(({ name }) => name)))].sort();
    const source = listed.length > 0 ? `${listed.length} classes in ImageSets/Main` : 'objects in Annotations';
    return {
      task: 'image-classification',
      reason: `PASCAL VOC: ${images.files.length} images in JPEGImages, ${source}`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format, images);
        const files = new Map(
          images.files.filter((name) => IMAGE.test(name)).map((name) => [path.parse(name).name, name]),
        );
        const names = new Set(listed);
        for (const split of splits) {
          const found =
            split.ofClasses.length > 0
              ? listedImages(split.ofClasses, gathered, signal)
              : annotatedImages(root, split.list, gathered, signal);
          for await (const { image, where, classes } of found) {
            for (const name of classes) names.add(name);
            if (classes.length > 0) gathered.addFile(split.name, files.get(image) ?? `${image}.jpg`, classes, where);
            else gathered.skip('name images without any class that is easy to see', `${where}: ${image}`);
          }
        }
        return gathered.dataset([...names].sort(), signal);
      },
    };
  },
};

/** The images of a split by the lists of those in which a class is. */
async function* listedImages(
  ofClasses: Split['ofClasses'],
  gathered: LabelledImages,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  const found = new Map<string, Found>();
  for (const { name, list } of ofClasses) {
    for await (const { line, text } of readLines(list, signal)) {
      const where = `${path.basename(list)}:${line}`;
      const [, image, presence] = /^(\S+)\s+(-1|0|1)$/.exec(text.trim()) ?? [];
      if (image === undefined) gathered.skip('can not be understood', `${where}: ${text}`);
      else {
        const entry = found.get(image) ?? { image, where, classes: [] };
        if (presence === '1') entry.classes.push(name);
        found.set(image, entry);
      }
    }
  }
  yield* found.values();
}

/** The images of a split, all that have annotations where there is no list of them, by the objects that these tell of. */
async function* annotatedImages(
  root: Folder,
  list: string | undefined,
  gathered: LabelledImages,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  const annotations = annotationsIn(root);
  const images: { image: string; where: string }[] = [];
  if (list === undefined) for (const image of annotations.keys()) images.push({ image, where: `${image}.xml` });
  else {
    for await (const { line, text } of readLines(list, signal)) {
      images.push({ image: text.trim(), where: `${path.basename(list)}:${line}` });
    }
  }
  const fileOf = ({ image }: { image: string }) => annotations.get(image) ?? '';
  for await (const { item, text } of withTexts(images, fileOf, signal, MAX_XML_BYTES)) {
    if (/<\/annotation>$/.test(text)) yield { ...item, classes: classesIn(text) };
    else gathered.skip('have no annotation of objects that can be understood', `${item.where}: ${item.image}`);
  }
}

/** The classes of the objects that are easy to see, each once. */
function classesIn(xml: string): string[] {
  const [, ...objects] = without(without(xml, '<!--', '-->'), '<part>', '</part>').split('<object>');
  const names = objects.flatMap((rest) => {
    const [object = ''] = rest.split('</object>', 1);
    const name = /<difficult>\s*1\s*</.test(object) ? undefined : /<name>([^<]+)</.exec(object)?.[1]?.trim();
    return name ?? [];
  });
  return [...new Set(names)];
}

/** A text without what stands between marks; not by a pattern, which takes very long where many have no end. */
function without(text: string, start: string, end: string): string {
  const [first = '', ...others] = text.split(start);
  return first + others.map((rest) => (rest.includes(end) ? rest.slice(rest.indexOf(end) + end.length) : '')).join('');
}

function isVoc(folder: Folder): boolean {
  return below(folder, 'JPEGImages') !== undefined && splitsOf(folder).length > 0;
}

/**
 * Training and validation images apart, and together only where they are not apart; without any list, all images that have
 * annotations.
 */
function splitsOf(folder: Folder): Split[] {
  const main = below(folder, 'ImageSets/Main');
  const lists = (main?.files ?? []).flatMap((file) => {
    const [, name, split] = LIST.exec(file) ?? [];
    return main && name && split ? [{ name, split, list: path.join(main.path, file) }] : [];
  });
  const annotated = annotationsIn(folder).size > 0;
  const all = ['train', 'val', 'trainval', 'test'].flatMap((name): Split[] => {
    const ofClasses = lists.filter(({ split }) => split === name);
    const list = annotated ? fileIn(main, `${name}.txt`) : undefined;
    return ofClasses.length > 0 || list !== undefined ? [{ name, list, ofClasses }] : [];
  });
  if (all.length === 0) return annotated ? [{ name: 'all', list: undefined, ofClasses: [] }] : [];
  const names = all.map(({ name }) => name);
  const apart =
    names.includes('train') || !names.includes('trainval') ? ['train', 'val', 'test'] : ['trainval', 'test'];
  return all.filter(({ name }) => apart.includes(name));
}

/** The files of the annotations by the names of their images. */
function annotationsIn(folder: Folder): Map<string, string> {
  const files = filesNamed(below(folder, 'Annotations'), XML);
  return new Map(files.map((file) => [path.parse(file).name, file]));
}
