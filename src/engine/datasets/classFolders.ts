import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import type { Dataset, DatasetLayout, Sample } from './dataset.ts';

const IMAGE = /\.(png|jpe?g|webp|gif|tiff?|avif)$/i;
const SPLIT = /^(train|training|val|valid|validation|dev|test|testing)$/i;

/**
 * Images in one folder per class, `<dataset>/<class>/*.png`, or with splits, `<dataset>/<split>/<class>/*.png`: the
 * layout of torchvision's ImageFolder. Classes are the folders' names in the order of their code points; images may lie
 * deeper below their class.
 */
export const classFolders: DatasetLayout = {
  format: 'class-folders',

  detect(folder, asked) {
    const splitFolders = folder.folders.filter((child) => SPLIT.test(child.name));
    const withSplits = splitFolders.filter((split) => classesOf(split, asked).length > 0);
    const parts = withSplits.length > 0 ? withSplits : [folder];
    const classes = [...new Set(parts.flatMap((part) => classesOf(part, asked).map(({ name }) => name)))].sort();
    if (classes.length < (asked ? 1 : 2)) return undefined;

    const labels = new Map(classes.map((name, index) => [name, index]));
    const splits = new Map<string, Sample[]>();
    for (const part of parts) {
      splits.set(
        part === folder ? 'all' : part.name,
        classesOf(part, asked).flatMap(({ name, images }) =>
          images.map((file) => ({
            id: path.relative(folder.path, file).split(path.sep).join('/'),
            file,
            label: labels.get(name) ?? 0,
          })),
        ),
      );
    }
    return {
      path: folder.path,
      format: this.format,
      task: 'image-classification',
      classes,
      splits,
    } satisfies Dataset;
  },
};

/**
 * The class folders directly inside a folder, with their images. Where nobody named the folder, it has to look like a
 * dataset through and through: two classes or more, and hardly anything but images in them, so that the pictures of a
 * documentation or a web page are not taken for one.
 */
function classesOf(folder: Folder, asked: boolean): { name: string; images: string[] }[] {
  const classes = folder.folders.map((child) => ({ name: child.name, ...contents(child) }));
  const withImages = classes.filter(({ images }) => images.length > 0);
  if (asked) return withImages;
  const images = withImages.reduce((sum, child) => sum + child.images.length, 0);
  const others = classes.reduce((sum, child) => sum + child.others, 0);
  const plausible = withImages.length >= 2 && images >= 2 * withImages.length && others <= images / 10;
  return plausible && !withImages.some(({ name }) => SPLIT.test(name)) ? withImages : [];
}

function contents(folder: Folder): { images: string[]; others: number } {
  const images: string[] = [];
  let others = 0;
  for (const file of folder.files) {
    if (IMAGE.test(file)) images.push(path.join(folder.path, file));
    else others += 1;
  }
  for (const child of folder.folders) {
    const inside = contents(child);
    images.push(...inside.images);
    others += inside.others;
  }
  return { images, others };
}
