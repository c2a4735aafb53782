import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { fileIn } from './folders.ts';
import { headOf } from './tables/csv.ts';

const CARD = 'README.md';
const CARD_BYTES = 256 * 1024;

/**
 * Names of the classes that the dataset card in a folder declares, by column, or that the one in the folder around it
 * does, as a configuration of a dataset has a folder of its own; none where there is no card.
 */
export async function classNamesBeside(folder: Folder): Promise<ReadonlyMap<string, readonly string[]>> {
  const card = fileIn(folder, CARD) ?? path.join(path.dirname(folder.path), CARD);
  return classNamesInCard(await headOf(card, CARD_BYTES).catch(() => ''));
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
  const agreed = declared.filter(({ column: own, names: first }) =>
    declared.every((other) => other.column !== own || other.names.join('\n') === first.join('\n')),
  );
  return new Map(agreed.map(({ column: own, names: first }) => [own, first]));
}

function unquoted(text: string): string {
  if (/^'.*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (/^".*"$/.test(text)) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  return text;
}
