import { describe, expect, it } from 'vitest';
import { scoreIdSchema } from '../../../src/protocol/scores.ts';
import { encoderTitle, explainScore, metricTitle } from '../../../src/webview/metric.ts';

describe('titles', () => {
  it('spells metric and variant out', () => {
    expect(metricTitle('emms', 'cv')).toBe('EMMS · held-out');
    expect(metricTitle('emms:exact', 'cv')).toBe('EMMS · exact');
    expect(metricTitle('emms:exact')).toBe('EMMS · exact');
    expect(metricTitle('logme')).toBe('LogME');
    expect(metricTitle('mine', 'odd')).toBe('mine · odd');
  });

  it('does not mistake names of Object.prototype for known ones', () => {
    expect(metricTitle('constructor', 'toString')).toBe('constructor · toString');
    expect(encoderTitle('valueOf')).toBe('valueOf');
  });

  it('has a name for every score of the protocol', () => {
    for (const score of scoreIdSchema.options) expect(metricTitle(score)).toMatch(/[A-Z]/u);
    expect(metricTitle('linearProbe')).toBe('Linear probe');
  });
});

describe('explainScore', () => {
  it('says for held-out EMMS what 1 and 0 mean', () => {
    const text = explainScore({ metric: 'emms', variant: 'cv' }).join(' ');
    expect(text).toMatch(/1 means .*perfectly predictable/u);
    expect(text).toMatch(/0 means no better than .*mean/u);
  });

  it('warns of the in-sample variants', () => {
    expect(explainScore({ metric: 'emms', variant: 'paper' }).join(' ')).toContain('“paper” is a negative residual');
  });

  it('has a word for every other score', () => {
    expect(explainScore({ metric: 'logme', variant: '' }).join(' ')).toContain('evidence');
    expect(explainScore({ metric: 'knn', variant: '' }).join(' ')).toContain('Larger is better');
  });
});
