import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';

/** What texts come in: Latin-1 is taken for Windows-1252, which adds quotes, dashes and the euro to it. */
type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

/** What the bytes from 0x80 to 0x9f stand for; Node.js has control characters there. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/**
 * The text in some bytes, without byte order mark; a character that the end has cut is left out.
 * @param file that they are of, where it counts what they were taken for
 */
export function decodeText(bytes: Uint8Array, file?: string): string {
  const encoding = encodingOf(bytes) ?? 'windows-1252';
  if (encoding === 'windows-1252' && file !== undefined) noteGuess(file);
  return decoderOf(encoding)(bytes);
}

/**
 * The files that were taken for Windows-1252, which is a guess, with how many were before: as only who opens a dataset can
 * say so, and reading is many layers below.
 */
const guesses = new Map<string, number>();
const MAX_GUESSES = 100_000;
let guessed = 0;

function noteGuess(file: string): void {
  if (guesses.size < MAX_GUESSES || guesses.has(file)) guesses.set(file, guessed);
  guessed += 1;
}

/** From now on watches which files are taken for Windows-1252. @returns gives those below a folder */
export function watchGuesses(): (folder: string) => string[] {
  const start = guessed;
  return (folder) =>
    [...guesses].flatMap(([file, number]) => (number >= start && file.startsWith(folder + path.sep) ? file : []));
}

/** The bytes of a text file in UTF-8, whatever it is in, as a stream of buffers. */
export function readUtf8(file: string, options: { signal?: AbortSignal; highWaterMark?: number } = {}): Readable {
  return Readable.from(utf8Of(file, createReadStream(file, options)));
}

async function* utf8Of(file: string, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let transcode: ((bytes: Buffer) => Buffer) | undefined;
  // What is in ASCII is the same in each encoding, so that the first bytes beyond tell.
  let undecided: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = undecided.length > 0 ? Buffer.concat([undecided, chunk]) : chunk;
    const isPlain = transcode === undefined && isAscii(bytes);
    const encoding = transcode || isPlain ? undefined : encodingOf(bytes);
    if (encoding === 'windows-1252') noteGuess(file);
    if (encoding !== undefined) transcode = transcoderOf(encoding);
    const isKnown = transcode !== undefined || isPlain;
    undecided = isKnown ? Buffer.alloc(0) : bytes;
    if (isKnown) yield transcode?.(bytes) ?? bytes;
  }
  if (undecided.length > 0) yield Buffer.from(decodeText(undecided, file));
}

function transcoderOf(encoding: Encoding): (bytes: Buffer) => Buffer {
  if (encoding === 'utf-8') return (bytes) => bytes;
  const decode = decoderOf(encoding);
  return (bytes) => Buffer.from(decode(bytes));
}

/**
 * What a text is in: UTF-16 by its byte order mark, else UTF-8, unless most of what is no ASCII is damaged then: texts
 * that were cut between two bytes of a character are in UTF-8 all the same.
 * @returns nothing where the one character that tells is cut
 */
function encodingOf(bytes: Uint8Array): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (isUtf8(bytes)) return 'utf-8';
  const text = new TextDecoder('utf-8').decode(bytes, { stream: true });
  const damaged = text.match(/\uFFFD/g)?.length ?? 0;
  const whole = text.match(/[\u0080-\uFFFC]/g)?.length ?? 0;
  if (damaged + whole === 0) return undefined;
  return damaged <= whole ? 'utf-8' : 'windows-1252';
}

/** Decodes the bytes of a text one part after the other. */
function decoderOf(encoding: Encoding): (bytes: Uint8Array) => string {
  if (encoding === 'windows-1252') return fromWindows1252;
  const decoder = new TextDecoder(encoding);
  return (bytes) => decoder.decode(bytes, { stream: true });
}

function fromWindows1252(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80] ?? character);
}
