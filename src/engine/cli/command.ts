import { type ParseArgsConfig, parseArgs } from 'node:util';
import { firstLineOf, InputError, UsageError } from '../errors.ts';

/** A subcommand of `emms`. */
export interface Command {
  /** The command with its arguments and options, as its help shows them. */
  readonly synopsis: string;
  readonly summary: string;
  /** What its own help says besides. */
  readonly details?: string;
  run(args: readonly string[], signal: AbortSignal): Promise<void>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Options and arguments of a subcommand.
 * @throws UsageError for an unknown option, a missing value, or the wrong number of arguments
 */
export function parseCommandLine<T extends Options>(
  args: readonly string[],
  options: T,
  synopsis: string,
  positionals: number,
) {
  let parsed: ReturnType<typeof parseArgs<{ options: T; allowPositionals: true; args: string[]; strict: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${firstLineOf(error)} Usage: emms ${synopsis}`);
  }
  if (parsed.positionals.length !== positionals) throw new UsageError(`Usage: emms ${synopsis}`);
  return parsed;
}

/** @throws UsageError when the value is no whole number of at least `min` */
export function wholeNumber(value: string, option: string, min: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < min || value.trim() === '') {
    throw new UsageError(`--${option} ${value}: a whole number of at least ${min} is needed.`);
  }
  return number;
}

/** The parts of a list that was given with commas, with the option repeated, or both. */
export function commaSeparated(values: readonly string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => value.split(',')).filter((value) => value !== '');
}

/** @throws UsageError when the value is none of those allowed */
export function oneOf<const T extends string>(value: string, allowed: readonly T[], option: string): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw new UsageError(`--${option} ${value}: one of ${allowed.join(', ')}.`);
  return found;
}

/** Runs what knows its data, but not the files that they are from, and names these where it fails. */
export async function namingFiles<Result>(
  files: readonly (string | undefined)[],
  run: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${files.filter((file) => file !== undefined).join(', ')}: ${error.message}`);
  }
}
