import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatFixed,
  formatLatency,
  formatNumber,
  formatParameters,
  formatQuantity,
  formatTimeLeft,
  scoreFormat,
} from '../../../src/protocol/format.ts';

describe('units', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 KB'],
    [999_600, '1 MB'],
    [44_730_000, '44.7 MB'],
    [1.2e13, '12 TB'],
    [3.4e16, '34,000 TB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0'],
    [61, '61'],
    [94_762, '94.8 K'],
    [11_200_000, '11.2 M'],
    [6.9e9, '6.9 B'],
  ])('writes %d parameters as %s', (parameters, text) => expect(formatParameters(parameters)).toBe(text));

  it.each([
    [0.0004, '0.4 µs'],
    [0.21, '210 µs'],
    [0.9996, '1 ms'],
    [12.34, '12.3 ms'],
    [1500, '1.5 s'],
  ])('writes a latency of %d ms as %s', (latency, text) => expect(formatLatency(latency)).toBe(text));

  it.each([
    [0.42, '0.42 s'],
    [20.61, '20.6 s'],
    [200, '3 min 20 s'],
    [3599.6, '1 h 0 min'],
    [3900, '1 h 5 min'],
    [7199, '2 h 0 min'],
  ])('writes a duration of %d s as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('knows one from many', () => {
    expect(formatQuantity(1, 'candidate')).toBe('1 candidate');
    expect(formatQuantity(2000, 'candidate')).toBe('2,000 candidates');
    expect(formatQuantity(0, 'candidate')).toBe('0 candidates');
  });
});

describe('formatTimeLeft', () => {
  it.each([
    [0, 'a few seconds left'],
    [4.9, 'a few seconds left'],
    [12, 'about 15 s left'],
    [54, 'about 55 s left'],
    [58, 'about 1 min left'],
    [150, 'about 3 min left'],
    [5400, 'about 2 h left'],
  ])('rounds %d s to "%s"', (seconds, text) => expect(formatTimeLeft(seconds)).toBe(text));
});

describe('formatNumber', () => {
  it('keeps five significant digits and uses a true minus sign', () => {
    expect(formatNumber(-812.33412)).toBe('−812.33');
    expect(formatNumber(0.6412123)).toBe('0.64121');
    expect(formatNumber(0)).toBe('0');
    expect(formatNumber(-0)).toBe('0');
  });

  it('turns to exponents where digits would be lost', () => {
    expect(formatNumber(-0.000012341)).toBe('−1.234e-5');
    expect(formatNumber(12_345_678)).toBe('1.235e+7');
  });
});

describe('formatFixed', () => {
  it.each([
    [-0.00004, 4, '0.0000'],
    [-0.00006, 4, '-0.0001'],
    [-0, 2, '0.00'],
    [-0.4, 0, '0'],
    [1.25, 4, '1.2500'],
    [Number.NaN, 4, 'NaN'],
  ])('writes %d with %i decimals as %s', (value, decimals, text) => expect(formatFixed(value, decimals)).toBe(text));
});

describe('scoreFormat', () => {
  const column = (...rows: [number, number][]) =>
    scoreFormat(rows.map(([score, half]) => ({ score, interval: [score - half, score + half] })));

  it('shows two digits of the typical half-width', () => {
    const format = column([0.6412, 0.0141], [0.6357, 0.0152], [0.12, 0.24]);
    expect(format(0.64123)).toBe('0.641');
  });

  it('never shows fewer than 2 nor more than 4 decimals of scores of the order of 1', () => {
    expect(column([0.64, 0.5])(0.64)).toBe('0.64');
    expect(column([0.64, 1e-9])(0.64)).toBe('0.6400');
  });

  it('gives large scores few decimals', () => {
    expect(column([-812.334, 31.4])(-812.334)).toBe('−812.3');
    expect(column([-21776.3, 310])(-21776.3)).toBe('−21,776');
  });

  it('gives no sign to what rounds to nothing', () => {
    const format = column([-0.000001, 0.00002], [-0.00001, 0.00002]);
    expect(format(-0.000001)).toBe('0.0000');
    expect(format(-0.0001)).toBe('−0.0001');
  });

  it('does without intervals', () => {
    expect(column([0.5, 0])(0.5)).toBe('0.500');
    expect(scoreFormat([])(0.5)).toBe('0.500');
  });
});
