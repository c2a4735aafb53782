import type { Matrix } from '../linalg/matrix.ts';
import { addMultiple, addToDiagonal, dot, rowRange, selectRows, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, multiply, multiplyLowerTriangular, multiplyTransposed } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import { uniformNumbers } from '../random.ts';

/** scikit-learn's defaults, with which the published scores were computed. */
const COVARIANCE_RIDGE = 1e-6;
const MIXTURE_TOLERANCE = 1e-3;
const MIXTURE_STEPS = 100;
const CLUSTER_TOLERANCE = 1e-4;
const CLUSTER_STEPS = 300;
/** Samples with less of a component than this don't move its mean and covariance by more than rounding. */
const LEAST_PROBABILITY = 1e-20;

/**
 * Fits a mixture of Gaussians with full covariances by expectation maximisation, from the clusters of k-means++, and gives
 * the probabilities of the components for every sample, `[n, components]`. As scikit-learn's `GaussianMixture`, whose
 * result depends on its random start too.
 *
 * Time O(components·n·k²) per step in matrix products; memory n·components, one covariance at a time.
 *
 * @param samples `[n, k]`, of centred columns
 * @param components at most n
 * @param seed of the choice of the first centres
 */
export async function mixtureProbabilities(samples: Matrix, components: number, seed: number): Promise<Matrix> {
  const { rows: count } = samples;
  const clusters = await cluster(samples, components, seed);
  const probabilities = zeros(count, components);
  for (let i = 0; i < count; i++) probabilities.data[i * components + (clusters[i] as number)] = 1;

  const columns = transpose(samples);
  let previous = Number.NEGATIVE_INFINITY;
  for (let step = 0; step < MIXTURE_STEPS; step++) {
    const likelihood = await expectAndMaximise(samples, columns, probabilities);
    if (Math.abs(likelihood - previous) < MIXTURE_TOLERANCE) break;
    previous = likelihood;
  }
  // scikit-learn looks at the likelihood before it fits the components anew, and tells probabilities of the last fit.
  await expectAndMaximise(samples, columns, probabilities);
  return probabilities;
}

/** Fits the components to the probabilities, then replaces these by those of the fit. Gives the mean log likelihood. */
async function expectAndMaximise(samples: Matrix, columns: Matrix, probabilities: Matrix): Promise<number> {
  const { rows: count, cols: width } = samples;
  const components = probabilities.cols;
  const { data } = probabilities;
  for (let m = 0; m < components; m++) {
    const members: number[] = [];
    let weight = 10 * Number.EPSILON;
    for (let i = 0; i < count; i++) {
      const probability = data[i * components + m] as number;
      if (probability > LEAST_PROBABILITY) members.push(i);
      weight += probability;
    }
    const weighted = selectRows(samples, members);
    const mean = new Float64Array(width);
    members.forEach((i, row) => {
      const factor = (data[i * components + m] as number) / weight;
      addMultiple(mean, factor, rowRange(weighted, row, row + 1).data);
    });
    members.forEach((i, row) => {
      const factor = Math.sqrt((data[i * components + m] as number) / weight);
      const values = rowRange(weighted, row, row + 1).data;
      for (let j = 0; j < width; j++) values[j] = factor * ((values[j] as number) - (mean[j] as number));
    });
    const covariance = await gramian(transpose(weighted));
    addToDiagonal(covariance, COVARIANCE_RIDGE);
    const whitening = await positiveWhitening(covariance, COVARIANCE_RIDGE);
    let constant = Math.log(weight / count) - (width / 2) * Math.log(2 * Math.PI);
    for (let j = 0; j < width; j++) constant += Math.log(whitening.data[j * width + j] as number);
    const centre = await multiply(whitening, { rows: width, cols: 1, data: mean });
    const distances = squaredDistancesTo(await multiplyLowerTriangular(whitening, columns), centre.data);
    // Nothing reads the old probabilities of this component after this.
    for (let i = 0; i < count; i++) data[i * components + m] = constant - (distances[i] as number) / 2;
  }
  let likelihood = 0;
  for (let i = 0; i < count; i++) likelihood += exponentiate(rowRange(probabilities, i, i + 1).data);
  return likelihood / count;
}

/** Turns logarithms into shares of their sum, in place; gives the logarithm of the sum. */
function exponentiate(values: Float64Array): number {
  const largest = values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let m = 0; m < values.length; m++) {
    const value = Math.exp((values[m] as number) - largest);
    values[m] = value;
    sum += value;
  }
  for (let m = 0; m < values.length; m++) values[m] = (values[m] as number) / sum;
  return largest + Math.log(sum);
}

