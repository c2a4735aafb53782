import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type PickleValue, readPickle } from '../checkpoints/containers/pickle.ts';
import { UnreadableError } from '../checkpoints/containers/unreadable.ts';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { countImages, fileIn, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { readJsonLists } from './tables/jsonLists.ts';
import { isRecord } from './tables/jsonl.ts';

const REFS = /^refs\((\w+)\)\.p$/i;
/** The refs of RefCOCOg take 50 MB; what they become in memory is larger. */
const MAX_REFS_BYTES = 512 * 1024 * 1024;
const PICKLE_MEMORY_BYTES = 4 * 1024 * 1024 * 1024;
const IMAGES = ['train2014', 'images/train2014', 'images/mscoco/images/train2014', 'images'];

/**
 * RefCOCO, RefCOCO+ and RefCOCOg (https://github.com/lichengunc/refer): `refs(unc).p`, a pickled list of objects with
 * their sentences and split, and `instances.json` with the boxes as COCO has them; pictures of COCO's train2014. One
 * sample per sentence; the label is the box. The pickle is interpreted, not executed.
 */
export const refCoco: DatasetLayout = {
  format: 'refcoco',

  async recognise(folder, asked) {
    const isRoot = (candidate: Folder) =>
      refsFile(candidate) !== undefined && fileIn(candidate, 'instances.json') !== undefined;
    // The pictures are shared by the three datasets, and lie beside their folders as often as in them.
    const root = [folder, ...folder.folders].find(isRoot) ?? locate(folder, asked, isRoot);
    const refs = root && refsFile(root);
    const instances = fileIn(root, 'instances.json');
    if (!root || !refs || !instances) return undefined;
    const images = countImages(root) > 0 ? root : folder;
    if (countImages(images) === 0) return undefined;
    return {
      task: 'referring-expression-comprehension',
      reason: `referring expressions: ${path.basename(refs)} and instances.json with ${grouped(countImages(images))} images`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(images, this.format, 'referring-expression-comprehension', IMAGES);
        const boxes = await boxesIn(instances, signal);
        for (const [index, ref] of (await readRefs(refs, signal)).entries()) {
          const where = placeIn(refs, index + 1);
          const box = boxes.get(keyOf(field(ref, 'ann_id')) ?? '');
          const split = textOf(field(ref, 'split')) ?? 'all';
          const sentences = field(ref, 'sentences');
          if (!box) samples.skip('have no box in instances.json', where);
          else if (!Array.isArray(sentences)) samples.skip('have no sentence', where);
          else {
            for (const sentence of sentences) {
              const text = textOf(field(sentence, 'sent')) ?? textOf(field(sentence, 'raw'));
              const id = keyOf(field(sentence, 'sent_id')) ?? `${index}:${text}`;
              if (text === undefined) samples.skip('have no sentence', where);
              else {
                const target = { kind: 'box', box: box.shares } as const;
                samples.add({ split, file: refs, where, id, image: box.image, text, target });
              }
            }
          }
        }
        return samples.dataset();
      },
    };
  },
};

type Shares = readonly [number, number, number, number];

/** The box of each annotation as shares of its picture, and the picture's file. */
async function boxesIn(
  file: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, { image: string; shares: Shares }>> {
  const images = new Map<string, { name: string; width: number; height: number }>();
  const found: { id: string; image: string; box: readonly number[] }[] = [];
  for await (const { list, value } of readJsonLists(file, ['images', 'annotations'], signal)) {
    if (!isRecord(value)) continue;
    const id = keyOf(value.id);
    if (id === undefined) continue;
    if (list === 'images') {
      const { width, height } = value;
      const name = textOf(value.file_name);
      if (name !== undefined && typeof width === 'number' && typeof height === 'number' && width > 0 && height > 0) {
        images.set(id, { name, width, height });
      }
    } else if (Array.isArray(value.bbox) && value.bbox.every((edge) => typeof edge === 'number')) {
      found.push({ id, image: keyOf(value.image_id) ?? '', box: value.bbox });
    }
  }
  return new Map(
    found.flatMap(({ id, image, box: [left, top, width, height] }) => {
      const picture = images.get(image);
      if (!picture || left === undefined || top === undefined || width === undefined || height === undefined) return [];
      const shares: Shares = [
        left / picture.width,
        top / picture.height,
        width / picture.width,
        height / picture.height,
      ];
      return [[id, { image: picture.name, shares }] as const];
    }),
  );
}

async function readRefs(file: string, signal: AbortSignal | undefined): Promise<PickleValue[]> {
  const { size } = await stat(file);
  if (size > MAX_REFS_BYTES) throw new InputError(`${file}: larger than any list of referring expressions.`);
  try {
    const bytes = await readFile(file, signal && { signal });
    const refs = readPickle(bytes, { expected: 'a list of referring expressions', memoryBytes: PICKLE_MEMORY_BYTES });
    if (!Array.isArray(refs)) throw new UnreadableError('it holds no list of referring expressions', 'Get it again.');
    return refs;
  } catch (error) {
    if (error instanceof UnreadableError) throw new InputError(`${file}: ${error.message}. ${error.remedy}`);
    throw error;
  }
}

function field(value: PickleValue | undefined, name: string): PickleValue | undefined {
  return value instanceof Map ? value.get(name) : undefined;
}

function refsFile(folder: Folder): string | undefined {
  const name = folder.files.find((file) => REFS.test(file));
  return name === undefined ? undefined : path.join(folder.path, name);
}
