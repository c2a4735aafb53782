import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../../src/engine/datasets/dataset.ts';
import { warnOfThinClasses } from '../../../../src/engine/rank/thinClasses.ts';

function samples(labels: readonly number[], several?: readonly number[]): Sample[] {
  return labels.map((label, index) => ({
    id: `${index}`,
    file: `${index}.png`,
    label,
    ...(several && { labels: several }),
  }));
}

describe('classes of a single sample', () => {
  it('are warned of, with what to do', () => {
    const [warning, ...others] = warnOfThinClasses(samples([0, 1, 2, 3, 3, 3]), 60);
    expect(warning).toContain('3 of 6 samples are the only one of their class');
    expect(warning).toContain('now 6 of 60');
    expect(others).toEqual([]);
    expect(warnOfThinClasses(samples([0, 1, 2]), 3)[0]).toContain('more samples of each');
  });

  it.each([
    ['two of each', samples([0, 0, 1, 1])],
    ['one rare class', samples([...Array.from({ length: 20 }, () => 0), 1])],
    ['targets', samples([-1, -1])],
    ['several labels each', samples([0, 1, 2], [1, 2])],
  ])('%s are no reason to', (_, drawn) => {
    expect(warnOfThinClasses(drawn, 1000)).toEqual([]);
  });
});
