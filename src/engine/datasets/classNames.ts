import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import { fileIn } from './folders.ts';
import { linesOf } from './tables/lines.ts';

/** Lists of the names that numbered classes have, one per line. */
const NAME_LISTS = ['classes.txt', 'class_names.txt', 'classnames.txt', 'labels.txt', 'emotions.txt'];
/** Ratings by half stars are classes; numbers with fractions that differ more are measured. */
const MAX_FRACTIONS = 20;

/**
 * The names of numbered classes, as they are declared, or else by a list beside, where the first or the last of them tells
 * the first number.
 * @param places where the list may lie, the first one counts
 */
export async function namedClasses(
  classes: readonly string[],
  declared: readonly string[] | undefined,
  places: readonly Folder[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (classes.length === 0 || !classes.every((name) => /^\d+$/.test(name))) return classes;
  const byNumber = (names: readonly string[], start: number) => {
    const named = classes.flatMap((name) => names[Number(name) - start] ?? []);
    return named.length === classes.length ? named : classes;
  };
  if (declared) return byNumber(declared, 0);
  const list = places.flatMap((place) => NAME_LISTS.flatMap((name) => fileIn(place, name) ?? []))[0];
  if (list === undefined) return classes;
  const names = await linesOf(list, signal);
  const start = classes.includes('0') ? 0 : 1;
  return start === 1 && !classes.includes(String(names.length)) ? classes : byNumber(names, start);
}

/**
 * @param fractions those that rows before had, to which this one is added
 * @throws InputError when the classes turn out to be measurements
 */
export function requireClass(label: string | undefined, fractions: Set<string>, where: string): void {
  if (label === undefined || !/^-?\d*\.\d+(e-?\d+)?$/i.test(label)) return;
  fractions.add(label);
  if (fractions.size <= MAX_FRACTIONS) return;
  throw new InputError(
    `${where}: more than ${MAX_FRACTIONS} different numbers with fractions are no classes but measurements, which can't be ranked for; tell classes in the column.`,
  );
}
