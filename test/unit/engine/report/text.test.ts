import { describe, expect, it } from 'vitest';
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

describe('the report as text', () => {
  it('shows ranks, scores and ties, and lets no name drive the terminal', () => {
    const text = reportText(ranking);
    expect(text).toMatch(/1 {2}a .*0\.7500 {2}0\.700 … 0\.800 .*#2/);
    expect(text).toMatch(/none .* 0\.0000 {2}0\.000 … 0\.000 /);
    expect(text).not.toMatch(/-0\.0+(?!\d)/);
    expect(text).not.toContain('\u001b');
  });

  it('leaves no blanks at the ends of lines, and no digits that say nothing', () => {
    const text = reportText(report([candidate(1, 'a', { latencyMs: 9.876 }), candidate(2, 'b', { latencyMs: 123.4 })]));
    expect(text).not.toMatch(/ $/m);
    expect(text).toMatch(/ 9\.88\n.* 123\n/);
  });

  it('counts classes where there are any', () => {
    const captions = { ...ranking, dataset: { ...ranking.dataset, classes: 0 } };
    expect(reportText(ranking)).toContain(`, ${ranking.dataset.classes} classes\n`);
    expect(reportText(captions)).not.toContain('classes');
  });
});
