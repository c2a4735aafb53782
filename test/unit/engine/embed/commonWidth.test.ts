import { describe, expect, test } from 'vitest';
import { toCommonWidth } from '../../../../src/engine/embed/commonWidth.ts';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';

describe('the common width', () => {
  test('repeats every column equally often', () => {
    const [two, three] = toCommonWidth([matrix([[1, 2]]), matrix([[3, 4, 5]])]);
    expect([...(two?.data ?? [])]).toEqual([1, 1, 1, 2, 2, 2]);
    expect([...(three?.data ?? [])]).toEqual([3, 3, 4, 4, 5, 5]);
  });

  test('is that of CLIP-B, BERT and GPT-2 together 1,536, and that of the paper’s encoders their own', () => {
    expect(toCommonWidth([512, 768, 768].map(random)).map(({ cols }) => cols)).toEqual([1536, 1536, 1536]);
    const paper = [1024, 1024, 1024].map(random);
    expect(toCommonWidth(paper)).toEqual(paper);
    expect(toCommonWidth([312, 768, 1024].map(random)).map(({ cols }) => cols)).toEqual([1024, 1024, 1024]);
  });

  test('leaves each encoder the score that it has alone', async () => {
    const labels = Int32Array.from({ length: 60 }, (_, i) => i % 4);
    const features = { rows: 60, cols: 6, data: Float64Array.from(noise(60 * 6, 1)) };
    const narrow = matrix([0, 1, 2, 3].map((row) => noise(4, row + 2)));
    const [stretched = narrow] = toCommonWidth([narrow, random(6)]);
    expect(stretched.cols).toBe(12);
    const scoreOf = async (embedding: FloatMatrix) => {
      const evidence = createEvidence({ features, labels, labelEmbeddings: [embedding] });
      return (await computeScore('emms', evidence, { variant: 'cv' })).score;
    };
    expect(await scoreOf(stretched)).toBeCloseTo(await scoreOf(narrow), 6);
  });
});

function matrix(rows: readonly (readonly number[])[]): FloatMatrix {
  return { rows: rows.length, cols: rows[0]?.length ?? 0, data: Float32Array.from(rows.flat()) };
}

function random(cols: number): FloatMatrix {
  return { rows: 2, cols, data: Float32Array.from(noise(2 * cols, cols)) };
}

/** Numbers without pattern, the same at every call. */
function noise(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, at) => Math.sin((at + 1) * 12.9898 * (seed + 1)) % 1);
}
