import type { Remedy } from '../../protocol/webview.ts';
import { EngineInputError, EngineStoppedError, NoCheckpointsError, RequestCancelledError } from '../engine/errors.ts';

/** Why a ranking ended without a report. */
export interface Failure {
  /** For the person. */
  readonly message: string;
  /** For the log. */
  readonly detail: string;
  readonly cancelled: boolean;
  readonly remedy: Remedy | null;
}

/** @param error what was thrown instead of a report @param dataset how it is called */
export function describeFailure(error: unknown, dataset: string): Failure {
  if (error instanceof RequestCancelledError) {
    const message = `Ranking ${dataset} was cancelled; what it had finished is kept.`;
    return { message, detail: message, cancelled: true, remedy: 'resume' };
  }
  if (error instanceof EngineStoppedError) {
    // What Linux does to the largest process when memory runs out.
    const cause = error.reason === 'SIGKILL' ? `${error.reason}, as when memory runs out` : error.reason;
    const message = `The EMMS engine stopped (${cause}) while ranking ${dataset}; what it had finished is kept.`;
    return { message, detail: error.message, cancelled: false, remedy: 'resume' };
  }
  if (error instanceof EngineInputError) {
    const remedy = error instanceof NoCheckpointsError ? 'nameCheckpointFolders' : null;
    return { message: error.message, detail: error.message, cancelled: false, remedy };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `Ranking ${dataset} failed. The log says why.`, detail, cancelled: false, remedy: null };
}
