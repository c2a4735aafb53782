import { describe, expect, it } from 'vitest';
import { nothingToRank } from '../../../../src/engine/rank/nothingToRank.ts';

const workspace = '/w';
const unknown = { path: '/w/a.pth', reason: 'no known family.' };
const image = ['/w/b.onnx', '/w/c.onnx'].map((path) => ({ path, reason: 'takes images.' }));

describe('nothingToRank', () => {
  it('says where checkpoints were looked for', () => {
    expect(nothingToRank({ workspace }, [])).toMatch(/^\/w: no checkpoints \(\.onnx.*emms\.checkpointFolders\)\.$/);
    expect(nothingToRank({ workspace, checkpoints: ['/m', '/n'] }, [])).toMatch(/^\/m, \/n: no checkpoints/);
  });

  it('gives the reason that most of them have, and counts the others', () => {
    expect(nothingToRank({ workspace }, [unknown])).toBe('/w: no checkpoint can be ranked. /w/a.pth: no known family.');
    expect(nothingToRank({ workspace }, [unknown, ...image])).toBe(
      '/w: no checkpoint can be ranked. /w/b.onnx and 1 more: takes images. (1 more for other reasons)',
    );
  });
});
