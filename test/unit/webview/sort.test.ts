import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestCandidate,
  bestGroup,
  columns,
  filterCandidates,
  isRankOrder,
  nextSort,
  rankOrder,
  sortCandidates,
  tieText,
} from '../../../src/webview/sort.ts';
import { candidate } from '../../helpers/report.ts';

const four = [
  candidate(2, 'model-10', { architecture: 'vit', latencyMs: 3 }),
  candidate(1, 'model-9', { architecture: 'ResNet', latencyMs: 1 }),
  candidate(4, 'Alpha', { architecture: 'cnn', latencyMs: 1, warnings: ['one'] }),
  candidate(3, 'beta', { architecture: 'cnn', latencyMs: 2 }),
];
const ranks = (list: readonly { rank: number }[]) => list.map((one) => one.rank);

describe('sortCandidates', () => {
  it('sorts names as people do: numbers by value, case aside', () => {
    expect(ranks(sortCandidates(four, { column: 'name', descending: false }))).toEqual([4, 3, 1, 2]);
  });

  it.each(['rank', 'score', 'featureDim', 'parameters', 'bytes', 'latencyMs'] as const)('runs by %s', (column) => {
    const numbers = [9, 10, 2];
    const list = numbers.map((value, index) => candidate(index + 1, `m${index}`, { [column]: value }));
    const shown = (descending: boolean) => sortCandidates(list, { column, descending }).map((one) => one[column]);
    expect(shown(false)).toEqual([2, 9, 10]);
    expect(shown(true)).toEqual([10, 9, 2]);
  });

  it('keeps equals in rank order in both directions', () => {
    expect(ranks(sortCandidates(four, { column: 'latencyMs', descending: false }))).toEqual([1, 4, 3, 2]);
    expect(ranks(sortCandidates(four, { column: 'latencyMs', descending: true }))).toEqual([2, 3, 1, 4]);
    expect(ranks(sortCandidates(four, { column: 'architecture', descending: true }))).toEqual([2, 1, 3, 4]);
  });

  it('leaves its input alone and loses nobody, in every column', () => {
    const anyCandidate = fc
      .record({ rank: fc.integer({ min: 1, max: 50 }), score: fc.double({ noNaN: true }), latencyMs: fc.nat() })
      .map(({ rank, ...change }) => candidate(rank, `m${rank}`, change));
    fc.assert(
      fc.property(fc.array(anyCandidate), fc.constantFrom(...columns), fc.boolean(), (list, column, descending) => {
        const before = [...list];
        const sorted = sortCandidates(list, { column, descending });
        expect(list).toEqual(before);
        expect(new Set(sorted)).toEqual(new Set(list));
        expect(sorted).toHaveLength(list.length);
      }),
    );
  });
});

describe('nextSort', () => {
  it('turns the direction on the same column', () => {
    const once = nextSort(rankOrder, 'latencyMs');
    expect(once).toEqual({ column: 'latencyMs', descending: false });
    expect(nextSort(once, 'latencyMs')).toEqual({ column: 'latencyMs', descending: true });
  });

  it('puts the best score and the most warnings on top first', () => {
    expect(nextSort(rankOrder, 'score').descending).toBe(true);
    expect(nextSort(rankOrder, 'warnings').descending).toBe(true);
  });
});

describe('filterCandidates', () => {
  it('wants every word, in name or architecture, in any case', () => {
    expect(ranks(filterCandidates(four, 'MODEL'))).toEqual([2, 1]);
    expect(ranks(filterCandidates(four, ' resnet  9 '))).toEqual([1]);
    expect(ranks(filterCandidates(four, 'model cnn'))).toEqual([]);
  });

  it('takes the text literally', () => {
    expect(filterCandidates(four, '.*')).toEqual([]);
    expect(ranks(filterCandidates([candidate(1, '<img src=x>')], '<img'))).toEqual([1]);
  });

  it('shows all without words', () => {
    expect(filterCandidates(four, '   ')).toBe(four);
  });
});

describe('the best group', () => {
  it('holds the best and what is tied with it, whoever says so', () => {
    const best = candidate(1, 'a', { tiedWith: ['checkpoints/b.onnx'] });
    const group = bestGroup([
      candidate(4, 'd', { tiedWith: ['checkpoints/b.onnx'] }),
      candidate(3, 'c', { tiedWith: ['checkpoints/a.onnx'] }),
      candidate(2, 'b'),
      best,
    ]);
    expect([...group].sort()).toEqual(['checkpoints/a.onnx', 'checkpoints/b.onnx', 'checkpoints/c.onnx']);
  });

  it('is empty without candidates', () => {
    expect(bestGroup([]).size).toBe(0);
    expect(bestCandidate([])).toBeUndefined();
  });

  it('stands together in rank order only', () => {
    expect(isRankOrder(rankOrder)).toBe(true);
    expect(isRankOrder({ column: 'score', descending: true })).toBe(true);
    expect(isRankOrder({ column: 'score', descending: false })).toBe(false);
    expect(isRankOrder({ column: 'rank', descending: true })).toBe(false);
    expect(isRankOrder({ column: 'name', descending: false })).toBe(false);
  });

  it('is said in words', () => {
    expect(tieText(0)).toBe('');
    expect(tieText(1)).toBe('≈ tied with 1 other');
    expect(tieText(2)).toBe('≈ tied with 2 others');
  });
});
