import { describe, expect, it } from 'vitest';
import { reportCsv } from '../../../../src/engine/report/csv.ts';
import { candidate, report } from '../../../helpers/report.ts';

describe('the report as CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('takes %j for text, not a formula', (name) => {
    const [, line = ''] = reportCsv(report([candidate(1, name, { id: 'a' })])).split(/\r\n(?=1,|$)/);
    expect(line).toMatch(/^1,a,"?'[=+\-@\t\r]/);
  });

  it('has the values of a candidate under their names', () => {
    const one = candidate(1, 'a', { tiedWith: ['b', 'c'], interval: [0.25, 0.75], metrics: { emms: 0.5 } });
    const [header = '', line = ''] = reportCsv(report([one])).split('\r\n');
    const values = line.split(',');
    expect(Object.fromEntries(header.split(',').map((name, index) => [name, values[index]]))).toEqual({
      rank: String(one.rank),
      id: one.id,
      name: one.name,
      architecture: one.architecture,
      score: String(one.score),
      interval_low: '0.25',
      interval_high: '0.75',
      tied_with: 'b c',
      feature_dim: String(one.featureDim),
      parameters: String(one.parameters),
      bytes: String(one.bytes),
      samples: String(one.samples),
      latency_ms: String(one.latencyMs),
      emms: '0.5',
    });
  });

  it('has a column per metric, quotes what it must, and starts no formula', () => {
    const ranking = report([
      candidate(1, 'a', { metrics: { emms: 0.75, 'emms:exact': -12.5 } }),
      candidate(2, '=cmd("x"), red', { metrics: { emms: 0.7 } }),
    ]);
    const [header = '', first = '', second = ''] = reportCsv(ranking).split('\r\n');
    expect(header.split(',').slice(-2)).toEqual(['emms', 'emms:exact']);
    expect(first).toContain('0.75,-12.5');
    expect(second).toContain(`"'=cmd(""x""), `);
    expect(second.endsWith('0.7,')).toBe(true);
  });
});
