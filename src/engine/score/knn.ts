import type { Matrix } from '../linalg/matrix.ts';
import { columnSquares, dot, joinColumns, rowRange, zeros } from '../linalg/matrix.ts';
import { multiplyTransposed } from '../linalg/multiply.ts';
import type { Evidence } from './evidence.ts';
import type { Contributions, Score } from './score.ts';
import { PROBABILITY } from './score.ts';

/**
 * k nearest neighbours: the share of samples whose class wins among the k others of largest cosine similarity, for the k of
 * 1, 5 and 20 that does best. A simple baseline that is hard to beat ("k-NN as a Simple and Effective Estimator of
 * Transferability", Sorkhei et al. 2025, arXiv 2503.18528). The features `[n, d]` are taken as they are. Between 0 and 1; larger is better.
 *
 * Without class labels: 1 − the squared error of the mean of the k others over that of the mean of all others, summed over
 * the columns of the labels, standardised. 1 is perfect, 0 no better than the mean.
 *
 * Nothing depends on the order of the samples: of classes with as many neighbours the one with the largest sum of
 * similarities wins, and of others as similar those of the lower class, or with the smaller labels, come first.
 *
 * Where a large common mean makes all similarities nearly 1, or one large feature makes them nearly ±1, what they lack to that is
 * computed instead, with all its digits.
 *
 * Time O(n²·d) in products, memory O(n·d + 256·n). `details.neighbours` is k.
 */
export const knn: Score = {
  id: 'knn',
  variants: ['cosine'],
  needs: [['labels'], ['labelEmbeddings']],
  meaning: 'More samples have the class of the samples most similar to them.',
  sortsSamples: false,
  async compute(evidence, { variation }) {
    const { labels, count } = evidence;
    const predictions = labels === undefined ? means(evidence) : votes(labels);
    const sizes = [...new Set(NEIGHBOURS.map((k) => Math.min(k, count - 1)))];
    const { directions, signs, halfSquares, resolution } = directionsOf(evidence);
    const hits = sizes.map(() => new Float64Array(count));
    for (let from = 0; from < count; from += QUERIES) {
      const to = Math.min(from + QUERIES, count);
      const similarities = await multiplyTransposed(rowRange(directions, from, to), directions);
      for (let i = from; i < to; i++) {
        const row = rowRange(similarities, i - from, i - from + 1).data;
        for (let j = 0; j < count; j++) {
          const similarity = (row[j] as number) - (halfSquares[i] as number) - (halfSquares[j] as number);
          row[j] = Math.round((signs[i] === signs[j] ? similarity : -2 - similarity) / resolution) * resolution;
        }
        const nearest = nearestOthers(row, i, predictions.compare, sizes[sizes.length - 1] as number);
        sizes.forEach((size, s) => {
          (hits[s] as Float64Array)[i] = predictions.hit(i, nearest.slice(0, size), row);
        });
      }
    }
    const { most } = predictions;
    const all = most.reduce((sum, value) => sum + value, 0);
    const scores = hits.map((values) => values.reduce((sum, value) => sum + value, 0) / all);
    const best = scores.indexOf(Math.max(...scores));
    const parts: Contributions = { numerator: hits[best] as Float64Array, denominator: most };
    return {
      score: scores[best] as number,
      bounds: labels === undefined ? { most: 1 } : PROBABILITY,
      details: { neighbours: sizes[best] as number },
      ...(variation && { variation: parts }),
    };
  },
};

const NEIGHBOURS = [1, 5, 20];
/** The mean similarity of samples from which on it costs digits by which they differ. */
const ALIKE = 1 - 1e-3;
/** What rounding does to products, relative to the squares of what is multiplied, with room to spare. */
const PRODUCT_ROUNDING = 2 ** -40;
/** The same to directions. */
const DIRECTION_ROUNDING = 4 * Number.EPSILON;
/** Samples whose neighbours are looked for at once: bounds the memory. */
const QUERIES = 256;

/** How the labels of neighbours predict that of a sample. */
interface Predictions {
  /** The order of samples that are equally similar, by their labels. */
  compare(a: number, b: number): number;
  /** How well neighbours predict a sample, at most `most`. */
  hit(sample: number, neighbours: readonly number[], similarities: Float64Array): number;
  /** `[n]` */
  most: Float64Array;
}

