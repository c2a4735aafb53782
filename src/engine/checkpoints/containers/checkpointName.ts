import path from 'node:path';

/** File names that say nothing about what is in them: the folder's name does. */
const GENERIC_NAMES =
  /^((open_clip_)?(pytorch_)?model|model_state|checkpoint|weights|last|best|best_model|model_best)(\.safetensors|\.bin)?$/i;
/** Folders within a training's that are called alike: Lightning's, say. */
const GENERIC_FOLDERS = /^(checkpoints?|ckpts?|weights)$/i;
/** `models--org--name/snapshots/<commit>/` in the Hugging Face cache. */
const HUB_SNAPSHOT = /models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/;

/** For people: the file's name, or that of its folder or the one around it where the file is called like any other. */
export function nameOf(file: string): string {
  const stem = path
    .basename(file)
    .replace(/\.index\.json$/i, '')
    .replace(/\.(safetensors|bin|pth|pt|ckpt|th|pth\.tar)$/i, '');
  if (!GENERIC_NAMES.test(stem)) return stem;
  const folder = path.dirname(file);
  const hub = HUB_SNAPSHOT.exec(folder);
  if (hub?.[1]) return hub[1].replaceAll('--', '/');
  const named = GENERIC_FOLDERS.test(path.basename(folder)) ? path.dirname(folder) : folder;
  return path.basename(named) || path.basename(folder) || stem;
}
