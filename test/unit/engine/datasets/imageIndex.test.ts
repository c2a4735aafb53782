import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageIndex } from '../../../../src/engine/datasets/imageIndex.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import { folderWith } from '../../../helpers/miniatures.ts';

async function indexOf(...files: string[]): Promise<{ index: ImageIndex; root: string }> {
  const root = await folderWith(Object.fromEntries(files.map((file) => [file, 'x'])));
  return { index: new ImageIndex((await walk(root)).root), root };
}

describe('the images of a folder', () => {
  it('are found by their exact paths, from the folder or from one in it', async () => {
    const { index, root } = await indexOf('b.jpg', 'train/a.jpg', 'train/deep/c.jpg', 'train/notes.txt');
    expect(index.size).toBe(3);
    expect(index.at('b.jpg')).toBe(path.join(root, 'b.jpg'));
    expect(index.at('train/deep/c.jpg')).toBe(path.join(root, 'train', 'deep', 'c.jpg'));
    expect(index.at('a.jpg', 'train')).toBe(path.join(root, 'train', 'a.jpg'));
    expect(index.at('deep/c.jpg', 'train')).toBe(path.join(root, 'train', 'deep', 'c.jpg'));
  });

  it.each(['/b.jpg', '//b.jpg', './b.jpg', '', '/', 'train', 'train/', 'train//a.jpg', '../b.jpg', 'B.jpg', 'a.jpg'])(
    'are not at the path %j',
    async (relative) => {
      const { index } = await indexOf('b.jpg', 'train/a.jpg');
      expect(index.at(relative)).toBeUndefined();
      expect(index.at(`/${relative}`, 'train')).toBeUndefined();
    },
  );

  it('are found in other letters and by what their paths end with, never from the root of the disk', async () => {
    const { index, root } = await indexOf('b.jpg', 'train/deep/c.jpg', 'val/deep/c.jpg');
    expect(index.find('TRAIN\\Deep/../deep/C.JPG')).toBe(path.join(root, 'train', 'deep', 'c.jpg'));
    expect(index.find('/b.jpg')).toBeUndefined();
    expect(index.endingWith('Deep/c.jpg')).toEqual([
      { base: 'train', file: path.join(root, 'train', 'deep', 'c.jpg') },
      { base: 'val', file: path.join(root, 'val', 'deep', 'c.jpg') },
    ]);
  });

  it('repeat names only where folders of different splits do', async () => {
    expect((await indexOf('train/a.jpg', 'val/a.jpg')).index.repeatsNames).toBe(true);
    expect((await indexOf('train/a.jpg', 'train/more/a.jpg', 'val/b.jpg')).index.repeatsNames).toBe(false);
    expect((await indexOf('train/a.jpg', 'train/b.jpg')).index.repeatsNames).toBe(false);
  });
});
