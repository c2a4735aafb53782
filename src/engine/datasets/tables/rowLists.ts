import { readJsonList, rowsAmong } from './json.ts';
import { isRecord, type JsonRows } from './jsonl.ts';

/** What people call the rows in an object that tells of them. */
const ROWS = /"(data|annotations|questions|examples|samples|records|rows)"\s*:\s*\[\s*\{/;
const SPLITS = ['train', 'training', 'val', 'valid', 'validation', 'dev', 'test'];
const BY_SPLIT = new RegExp(String.raw`^\s*\{\s*"(${SPLITS.join('|')})"\s*:\s*\[\s*\{`);

/**
 * The rows of a table in a JSON object: `{"version": 1, "data": [{…}, …]}`, or `{"train": [{…}, …], "test": […]}`, which
 * have a column `split` then.
 * @param head the first kilobytes of the file
 * @returns nothing where rows refer to another list, that of images in COCO's files
 */
export function rowListsIn(file: string, head: string): JsonRows | undefined {
  if (BY_SPLIT.test(head)) return (signal) => rowsBySplit(file, signal);
  const list = /^\s*\{/.test(head) && !/"images"\s*:\s*\[/.test(head) ? ROWS.exec(head)?.[1] : undefined;
  return list === undefined ? undefined : (signal) => rowsAmong(readJsonList(file, list, { signal }));
}

async function* rowsBySplit(file: string, signal?: AbortSignal): ReturnType<JsonRows> {
  for (const split of SPLITS) {
    for await (const { line, value } of rowsAmong(readJsonList(file, split, { signal }))) {
      yield { line, value: isRecord(value) ? { split, ...value } : value };
    }
  }
}
