import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { huggingFaceCache } from '../files/modelCaches.ts';

// The layout of Hugging Face's cache, as huggingface_hub keeps it:
// models--<org>--<name>/{refs/<revision>, blobs/<etag>, snapshots/<commit>/<file> → ../../blobs/<etag>}

/** Folder of a model in the cache. */
export function modelFolder(id: string): string {
  return path.join(huggingFaceCache(), `models--${id.replaceAll('/', '--')}`);
}

/**
 * Folder of a model's files in the cache: of the commit that `main` was at when it was last looked up, else of the newest
 * that is whole.
 * @param isWhole whether a folder has all that is needed
 */
export async function cachedSnapshot(id: string, isWhole: (folder: string) => boolean): Promise<string | undefined> {
  const model = modelFolder(id);
  const main = (await readFile(path.join(model, 'refs', 'main'), 'utf8').catch(() => '')).trim();
  const snapshots = path.join(model, 'snapshots');
  const commits = await readdir(snapshots).catch((): string[] => []);
  const dated = await Promise.all(
    commits.map(async (commit) => ({ commit, time: (await stat(path.join(snapshots, commit))).mtimeMs })),
  );
  dated.sort((a, b) => Number(b.commit === main) - Number(a.commit === main) || b.time - a.time);
  return dated.map(({ commit }) => path.join(snapshots, commit)).find(isWhole);
}
