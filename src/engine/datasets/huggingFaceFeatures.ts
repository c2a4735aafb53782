import { isRecord, parseJson } from './tables/jsonl.ts';
import type { ParquetTable } from './tables/parquet.ts';

/** What the library `datasets` says of a column. */
export interface Feature {
  /** `Image`, `ClassLabel`, `Value`, …; of a list the type of its entries. */
  readonly type: string;
  /** The names of the classes that its numbers stand for. */
  readonly names: readonly string[] | undefined;
}

/** The columns as the library `datasets` describes them in the metadata of a parquet file, under `huggingface`. */
export function featuresOf(table: ParquetTable): ReadonlyMap<string, Feature> {
  const metadata = parseJson(table.note('huggingface') ?? '');
  const info = isRecord(metadata) ? metadata.info : undefined;
  return isRecord(info) ? featuresIn(info) : new Map();
}

/** The columns as the library describes them in what it says of a dataset. */
export function featuresIn({ features }: Record<string, unknown>): ReadonlyMap<string, Feature> {
  const described = new Map<string, Feature>();
  for (const [name, feature] of Object.entries(isRecord(features) ? features : {})) {
    const listed = Array.isArray(feature) ? feature[0] : isRecord(feature) ? (feature.feature ?? feature) : undefined;
    if (!isRecord(listed) || typeof listed._type !== 'string') continue;
    const names = Array.isArray(listed.names) ? listed.names.map(String) : undefined;
    described.set(name, { type: listed._type, names });
  }
  return described;
}

/**
 * The classes that a cell names: a number stands for a name where there are names, and −1 for none then; a list may hold
 * several, or a mark for each class, `[0, 1, 0]`.
 */
export function classesIn(value: unknown, names: readonly string[] = []): string[] {
  if (Array.isArray(value)) {
    const marked: unknown[] = areMarks(value) ? [...value.keys()].filter((index) => Number(value[index]) === 1) : value;
    return marked.flatMap((item) => classesIn(item, names));
  }
  if (value instanceof Uint8Array) return classesIn(Buffer.from(value).toString('utf8'), names);
  if (typeof value === 'string') return value.trim() === '' ? [] : [value.trim()];
  if (typeof value === 'boolean') return [String(value)];
  if (typeof value !== 'number' && typeof value !== 'bigint') return [];
  if (Number.isNaN(value) || (names.length > 0 && value < 0)) return [];
  return [names[Number(value)] ?? String(value)];
}

/** Whether a list can't be one of classes, for it has the same number again, and no other than 0 and 1. */
function areMarks(list: readonly unknown[]): boolean {
  const numbers = list.map((item) => (typeof item === 'bigint' ? Number(item) : item));
  return list.length > 2 && numbers.every((number) => number === 0 || number === 1);
}
