import { InputError } from '../errors.ts';

/** Why a file can't be used and what to do about it. It doesn't name the file: only who opened it knows how it is called. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
  readonly remedy: string;

  constructor(reason: string, remedy = 'The file is damaged or incomplete: download or copy it again.') {
    super(reason);
    this.remedy = remedy;
  }

  /** The same for the person, of the file called so. */
  about(file: string): InputError {
    return new InputError(`${file}: ${this.message}. ${this.remedy}`);
  }
}

/** Longer names in a message say no more. */
const MAX_SHOWN_CHARACTERS = 120;

/** A name out of an untrusted file, in quotes, cut short and without characters that would steer a terminal. */
export function quoted(name: string): string {
  const shown = name.length > MAX_SHOWN_CHARACTERS ? `${name.slice(0, MAX_SHOWN_CHARACTERS)}…` : name;
  return JSON.stringify(shown).replace(/[\u007f-\u009f\u2028\u2029]/g, '?');
}
