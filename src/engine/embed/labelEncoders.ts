import { InputError } from '../errors.ts';

/**
 * The label encoders that a ranking will use.
 * @param asked `auto`, `onehot`, or names of text encoders
 * @throws InputError for an encoder that this version does not have
 */
export function chooseLabelEncoders(asked: readonly string[]): string[] {
  const unknown = asked.find((name) => name !== 'auto' && name !== 'onehot');
  if (unknown !== undefined) {
    throw new InputError(`--label-encoders ${unknown}: text encoders are not part of this version. Use onehot.`);
  }
  return ['onehot'];
}
