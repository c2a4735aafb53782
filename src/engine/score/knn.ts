import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { dot, rowRange, zeros } from '../linalg/matrix.ts';
import { multiplyTransposed } from '../linalg/multiply.ts';
import type { Evidence } from './evidence.ts';
import type { Score } from './score.ts';
import { meanOverSamples } from './score.ts';

/**
 * k nearest neighbours: the share of samples whose class wins among the k others of largest cosine similarity, for the k of
 * 1, 5 and 20 that does best. A simple baseline that is hard to beat ("A Closer Look at Benchmarking Transferability
 * Estimation", arXiv 2503.18528). The features `[n, d]` are taken as they are. Between 0 and 1; larger is better.
 *
 * Nothing depends on the order of the samples: of classes with as many neighbours the one with the largest sum of
 * similarities wins, and of others as similar those of the lower class come first.
 *
 * Time O(n²·d) in products, memory O(n·d + 256·n). `details.neighbours` is k.
 */
export const knn: Score = {
  id: 'knn',
  title: 'kNN',
  variants: ['cosine'],
  needs: [['labels']],
  meaning: 'More samples have the class of the samples most similar to them.',
  async compute(evidence, { contributions }) {
    const { labels, count } = evidence;
    if (labels === undefined) throw new InputError('kNN needs class labels.');
    const sizes = [...new Set(NEIGHBOURS.map((k) => Math.min(k, count - 1)))];
    const directions = unitRows(evidence);
    const correct = sizes.map(() => new Float64Array(count));
    for (let from = 0; from < count; from += QUERIES) {
      const to = Math.min(from + QUERIES, count);
      const similarities = await multiplyTransposed(rowRange(directions, from, to), directions);
      for (let i = from; i < to; i++) {
        const row = rowRange(similarities, i - from, i - from + 1).data;
        const nearest = nearestOthers(row, i, labels, sizes[sizes.length - 1] as number);
        sizes.forEach((size, s) => {
          const won = winner(nearest.slice(0, size), row, labels) === labels[i];
          (correct[s] as Float64Array)[i] = won ? 1 : 0;
        });
      }
    }
    const hits = correct.map((values) => values.reduce((sum, value) => sum + value, 0));
    const best = hits.indexOf(Math.max(...hits));
    const result = meanOverSamples(correct[best] as Float64Array, contributions);
    return { ...result, details: { neighbours: sizes[best] as number } };
  },
};

const NEIGHBOURS = [1, 5, 20];
/** Samples whose neighbours are looked for at once: bounds the memory. */
const QUERIES = 256;

/** The features as vectors of length 1; 0 stays 0. */
function unitRows({ features }: Evidence): Matrix {
  const { rows, cols, data } = features;
  const result = zeros(rows, cols);
  result.data.set(data);
  for (let i = 0; i < rows; i++) {
    const row = rowRange(result, i, i + 1).data;
    const length = Math.sqrt(dot(row, row));
    if (length === 0) continue;
    for (let j = 0; j < cols; j++) row[j] = (row[j] as number) / length;
  }
  return result;
}

/** The `size` most similar others, the most similar first. */
function nearestOthers(similarities: Float64Array, self: number, labels: Int32Array, size: number): number[] {
  const nearest: number[] = [];
  let threshold = Number.NEGATIVE_INFINITY;
  const before = (a: number, b: number) => {
    const difference = (similarities[a] as number) - (similarities[b] as number);
    return difference > 0 || (difference === 0 && (labels[a] as number) < (labels[b] as number));
  };
  for (let j = 0; j < similarities.length; j++) {
    if ((similarities[j] as number) < threshold || j === self) continue;
    let place = nearest.length;
    while (place > 0 && before(j, nearest[place - 1] as number)) place--;
    if (place === size) continue;
    nearest.splice(place, 0, j);
    if (nearest.length > size) nearest.pop();
    if (nearest.length === size) threshold = similarities[nearest[size - 1] as number] as number;
  }
  return nearest;
}

function winner(neighbours: readonly number[], similarities: Float64Array, labels: Int32Array): number {
  const votes = new Map<number, { count: number; similarity: number }>();
  for (const neighbour of neighbours) {
    const label = labels[neighbour] as number;
    const vote = votes.get(label) ?? { count: 0, similarity: 0 };
    vote.count++;
    vote.similarity += similarities[neighbour] as number;
    votes.set(label, vote);
  }
  const ordered = [...votes].sort(([a, x], [b, y]) => y.count - x.count || y.similarity - x.similarity || a - b);
  return ordered[0]?.[0] ?? -1;
}
