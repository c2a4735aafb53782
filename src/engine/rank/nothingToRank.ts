import { CHECKPOINT_ENDINGS } from '../../protocol/checkpointEndings.ts';
import type { RankParams } from '../../protocol/engine.ts';
import type { Skipped } from '../../protocol/report.ts';
import { InputError } from '../errors.ts';

/** No checkpoint lies where it was looked for. How to name another folder is known where the person is: an option, a setting. */
export class NoCheckpoints extends InputError {
  readonly where: string;

  constructor(where: string, howToName = '') {
    super(
      `${where}: no checkpoints (${CHECKPOINT_ENDINGS.join(', ')}) here. Put one there, or name their folder${howToName}.`,
    );
    this.where = where;
  }
}

/**
 * Why there is nothing to rank, in one line: the reason that most of the checkpoints have in common, with the first of
 * them. Another one may be about a file that the person has long forgotten.
 */
export function nothingToRank(
  { checkpoints, workspace }: Pick<RankParams, 'checkpoints' | 'workspace'>,
  skipped: readonly Skipped[],
): InputError {
  const where = checkpoints?.join(', ') ?? workspace;
  const byReason = new Map<string, string[]>();
  for (const { path, reason } of skipped) {
    const alike = byReason.get(reason);
    if (alike === undefined) byReason.set(reason, [path]);
    else alike.push(path);
  }
  const [most] = [...byReason].sort(([, one], [, other]) => other.length - one.length);
  if (most === undefined) return new NoCheckpoints(where);
  const [reason, [first, ...alike]] = most;
  const named = alike.length > 0 ? `${first} and ${alike.length} more` : first;
  const others = skipped.length - alike.length - 1;
  const rest = others > 0 ? ` (${others} more for other reasons)` : '';
  return new InputError(`${where}: no checkpoint can be ranked. ${named}: ${reason}${rest}`);
}
