import { describe, expect, it } from 'vitest';
import { paretoFront, placeLabels } from '../../../src/webview/scatter.ts';
import { candidate } from '../../helpers/report.ts';

describe('paretoFront', () => {
  it('keeps those that no other beats in score and time, fastest first', () => {
    const front = paretoFront([
      candidate(1, 'best', { score: 0.9, latencyMs: 9 }),
      candidate(2, 'slow', { score: 0.8, latencyMs: 12 }),
      candidate(3, 'fast', { score: 0.5, latencyMs: 1 }),
      candidate(4, 'beaten', { score: 0.4, latencyMs: 2 }),
      candidate(5, 'as fast but worse', { score: 0.3, latencyMs: 1 }),
    ]);
    expect(front.map((one) => one.name)).toEqual(['fast', 'best']);
  });

  it('keeps one of two equals', () => {
    const twins = [candidate(1, 'a', { score: 0.5, latencyMs: 1 }), candidate(2, 'b', { score: 0.5, latencyMs: 1 })];
    expect(paretoFront(twins)).toHaveLength(1);
  });
});

describe('placeLabels', () => {
  it('keeps labels off each other and leaves out what finds no room', () => {
    const at = (x: number, y: number) => ({ x, y, name: 'resnet' });
    const labels = placeLabels([at(300, 100), at(305, 100), at(310, 101), at(600, 100)]);
    expect(labels).toHaveLength(3);
    for (const [index, one] of labels.entries()) {
      for (const other of labels.slice(index + 1)) {
        const apart = Math.abs(one.y - other.y) >= 14 || one.right < other.left || other.right < one.left;
        expect(apart).toBe(true);
      }
    }
  });

  it('keeps labels inside the plot and cuts long names', () => {
    const [label] = placeLabels([{ x: 740, y: 100, name: 'x'.repeat(80) }]);
    expect(label?.text).toHaveLength(28);
    expect(label?.text.endsWith('…')).toBe(true);
    expect(label?.right).toBeLessThanOrEqual(744);
  });
});
