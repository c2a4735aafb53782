import { readLines } from './lines.ts';

/** A value and the line that it stands on, or its number in a list. */
export interface JsonLine {
  readonly line: number;
  /** `undefined` when the line is not JSON. */
  readonly value: unknown;
}

/** The rows of a table in JSON, each time that they are asked for. */
export type JsonRows = (signal?: AbortSignal) => AsyncGenerator<JsonLine>;

/** The values of a JSON Lines file, one per line. */
export async function* readJsonLines(file: string, signal?: AbortSignal): AsyncGenerator<JsonLine> {
  for await (const { line, text } of readLines(file, signal)) yield { line, value: parseJson(text) };
}

/** The value of a JSON text, or `undefined` when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object, whose fields can be asked for by name. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
