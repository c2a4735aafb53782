import path from 'node:path';

/** File names that say nothing about what is in them: the folder's name does. */
const GENERIC_NAMES =
  /^((open_clip_)?(pytorch_)?model|model_state|checkpoint|weights|last|best|best_model|model_best)(\.safetensors|\.bin)?$/i;
/** `models--org--name/snapshots/<commit>/` in the Hugging Face cache. */
const HUB_SNAPSHOT = /models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/;

/** For people: the file's name, or its folder's where the file is called like any other. */
export function nameOf(file: string): string {
  const stem = path
    .basename(file)
    .replace(/\.index\.json$/i, '')
    .replace(/\.(safetensors|bin|pth|pt|ckpt|th|pth\.tar)$/i, '');
  if (!GENERIC_NAMES.test(stem)) return stem;
  const folder = path.dirname(file);
  const hub = HUB_SNAPSHOT.exec(folder);
  return hub?.[1] ? hub[1].replaceAll('--', '/') : path.basename(folder) || stem;
}
