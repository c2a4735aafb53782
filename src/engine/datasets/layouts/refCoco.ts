import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import type { PickleValue } from '../../pickle/values.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from '../annotatedSamples.ts';
import type { Dataset, DatasetLayout } from '../dataset.ts';
import { countImages, fileIn, locate } from '../folders.ts';
import { readPickledBytes, readPickledList } from '../pickledList.ts';
import { indexJsonList } from '../tables/json.ts';

const REFS = /^refs\((\w+)\)\.p$/i;
const IMAGES = ['train2014', 'images/train2014', 'images/mscoco/images/train2014', 'images'];
/** `refer/data/refcoco` beside `coco/train2014`. */
const MAX_DEPTH = 3;
/** Who divided the images into splits; the first that is there is the one that papers report. */
const DIVIDED_BY = ['unc', 'umd', 'google'];

/**
 * RefCOCO, RefCOCO+ and RefCOCOg (https://github.com/lichengunc/refer): `refs(unc).p`, a pickled list of objects with
 * their sentences and split, and `instances.json` with the boxes as COCO has them; pictures of COCO's train2014. One
 * sample per sentence; the label is the box. The pickle is interpreted, not executed. Datasets that lie side by side, and
 * divisions into splits, are a choice.
 */
export const refCoco: DatasetLayout = {
  format: 'refcoco',

  async recognise(folder, asked) {
    const home = locate(folder, asked, (candidate) => rootsIn(candidate).length > 0);
    return rootsIn(home).flatMap(({ root, around }) => {
      const instances = fileIn(root, 'instances.json');
      // The pictures are shared by the datasets, and lie beside their folders as often as in them.
      const images = [root, ...around, folder].find((place) => countImages(place) > 0);
      if (images === undefined) return [];
      return refsFiles(root).map((refs, index) => ({
        task: 'referring-expression-comprehension' as const,
        path: index === 0 ? root.path : refs,
        reason: `referring expressions: ${root.name}/${path.basename(refs)} and instances.json with ${formatCount(countImages(images))} images`,
        open: (signal?: AbortSignal, counting?: boolean) =>
          openRefs(images, this.format, refs, instances, signal, counting),
      }));
    });
  },
};

async function openRefs(
  images: Folder,
  format: string,
  file: string,
  instances: string | undefined,
  signal: AbortSignal | undefined,
  counting: boolean | undefined,
): Promise<Dataset> {
  if (instances === undefined) {
    throw new InputError(`${file}: instances.json, which has the boxes, is not there; put it beside.`);
  }
  const samples = new AnnotatedSamples(images, format, 'referring-expression-comprehension', IMAGES, counting);
  // Together, for the pickle is read from disk at once and the other file bit by bit.
  const [boxOf, refs] = await Promise.all([boxesIn(instances, signal), readPickledBytes(file, signal)]);
  let entry = 0;
  const add = (ref: PickleValue) => {
    entry += 1;
    const where = placeIn(file, entry);
    const split = textOf(field(ref, 'split')) ?? 'all';
    const sentences = field(ref, 'sentences');
    const box = boxOf(field(ref, 'ann_id'));
    if (!box) samples.skip('have no box in instances.json', where);
    else if (!Array.isArray(sentences)) samples.skip('have no sentence', where);
    else {
      const target = { kind: 'box', box: box.shares } as const;
      for (const sentence of sentences) {
        const text = textOf(field(sentence, 'sent')) ?? textOf(field(sentence, 'raw'));
        const id = keyOf(field(sentence, 'sent_id')) ?? `${entry - 1}:${text}`;
        if (text === undefined) samples.skip('have no sentence', where);
        else samples.add({ split, file, where, id, image: box.image, text, target });
      }
    }
  };
  readPickledList(file, refs, 'a list of referring expressions', add, 'tokens');
  return samples.dataset();
}

interface Box {
  /** The picture's file. */
  readonly image: string;
  readonly shares: readonly [left: number, top: number, width: number, height: number];
}

/** The boxes of annotations, as shares of their pictures, by the annotations' ids. */
async function boxesIn(file: string, signal: AbortSignal | undefined): Promise<(id: unknown) => Box | undefined> {
  const pictures = await indexJsonList(file, 'images', ['id', 'file_name', 'width', 'height'], pictureOf, signal);
  // In columns, for there are several times as many as are referred to.
  const boxed: Picture[] = [];
  const numbers: number[] = [];
  const places = await indexJsonList(
    file,
    'annotations',
    ['id', 'image_id', 'bbox'],
    (annotation) => {
      const picture = pictures.get(annotation.image_id);
      const [left, top, width, height] = numbersIn(annotation.bbox);
      if (picture === undefined || left === undefined || top === undefined) return undefined;
      if (width === undefined || height === undefined) return undefined;
      boxed.push(picture);
      numbers.push(left, top, width, height);
      return [annotation.id, boxed.length - 1];
    },
    signal,
  );
  return (id) => {
    const place = places.get(id) ?? -1;
    const picture = boxed[place];
    if (!picture) return undefined;
    const [left = 0, top = 0, width = 0, height = 0] = numbers.slice(4 * place, 4 * place + 4);
    const shares = [
      left / picture.width,
      top / picture.height,
      width / picture.width,
      height / picture.height,
    ] as const;
    return { image: picture.name, shares };
  };
}

interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

function pictureOf(value: Record<string, unknown>): [id: unknown, picture: Picture] | undefined {
  const [name, [width = 0, height = 0]] = [textOf(value.file_name), numbersIn([value.width, value.height])];
  return name !== undefined && width > 0 && height > 0 ? [value.id, { name, width, height }] : undefined;
}

function numbersIn(values: unknown): number[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'number') ? values : [];
}

function field(value: PickleValue | undefined, name: string): PickleValue | undefined {
  return value instanceof Map ? value.get(name) : undefined;
}

/** A dataset's folder, and those that it lies in, the nearest first. */
interface Place {
  readonly root: Folder;
  readonly around: readonly Folder[];
}

/** The folders of the datasets, RefCLEF's, which has other pictures, after those of COCO. */
function rootsIn(folder: Folder | undefined): Place[] {
  return (folder ? placesIn(folder, [], MAX_DEPTH) : [])
    .filter(({ root }) => refsFiles(root).length > 0)
    .sort((a, b) => Number(/clef/i.test(a.root.name)) - Number(/clef/i.test(b.root.name)));
}

function placesIn(root: Folder, around: readonly Folder[], depth: number): Place[] {
  const inside = depth === 0 ? [] : root.folders;
  return [{ root, around }, ...inside.flatMap((child) => placesIn(child, [root, ...around], depth - 1))];
}

function refsFiles(folder: Folder): string[] {
  const place = (name: string) => {
    const known = DIVIDED_BY.indexOf(REFS.exec(name)?.[1]?.toLowerCase() ?? '');
    return known < 0 ? DIVIDED_BY.length : known;
  };
  return folder.files
    .filter((name) => REFS.test(name))
    .sort((a, b) => place(a) - place(b))
    .map((name) => path.join(folder.path, name));
}
