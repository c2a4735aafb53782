import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from '../annotatedSamples.ts';
import type { Dataset, DatasetLayout } from '../dataset.ts';
import { countImages, filesNamed, locate } from '../folders.ts';
import { ImageFinder, ImageIndex } from '../imageIndex.ts';
import { headOf } from '../tables/csv.ts';
import { hasKeys, readJsonList } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

const NAME = /^dataset.*\.json$/i;
const ANNOTATION_FOLDER = /annotation|caption|karpathy|split/i;
const FILE_NAME = /"filename"\s*:\s*"([^"\\]+)"/g;
const MEMBERS = ['filename', 'filepath', 'split', 'sentences'];
const IMAGES = ['images', 'RSICD_images', 'Images', 'Flicker8k_Dataset', 'flickr30k_images', 'flickr30k-images'];

/**
 * Captions in Karpathy's format (https://cs.stanford.edu/people/karpathy/deepimagesent/): `dataset_flickr8k.json`,
 * `dataset_coco.json`, and RSICD's `dataset_rsicd.json` with `RSICD_images/`
 * (https://github.com/201528014227051/RSICD_optimal). `images` is a list of `{filename, split, sentences: [{raw}]}`; one
 * sample per sentence. The three that his archive unpacks side by side are a choice, those with pictures first.
 */
export const karpathyCaptions: DatasetLayout = {
  format: 'karpathy-captions',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => jsonFiles(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    const files: { file: string; missing: boolean }[] = [];
    const finder = new ImageFinder(root, new ImageIndex(root), IMAGES);
    for (const file of jsonFiles(root)) {
      const head = await headOf(file);
      if (!hasKeys(head, ['images', 'filename']) || !head.includes('"raw"')) continue;
      const named = [...head.matchAll(FILE_NAME)].flatMap(([, name]) => name ?? []);
      files.push({ file, missing: !named.some((name) => finder.find(name) !== undefined) });
    }
    return files
      .sort((a, b) => Number(a.missing) - Number(b.missing))
      .map(({ file }) => ({
        task: 'image-captioning',
        path: file,
        reason: `captions in Karpathy's format: ${path.basename(file)} with ${formatCount(countImages(root))} images`,
        open: (signal, counting) => openCaptions(root, this.format, file, signal, counting),
      }));
  },
};

async function openCaptions(
  root: Folder,
  format: string,
  file: string,
  signal: AbortSignal | undefined,
  counting: boolean | undefined,
): Promise<Dataset> {
  const samples = new AnnotatedSamples(root, format, 'image-captioning', IMAGES, counting);
  for await (const entries of readJsonList(file, 'images', { members: MEMBERS, signal })) {
    for (const { entry, value } of entries) {
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
          samples.add({ split, file, where, id: String(index), image, target: { kind: 'text', text: caption } });
        }
      }
    }
  }
  return samples.dataset();
}

function jsonFiles(folder: Folder): string[] {
  const places = [folder, ...folder.folders.filter(({ name }) => ANNOTATION_FOLDER.test(name))];
  return places.flatMap((place) => filesNamed(place, NAME));
}
