import { expect, it } from 'vitest';
import { SampleNames } from '../../../../src/engine/datasets/sampleNames.ts';

it('gives every sample a name of its own, whatever the names are', () => {
  const names = new SampleNames();
  const given = ['a', 'a', 'a#2', 'a', 'b', 'a#3', 'a#2'].map((name) => names.unique(name));
  expect(given.slice(0, 2)).toEqual(['a', 'a#2']);
  expect(new Set(given).size).toBe(7);
});

it('is not slow where all have the same', () => {
  const names = new SampleNames();
  const given = Array.from({ length: 200_000 }, () => names.unique('a'));
  expect(new Set(given).size).toBe(200_000);
  expect(given.at(-1)).toBe('a#200000');
});
