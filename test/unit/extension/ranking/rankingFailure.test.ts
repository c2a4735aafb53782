import { describe, expect, test } from 'vitest';
import {
  EngineInputError,
  EngineStoppedError,
  NoCheckpointsError,
  RequestCancelledError,
} from '../../../../src/extension/engine/errors.ts';
import { describeFailure } from '../../../../src/extension/ranking/rankingFailure.ts';

describe('describeFailure', () => {
  test.each([
    [new RequestCancelledError(), 'Ranking x was cancelled; what it had finished is kept.', true, 'resume'],
    [
      new EngineStoppedError('SIGKILL', ['last words']),
      'The EMMS engine stopped (SIGKILL, as when memory runs out) while ranking x; what it had finished is kept.',
      false,
      'resume',
    ],
    [
      new EngineStoppedError('exit code 7', []),
      'The EMMS engine stopped (exit code 7) while ranking x; what it had finished is kept.',
      false,
      'resume',
    ],
    [new EngineInputError('x: no images.'), 'x: no images.', false, null],
    [new NoCheckpointsError('x: none.'), 'x: none.', false, 'nameCheckpointFolders'],
    [new Error('oops'), 'Ranking x failed. The log says why.', false, null],
  ])('%s', (error, message, cancelled, remedy) => {
    expect(describeFailure(error, 'x')).toMatchObject({ message, cancelled, remedy });
  });
});
