import path from 'node:path';
import { headOf } from './csv.ts';
import { imageMapIn } from './imageMap.ts';
import { readJsonArray, rowsAmong } from './json.ts';
import { type JsonRows, readJsonLines } from './jsonl.ts';
import { rowListsIn } from './rowLists.ts';

/**
 * The rows of a table in JSON: JSON Lines, a JSON array, alone or in an object, one for each split, or a JSON object by the
 * names of images.
 * @returns nothing for other JSON
 */
export async function jsonRowsIn(file: string): Promise<JsonRows | undefined> {
  const lines: JsonRows = (signal) => readJsonLines(file, signal);
  if (path.extname(file).toLowerCase() !== '.json') return lines;
  const head = (await headOf(file)).trimStart();
  if (head.startsWith('[')) return (signal) => rowsAmong(readJsonArray(file, signal));
  // JSON Lines under the name of JSON.
  if (/^\{.*\}\r?\n\{/.test(head)) return lines;
  return imageMapIn(file, head) ?? rowListsIn(file, head);
}
