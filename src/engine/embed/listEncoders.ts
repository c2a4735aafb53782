import type { Encoder, RankParams } from '../../protocol/engine.ts';
import { findEncoder, hubIdOf, KNOWN_ENCODERS } from './encoders.ts';

/** The text encoders that have names of their own, and whether they are on this machine. */
export async function listEncoders({ encoderSet }: Pick<RankParams, 'encoderSet'>): Promise<Encoder[]> {
  const options = { paper: encoderSet === 'paper' };
  return Promise.all(
    [...KNOWN_ENCODERS.keys()].map(async (name) => ({
      name,
      model: hubIdOf(name, options) ?? name,
      present: (await findEncoder(name, options)) !== undefined,
    })),
  );
}
