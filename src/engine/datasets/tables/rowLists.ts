import { readJsonList } from './json.ts';
import { isRecord, type JsonLine } from './jsonl.ts';

/** What people call the rows in an object that tells of them. */
const ROWS = /"(data|annotations|questions|examples|samples|records|rows)"\s*:\s*\[\s*\{/;
const SPLITS = ['train', 'training', 'val', 'valid', 'validation', 'dev', 'test'];
const BY_SPLIT = new RegExp(String.raw`^\s*\{\s*"(${SPLITS.join('|')})"\s*:\s*\[\s*\{`);

/** The rows of a table in a JSON object, and a column `split` where there is a list for each. */
type RowLists = (signal?: AbortSignal) => AsyncGenerator<JsonLine>;

/**
 * The rows of a table in a JSON object: `{"version": 1, "data": [{…}, …]}`, or `{"train": [{…}, …], "test": […]}`.
 * @param head the first kilobytes of the file
 * @returns nothing where rows refer to another list, that of images in COCO's files
 */
export function rowListsIn(file: string, head: string): RowLists | undefined {
  if (BY_SPLIT.test(head)) return (signal) => rowsBySplit(file, signal);
  const list = /^\s*\{/.test(head) && !/"images"\s*:\s*\[/.test(head) ? ROWS.exec(head)?.[1] : undefined;
  return list === undefined ? undefined : (signal) => rowsIn(file, list, signal);
}

async function* rowsBySplit(file: string, signal?: AbortSignal): ReturnType<RowLists> {
  for (const split of SPLITS) {
    for await (const { line, value } of rowsIn(file, split, signal)) {
      yield { line, value: isRecord(value) ? { split, ...value } : value };
    }
  }
}

async function* rowsIn(file: string, list: string, signal?: AbortSignal): ReturnType<RowLists> {
  for await (const entries of readJsonList(file, list, undefined, signal)) {
    for (const { entry, value } of entries) yield { line: entry, value };
  }
}
