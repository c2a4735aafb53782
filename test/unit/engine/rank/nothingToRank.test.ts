import { describe, expect, it } from 'vitest';
import { NoCheckpoints, nothingToRank } from '../../../../src/engine/rank/nothingToRank.ts';

const workspace = '/w';
const unknown = { path: '/w/a.pth', reason: 'no known family.' };
const image = ['/w/b.onnx', '/w/c.onnx'].map((path) => ({ path, reason: 'takes images.' }));

describe('nothingToRank', () => {
  it('says where checkpoints were looked for', () => {
    expect(nothingToRank({ workspace }, [])).toBeInstanceOf(NoCheckpoints);
    expect(nothingToRank({ workspace }, []).message).toMatch(/^\/w: no checkpoints \(\.onnx.* name their folder\.$/);
    expect(nothingToRank({ workspace, checkpoints: ['/m', '/n'] }, []).message).toMatch(/^\/m, \/n: no checkpoints/);
  });

  it('gives the reason that most of them have, and counts the others', () => {
    expect(nothingToRank({ workspace }, [unknown])).not.toBeInstanceOf(NoCheckpoints);
    expect(nothingToRank({ workspace }, [unknown]).message).toBe(
      '/w: no checkpoint can be ranked. /w/a.pth: no known family.',
    );
    expect(nothingToRank({ workspace }, [unknown, ...image]).message).toBe(
      '/w: no checkpoint can be ranked. /w/b.onnx and 1 more: takes images. (1 more for other reasons)',
    );
  });
});
