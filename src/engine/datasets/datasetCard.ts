import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { fileIn } from './folders.ts';
import { featuresIn } from './huggingFaceFeatures.ts';
import { headOf } from './tables/csv.ts';
import { isRecord, parseJson } from './tables/jsonl.ts';

const CARD = 'README.md';
/** Where older datasets say of each configuration what cards say now. */
const INFOS = 'dataset_infos.json';
const CARD_BYTES = 256 * 1024;

/**
 * Names of the classes that the dataset card in a folder declares, or else its `dataset_infos.json`, by column; those of the
 * folder around it where it has neither, as a configuration of a dataset has a folder of its own.
 */
export async function classNamesBeside(folder: Folder): Promise<ReadonlyMap<string, readonly string[]>> {
  const read = (name: string) => {
    const file = fileIn(folder, name) ?? path.join(path.dirname(folder.path), name);
    return headOf(file, CARD_BYTES).catch(() => '');
  };
  return new Map([...classNamesInInfos(parseJson(await read(INFOS))), ...classNamesInCard(await read(CARD))]);
}

function classNamesInInfos(infos: unknown): Map<string, readonly string[]> {
  const configurations = isRecord(infos) ? Object.values(infos) : [];
  const declared = configurations.flatMap((info) =>
    isRecord(info) ? [...featuresIn(info)].map(([column, { names = [] }]) => ({ column, names })) : [],
  );
  return agreed(declared.filter(({ names }) => names.length > 0));
}

/**
 * Names of the classes that a dataset card declares, by column. A card is the README.md of a dataset on the Hugging Face
 * Hub; the YAML at its start describes the columns (https://huggingface.co/docs/hub/datasets-cards):
 *
 *     - name: label
 *       dtype:
 *         class_label:
 *           names:
 *             '0': airplane
 *
 * Only this much of YAML is understood, and lists `- airplane` in the place of numbers. Of a column that configurations
 * of the dataset declare differently nothing is known.
 */
export function classNamesInCard(text: string): Map<string, string[]> {
  const [, yaml = ''] = /^---\r?\n(.*?)\r?\n---/s.exec(text) ?? [];
  const declared: { column: string; names: string[] }[] = [];
  let column: string | undefined;
  let names: string[] | undefined;
  for (const line of yaml.split(/\r?\n/)) {
    const [, named] = /^\s*-\s*name:\s*(.+?)\s*$/.exec(line) ?? [];
    const [, number, name] = /^\s*['"]?(\d+)['"]?:\s*(.+?)\s*$/.exec(line) ?? [];
    const [, entry] = /^\s*-\s+('.*'|".*"|[^:]+?)\s*$/.exec(line) ?? [];
    if (named !== undefined) {
      column = unquoted(named);
      names = undefined;
    } else if (/^\s*names:\s*$/.test(line) && column !== undefined) {
      names = [];
      declared.push({ column, names });
    } else if (names && number !== undefined && name !== undefined) {
      // Numbers follow each other; one that is far off is no class.
      if (Number(number) === names.length) names.push(unquoted(name));
    } else if (names && entry !== undefined) names.push(unquoted(entry));
    else names = undefined;
  }
  return agreed(declared);
}

/** The columns that all configurations which have them declare alike. */
function agreed<Names extends readonly string[]>(
  declared: readonly { readonly column: string; readonly names: Names }[],
): Map<string, Names> {
  const alike = declared.filter(({ column, names }) =>
    declared.every((other) => other.column !== column || other.names.join('\n') === names.join('\n')),
  );
  return new Map(alike.map(({ column, names }) => [column, names]));
}

function unquoted(text: string): string {
  if (/^'.*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (/^".*"$/.test(text)) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  return text;
}
