import { expect, it } from 'vitest';
import { classProbabilities } from '../../../../src/engine/extract/probabilities.ts';

const rows = (cols: number, ...values: number[]) => ({
  rows: values.length / cols,
  cols,
  data: Float32Array.from(values),
});

it('class scores become probabilities by softmax, however large they are', () => {
  const { data } = classProbabilities(rows(2, 1000, 1000, 0, Math.log(3))) ?? expect.fail();
  expect([...data]).toEqual([0.5, 0.5, expect.closeTo(0.25, 6), expect.closeTo(0.75, 6)]);
});

it('what a softmax put out stays as it is', () => {
  expect([...(classProbabilities(rows(2, 0.25, 0.75))?.data ?? [])]).toEqual([0.25, 0.75]);
});

it('a network without a classifier has none', () => {
  expect(classProbabilities({ rows: 3, cols: 0, data: new Float32Array(0) })).toBeUndefined();
});
