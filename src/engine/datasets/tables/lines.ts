import path from 'node:path';
import { CancelledError, InputError } from '../../errors.ts';
import { readUtf8 } from './encoding.ts';

export interface Line {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** The longest line that is read; what is longer is no line of a list or of JSON Lines. */
const MAX_LINE_CHARACTERS = 8 * 1024 * 1024;

/**
 * The lines of a text file that hold more than white space, without line breaks and byte order mark.
 * @throws InputError when a line has no end
 */
export async function* readLines(file: string, signal?: AbortSignal): AsyncGenerator<Line> {
  const source = readUtf8(file, signal ? { signal } : {}).setEncoding('utf8');
  let line = 0;
  // The beginning of a line whose end is still to come, in pieces, as none is looked through twice.
  let pieces: string[] = [];
  let length = 0;
  try {
    for await (const chunk of source) {
      const [first = '', ...others]: string[] = chunk.split('\n');
      pieces.push(first);
      length += first.length;
      for (const next of others) {
        line += 1;
        const text = clean(line, pieces.join(''));
        if (text !== '') yield { line, text };
        pieces = [next];
        length = next.length;
      }
      if (length > MAX_LINE_CHARACTERS) {
        const limit = MAX_LINE_CHARACTERS / 1024 / 1024;
        throw new InputError(`${path.basename(file)}:${line + 1}: more than ${limit} MB in one line; break it up.`);
      }
    }
    line += 1;
    const text = clean(line, pieces.join(''));
    if (text !== '') yield { line, text };
  } catch (error) {
    throw signal?.aborted ? new CancelledError() : error;
  } finally {
    source.destroy();
  }
}

/** A line without byte order mark and carriage return, and nothing of one that holds white space only. */
function clean(line: number, text: string): string {
  const start = line === 1 && text.startsWith('\uFEFF') ? 1 : 0;
  const bare = text.slice(start, text.endsWith('\r') ? -1 : undefined);
  return bare.trim() === '' ? '' : bare;
}

/** The trimmed lines of a short list, such as the names of classes. */
export async function linesOf(file: string, signal?: AbortSignal): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of readLines(file, signal)) lines.push(text.trim());
  return lines;
}
