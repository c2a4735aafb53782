import { InputError } from '../errors.ts';
import { quoted } from '../files/unreadable.ts';

/** Names that a message lists: the last ones, where a network has more. */
const MAX_LISTED = 24;

/**
 * @param names of the network's tensors, in the order in which they are computed
 * @param tensor that a person named, to read the features from
 * @throws InputError listing names, those that contain the person's where there are such
 */
export function requireTensor(names: readonly string[], tensor: string, file: string): void {
  if (names.includes(tensor)) return;
  const alike = names.filter((name) => name.includes(tensor));
  const listed = (alike.length > 0 ? alike : names).slice(-MAX_LISTED);
  const which = listed.length < names.length ? `its ${names.length}, such as` : 'these:';
  throw new InputError(
    `${file}: there is no tensor ${quoted(tensor)} to read the features from. Name one of ${which} ${listed.map(quoted).join(', ')}.`,
  );
}
