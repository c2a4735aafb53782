import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearScale, logScale } from '../../../src/webview/scale.ts';

describe('linearScale', () => {
  it('puts the ends at the edges and ticks at round numbers', () => {
    const scale = linearScale([0.12, 0.66]);
    expect(scale.at(0.12)).toBe(0);
    expect(scale.at(0.66)).toBe(100);
    expect(scale.at(0.39)).toBeCloseTo(50, 9);
    expect(scale.ticks).toEqual([0.2, 0.3, 0.4, 0.5, 0.6]);
  });

  it('has ticks at ends that are round numbers, whatever their division leaves', () => {
    expect(0.3 / 0.1).toBeLessThan(3);
    expect(linearScale([0, 0.3]).ticks).toEqual([0, 0.1, 0.2, 0.3]);
    expect(linearScale([-0.3, 0]).ticks.map(Math.abs)).toEqual([0.3, 0.2, 0.1, 0]);
  });

  it('makes room around a single value', () => {
    expect(linearScale([0.5, 0.5]).at(0.5)).toBeCloseTo(50, 9);
    expect(linearScale([0]).at(0)).toBeCloseTo(50, 9);
    expect(linearScale([5e-324]).at(5e-324)).toBeCloseTo(50, 9);
    expect(linearScale([]).ticks.length).toBeGreaterThan(1);
  });

  it('holds every value, in order, and few ticks', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const scale = linearScale(values);
        expect(scale.ticks.length).toBeLessThanOrEqual(12);
        for (const tick of scale.ticks) expect(Number.isFinite(tick)).toBe(true);
        const positions = values.toSorted((a, b) => a - b).map(scale.at);
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        expect(positions.every((position) => position >= 0 && position <= 100)).toBe(true);
      }),
    );
  });
});

describe('logScale', () => {
  it('gives equal ratios equal distances', () => {
    const scale = logScale([0.2, 20]);
    expect(scale.at(2) - scale.at(0.2)).toBeCloseTo(scale.at(20) - scale.at(2), 9);
    expect(scale.at(0.2)).toBeGreaterThan(0);
    expect(scale.at(20)).toBeLessThan(100);
  });

  it('passes over values that have no logarithm', () => {
    const scale = logScale([0, 1, 10]);
    expect(scale.min).toBeGreaterThan(0);
    expect(scale.at(10)).toBeGreaterThan(scale.at(1));
  });

  it('has ticks however narrow or wide it is', () => {
    expect(logScale([1, 1]).ticks).toEqual([1]);
    expect(logScale([1, 1.1]).ticks.length).toBeGreaterThan(0);
    expect(logScale([1e-3, 1e5]).ticks.length).toBeLessThan(12);
  });
});
