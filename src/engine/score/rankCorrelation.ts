import { dot } from '../linalg/matrix.ts';

/** Distances closer than this are equal: it is far above their rounding. */
export const RESOLUTION = 2 ** -40;
/** More than there are different distances of one-hot labels; times 4/RESOLUTION still an exact number. */
const LEVELS = 2 ** 10;
const MOST_BUCKETS = 2 ** 22;
/** Beyond, a sort by insertion is slower than one by merging. */
const LARGEST_INSERTION = 32;

/**
 * Spearman's correlation, as scipy's, of distances with few levels; 0 when one of them is constant. Sorts distances and
 * levels together, as digits of one number: what follows reads memory in order.
 *
 * @param distances `[n·(n − 1)/2]`, multiples of `RESOLUTION`, of every sample to those before it; overwritten
 * @param level of two samples, the earlier first: an integer below `LEVELS`
 */
export function correlationWithLevels(distances: Float64Array, level: (a: number, b: number) => number): number {
  const sizes = new Float64Array(LEVELS);
  for (let at = 0, later = 1; at < distances.length; later++) {
    for (let earlier = 0; earlier < later; earlier++, at++) {
      const own = level(earlier, later);
      sizes[own] = (sizes[own] as number) + 1;
      distances[at] = ((distances[at] as number) / RESOLUTION) * LEVELS + own;
    }
  }
  distances.sort();
  const middle = (distances.length - 1) / 2;
  const rankSums = new Float64Array(LEVELS);
  let spread = (distances.length ** 3 - distances.length) / 12;
  for (let first = 0; first < distances.length; ) {
    const base = Math.floor((distances[first] as number) / LEVELS) * LEVELS;
    let end = first + 1;
    while (end < distances.length && (distances[end] as number) < base + LEVELS) end++;
    const tied = end - first;
    const rank = (first + end - 1) / 2 - middle;
    spread -= (tied ** 3 - tied) / 12;
    for (; first < end; first++) {
      const own = (distances[first] as number) - base;
      rankSums[own] = (rankSums[own] as number) + rank;
    }
  }
  let before = 0;
  let covariance = 0;
  let levelSpread = 0;
  sizes.forEach((size, own) => {
    const rank = before + (size - 1) / 2 - middle;
    before += size;
    covariance += rank * (rankSums[own] as number);
    levelSpread += size * rank * rank;
  });
  return spread > 0 && levelSpread > 0 ? covariance / Math.sqrt(spread * levelSpread) : 0;
}

/** Replaces values by their ranks less the mean rank, equal ones by their mean rank, in the memory of the values. */
export function ranks(values: Float64Array): Float64Array {
  const order = ascending(values);
  const middle = (values.length - 1) / 2;
  for (let first = 0; first < order.length; ) {
    const value = values[order[first] as number] as number;
    let end = first + 1;
    while (end < order.length && values[order[end] as number] === value) end++;
    const rank = (first + end - 1) / 2 - middle;
    for (; first < end; first++) values[order[first] as number] = rank;
  }
  return values;
}

/** The indices of the values from the smallest to the largest: in buckets of equal width, then within each. */
function ascending(values: Float64Array): Uint32Array {
  let least = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i] as number);
    largest = Math.max(largest, values[i] as number);
  }
  const buckets = Math.min(values.length, MOST_BUCKETS);
  const factor = largest > least ? (buckets - 1) / (largest - least) : 0;
  const ends = new Uint32Array(buckets + 1);
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.floor(((values[i] as number) - least) * factor) + 1;
    ends[bucket] = (ends[bucket] as number) + 1;
  }
  for (let b = 0; b < buckets; b++) ends[b + 1] = (ends[b + 1] as number) + (ends[b] as number);
  const order = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.floor(((values[i] as number) - least) * factor);
    const place = ends[bucket] as number;
    order[place] = i;
    ends[bucket] = place + 1;
  }
  for (let b = 0, first = 0; b < buckets; b++) {
    const end = ends[b] as number;
    sortBucket(order.subarray(first, end), values);
    first = end;
  }
  return order;
}

function sortBucket(bucket: Uint32Array, values: Float64Array): void {
  if (bucket.length > LARGEST_INSERTION) {
    const some = values[bucket[0] as number];
    if (bucket.some((i) => values[i] !== some)) bucket.sort((i, j) => (values[i] as number) - (values[j] as number));
    return;
  }
  for (let at = 1; at < bucket.length; at++) {
    const index = bucket[at] as number;
    const value = values[index] as number;
    let place = at;
    for (; place > 0 && (values[bucket[place - 1] as number] as number) > value; place--) {
      bucket[place] = bucket[place - 1] as number;
    }
    bucket[place] = index;
  }
}

/** Pearson's correlation of two centred lists; 0 when one of them is constant. */
export function correlation(a: Float64Array, b: Float64Array): number {
  const spread = dot(a, a) * dot(b, b);
  return spread > 0 ? dot(a, b) / Math.sqrt(spread) : 0;
}
