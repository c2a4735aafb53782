import { describe, expect, it } from 'vitest';
import { reportCsv } from '../../../../src/engine/report/csv.ts';
import { reportText } from '../../../../src/engine/report/text.ts';
import { candidate, report } from '../../../helpers/report.ts';

const ranking = report([
  candidate(1, 'a', {
    score: 0.75,
    interval: [0.7, 0.8],
    tiedWith: ['b'],
    metrics: { emms: 0.75, 'emms:exact': -12.5 },
  }),
  candidate(3, 'none', { score: -0.00001, interval: [-0.0004, 0.0001], metrics: { emms: -0.00001, 'emms:exact': -0 } }),
  candidate(2, '=cmd("x"), \u001b[31mred', { id: 'b', metrics: { emms: 0.7 } }),
]);

describe('the report', () => {
  it('as text shows ranks, scores and ties, and lets no name drive the terminal', () => {
    const text = reportText(ranking);
    expect(text).toMatch(/1 {2}a .*0\.7500 {2}0\.700 … 0\.800 .*#2/);
    expect(text).toMatch(/none .* 0\.0000 {2}0\.000 … 0\.000 /);
    expect(text).not.toMatch(/-0\.0+(?!\d)/);
    expect(text).not.toContain('\u001b');
  });

  it('as text leaves no blanks at the ends of lines, and no digits that say nothing', () => {
    const text = reportText(report([candidate(1, 'a', { latencyMs: 9.876 }), candidate(2, 'b', { latencyMs: 123.4 })]));
    expect(text).not.toMatch(/ $/m);
    expect(text).toMatch(/ 9\.88\n.* 123\n/);
  });

  it('as text counts classes where there are any', () => {
    const captions = { ...ranking, dataset: { ...ranking.dataset, classes: 0 } };
    expect(reportText(ranking)).toContain(`, ${ranking.dataset.classes} classes\n`);
    expect(reportText(captions)).not.toContain('classes');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('as CSV takes %j for text, not a formula', (name) => {
    const [, line = ''] = reportCsv(report([candidate(1, name, { id: 'a' })])).split(/\r\n(?=1,|$)/);
    expect(line).toMatch(/^1,a,"?'[=+\-@\t\r]/);
  });

  it('as CSV has the values of a candidate under their names', () => {
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

  it('as CSV has a column per metric, quotes what it must, and starts no formula', () => {
    const [header = '', first = '', , second = ''] = reportCsv(ranking).split('\r\n');
    expect(header.split(',').slice(-2)).toEqual(['emms', 'emms:exact']);
    expect(first).toContain('0.75,-12.5');
    expect(second).toContain(`"'=cmd(""x""), `);
    expect(second.endsWith('0.7,')).toBe(true);
  });
});
