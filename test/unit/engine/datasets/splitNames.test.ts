import { describe, expect, it } from 'vitest';
import { splitWithin } from '../../../../src/engine/datasets/splitNames.ts';

describe('splitWithin', () => {
  it.each([
    ['train', 'train'],
    ['labels_train', 'train'],
    ['Train2014', 'train'],
    ['captions-val', 'val'],
    ['trainval', 'trainval'],
    ['test.v2', 'test'],
    ['contest', undefined],
    ['strain', undefined],
    ['retraining', undefined],
  ])('of %s is %s', (name, split) => {
    expect(splitWithin(name)).toBe(split);
  });
});