function votes(labels: Int32Array): Predictions {
  return {
    compare: (a, b) => (labels[a] as number) - (labels[b] as number),
    hit: (sample, neighbours, similarities) => (winner(neighbours, similarities, labels) === labels[sample] ? 1 : 0),
    most: new Float64Array(labels.length).fill(1),
  };
}

function means(evidence: Evidence): Predictions {
  const labels = joinColumns(evidence.standardisedLabels());
  const rows = Array.from({ length: labels.rows }, (_, i) => rowRange(labels, i, i + 1).data);
  // The mean of the others is farther from a sample than the mean of all, by n/(n−1).
  const farther = (labels.rows / (labels.rows - 1)) ** 2;
  const most = Float64Array.from(rows, (row) => farther * dot(row, row));
  return {
    compare: (a, b) => {
      const [first, second] = [rows[a] as Float64Array, rows[b] as Float64Array];
      const column = first.findIndex((value, j) => value !== second[j]);
      return column < 0 ? 0 : (first[column] as number) - (second[column] as number);
    },
    hit: (sample, neighbours) => {
      const error = Float64Array.from(rows[sample] as Float64Array);
      for (const neighbour of neighbours) {
        const row = rows[neighbour] as Float64Array;
        for (let j = 0; j < row.length; j++) {
          error[j] = (error[j] as number) - (row[j] as number) / neighbours.length;
        }
      }
      return (most[sample] as number) - dot(error, error);
    },
    most,
  };
}

/**
 * `directions` `[n, d]`, the features as vectors of length 1 (0 stays 0), and `halfSquares` `[n]`: the similarity of two
 * samples is the product of their directions less the half squares of both. These are 0, but where all directions are
 * nearly the same, or its opposite, as `signs` `[n]` tell: there directions of one sign are centred, and similarities less by 1, so
 * that u·v − 1 = −½·‖u − v‖² isn't lost in the rounding of u·v; of opposites they are −1 − u·v, which becomes −2 less that.
 * Similarities closer than `resolution` are equal: products and directions don't give more digits.
 */
function directionsOf({ features }: Evidence): {
  directions: Matrix;
  signs: Int8Array;
  halfSquares: Float64Array;
  resolution: number;
} {
  const { rows, cols, data } = features;
  const directions = zeros(rows, cols);
  directions.data.set(data);
  const halfSquares = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = rowRange(directions, i, i + 1).data;
    const length = Math.sqrt(dot(row, row));
    if (length === 0) continue;
    for (let j = 0; j < cols; j++) row[j] = (row[j] as number) / length;
  }
  const squares = columnSquares(directions);
  const axis = squares.indexOf(Math.max(...squares));
  const signs = Int8Array.from({ length: rows }, (_, i) => ((directions.data[i * cols + axis] as number) < 0 ? -1 : 1));
  const mean = new Float64Array(cols);
  for (let at = 0; at < directions.data.length; at++) {
    const value = (signs[Math.floor(at / cols)] as number) * (directions.data[at] as number);
    mean[at % cols] = (mean[at % cols] as number) + value / rows;
  }
  if (dot(mean, mean) < ALIKE) return { directions, signs: signs.fill(1), halfSquares, resolution: PRODUCT_ROUNDING };
  let largest = 0;
  for (let i = 0; i < rows; i++) {
    const row = rowRange(directions, i, i + 1).data;
    for (let j = 0; j < cols; j++) row[j] = (signs[i] as number) * (row[j] as number) - (mean[j] as number);
    const square = dot(row, row);
    halfSquares[i] = square / 2;
    largest = Math.max(largest, square);
  }
  const resolution = PRODUCT_ROUNDING * largest + DIRECTION_ROUNDING * Math.sqrt(largest);
  return { directions, signs, halfSquares, resolution: resolution > 0 ? resolution : 1 };
}

/** The `size` most similar others, the most similar first. */
function nearestOthers(
  similarities: Float64Array,
  self: number,
  compare: (a: number, b: number) => number,
  size: number,
): number[] {
  const nearest: number[] = [];
  let threshold = Number.NEGATIVE_INFINITY;
  const before = (a: number, b: number) => {
    const difference = (similarities[a] as number) - (similarities[b] as number);
    return difference > 0 || (difference === 0 && compare(a, b) < 0);
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