/** Per column of `points` the square of its distance from `centre`. */
function squaredDistancesTo({ rows, cols, data }: Matrix, centre: Float64Array): Float64Array {
  const squares = new Float64Array(cols);
  for (let j = 0; j < rows; j++) {
    const value = centre[j] as number;
    const row = data.subarray(j * cols, (j + 1) * cols);
    for (let i = 0; i < cols; i++) {
      const difference = (row[i] as number) - value;
      squares[i] = (squares[i] as number) + difference * difference;
    }
  }
  return squares;
}

/** k-means from greedy k-means++ centres: `[n]`, the cluster of every sample. */
async function cluster(samples: Matrix, size: number, seed: number): Promise<Int32Array> {
  const { rows: count, cols: width } = samples;
  const squares = Float64Array.from({ length: count }, (_, i) => squareOf(samples, i));
  let centres = await firstCentres(samples, squares, size, seed);
  const clusters = new Int32Array(count);
  const tolerance = (CLUSTER_TOLERANCE * squares.reduce((sum, square) => sum + square, 0)) / count / width;
  for (let step = 0; step < CLUSTER_STEPS; step++) {
    const products = await multiplyTransposed(samples, centres);
    const centreSquares = Float64Array.from({ length: size }, (_, m) => squareOf(centres, m));
    const sums = zeros(size, width);
    const members = new Float64Array(size);
    for (let i = 0; i < count; i++) {
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let m = 0; m < size; m++) {
        const distance = (centreSquares[m] as number) - 2 * (products.data[i * size + m] as number);
        if (distance < least) [best, least] = [m, distance];
      }
      clusters[i] = best;
      members[best] = (members[best] as number) + 1;
      addMultiple(rowRange(sums, best, best + 1).data, 1, rowRange(samples, i, i + 1).data);
    }
    let moved = 0;
    for (let m = 0; m < size; m++) {
      const sum = rowRange(sums, m, m + 1).data;
      const centre = rowRange(centres, m, m + 1).data;
      for (let j = 0; j < width; j++) {
        // A cluster that lost all its samples stays where it is.
        const value = (members[m] as number) > 0 ? (sum[j] as number) / (members[m] as number) : (centre[j] as number);
        moved += (value - (centre[j] as number)) ** 2;
        sum[j] = value;
      }
    }
    centres = sums;
    if (moved <= tolerance) break;
  }
  return clusters;
}

/** Draws each next centre in proportion to the squared distance from those there are, the best of a few draws. */
async function firstCentres(samples: Matrix, squares: Float64Array, size: number, seed: number): Promise<Matrix> {
  const { rows: count } = samples;
  const uniform = uniformNumbers(seed);
  const draws = 2 + Math.floor(Math.log(size));
  const first = Math.min(count - 1, Math.floor(uniform() * count));
  const chosen = [first];
  let [nearest = squares] = await squaredDistances(samples, squares, [first]);
  while (chosen.length < size) {
    const total = nearest.reduce((sum, distance) => sum + distance, 0);
    const candidates = Array.from({ length: draws }, () => {
      let left = uniform() * total;
      const drawn = nearest.findIndex((distance) => {
        left -= distance;
        return left < 0;
      });
      return drawn < 0 ? count - 1 : drawn;
    });
    const updated = (await squaredDistances(samples, squares, candidates)).map((distances) =>
      distances.map((distance, i) => Math.min(distance, nearest[i] as number)),
    );
    const potentials = updated.map((distances) => distances.reduce((sum, distance) => sum + distance, 0));
    const best = potentials.indexOf(Math.min(...potentials));
    chosen.push(candidates[best] as number);
    nearest = updated[best] as Float64Array;
  }
  return selectRows(samples, chosen);
}

/** From each of some samples to all. */
async function squaredDistances(samples: Matrix, squares: Float64Array, from: number[]): Promise<Float64Array[]> {
  const products = await multiplyTransposed(selectRows(samples, from), samples);
  return from.map((origin, row) =>
    rowRange(products, row, row + 1).data.map((product, i) =>
      i === origin ? 0 : Math.max(0, (squares[origin] as number) + (squares[i] as number) - 2 * product),
    ),
  );
}

function squareOf(matrix: Matrix, row: number): number {
  const values = rowRange(matrix, row, row + 1).data;
  return dot(values, values);
}
