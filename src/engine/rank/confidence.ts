import { ratiosWithoutBlocks } from '../score/blocks.ts';
import type { Bounds, LeftOut, NormalScale, Variation } from '../score/score.ts';

/** A candidate's score on the samples that all candidates were scored on. */
export interface ScoredCandidate {
  id: string;
  score: number;
  /** Number of samples. */
  samples: number;
  variation: Variation;
  /** Of the score. */
  bounds?: Bounds | undefined;
}

interface VaryingCandidate extends Omit<ScoredCandidate, 'variation'>, Varying {
  /** Where `value` isn't the score. */
  expectedScore: NormalScale['expectedScore'] | undefined;
}

/** A score, on the scale on which it varies, and the same without blocks of samples. */
interface Varying extends Omit<LeftOut, 'scale'> {
  value: number;
}

export interface CandidateConfidence {
  id: string;
  /** 90 % interval of the score. */
  interval: [number, number];
  /** The candidates whose score differs by no more than the noise. */
  tiedWith: string[];
}

/** Scores that differ by less, relative to their size, differ by rounding. */
const ROUNDING = 1e-9;
/** The 95 % quantile of the normal distribution: two-sided, 90 %. */
const NORMAL_QUANTILE = 1.6448536269514722;

/**
 * How sure the scores are, by the delete-block jackknife: leave out one block of samples at a time, look how far the
 * score moves; and how far it moves together with another block, for what two blocks do together counts twice (`deviation`).
 *
 * Two candidates are tied when the 90 % interval of their difference contains 0. On the same samples that interval is
 * paired, which removes what makes samples hard for every candidate; candidates of different numbers of samples are
 * compared as if independent.
 */
export function rankConfidence(candidates: readonly ScoredCandidate[]): CandidateConfidence[] {
  const varying = candidates.map(({ variation, ...candidate }) => {
    const { scale, ...leftOut } = 'blocks' in variation ? variation : ratiosWithoutBlocks(variation);
    return { ...candidate, ...(scale ?? { value: candidate.score, expectedScore: undefined }), ...leftOut };
  });
  return varying.map((candidate) => {
    const tied = varying.filter((other) => other !== candidate && areTied(candidate, other));
    return {
      id: candidate.id,
      interval: intervalOf(candidate),
      tiedWith: tied.map((other) => other.id),
    };
  });
}

function intervalOf({ score, bounds, expectedScore = itself, ...varying }: VaryingCandidate): [number, number] {
  const { value } = varying;
  const { error, quantile } = standardError(varying);
  const low = Math.max(bounds?.least ?? Number.NEGATIVE_INFINITY, expectedScore(value - quantile * error, error));
  const high = Math.min(bounds?.most ?? Number.POSITIVE_INFINITY, expectedScore(value + quantile * error, error));
  // A score at an end of its range is beyond its expectation.
  return [Math.min(score, low), Math.max(score, high)];
}

function itself(score: number): number {
  return score;
}

/** Whether two scores differ, on the scale on which they vary, by no more than the 90 % interval of the difference is wide to either side, or by rounding. */
function areTied(a: VaryingCandidate, b: VaryingCandidate): boolean {
  const difference = Math.abs(a.score - b.score);
  if (difference <= ROUNDING * Math.max(Math.abs(a.score), Math.abs(b.score))) return true;
  // LogME of more features than samples has no least value, and so no scale of its own.
  if ((a.expectedScore === undefined) !== (b.expectedScore === undefined)) {
    const [[lowA, highA], [lowB, highB]] = [intervalOf(a), intervalOf(b)];
    return difference <= Math.hypot(highA - lowA, highB - lowB) / 2;
  }
  const less = (values: Float64Array, others: Float64Array) => values.map((value, i) => value - (others[i] as number));
  const width =
    a.samples === b.samples && a.blocks.length === b.blocks.length
      ? halfWidth({ ...a, value: a.value - b.value, blocks: less(a.blocks, b.blocks), pairs: less(a.pairs, b.pairs) })
      : Math.hypot(halfWidth(a), halfWidth(b));
  return Math.abs(a.value - b.value) <= width;
}

function halfWidth(varying: Varying): number {
  const { error, quantile } = standardError(varying);
  return quantile * error;
}

/**
 * The standard error, and the 95 % quantile of Student's t for the degrees of freedom that it has.
 *
 * With σₖ² the variance of what k blocks do to the score together, and not fewer of them, the score varies by Σ σₖ², but the
 * jackknife's J estimates Σ k·σₖ² (Efron & Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981), from which
 * second differences, whose I estimates Σ ½·k·(k−1)·σₖ², tell how much is too much: it matters where labels are interpolated, or
 * where classes alike leave nothing else to vary. Both J − I, right for k ≤ 2, and J²/(J + 2I), right for a single k, are never
 * more than Σ σₖ², whatever k, so the larger is taken. The latter doubles the relative error of J: its degrees of freedom are fewer.
 *
 * So are they where few samples lie far out: the squared relative error of a variance of n_b numbers is 2/(n_b − 1) + κ/n_b with κ
 * their excess kurtosis, and that of blocks is added.
 */
function standardError({ value, blocks, pairs, blocksInAll }: Varying): { error: number; quantile: number } {
  const { length: count } = blocks;
  // Of all blocks, from those that were left out.
  const jackknife = ((blocksInAll - 1) ** 2 / blocksInAll) * variance(blocks);
  if (!(jackknife > 0)) return { error: 0, quantile: NORMAL_QUANTILE };
  // 0 where each block but adds its own to the score.
  const differences = pairs.map((pair, i) => {
    const either = (blocks[i] as number) + (blocks[(i + 1) % count] as number);
    return blocksInAll * value - (blocksInAll - 1) * either + (blocksInAll - 2) * pair;
  });
  // Each is two blocks together, but for what those do with the others; of two blocks there are no others.
  const interaction = blocksInAll > 2 ? variance(differences) / (2 * (1 + 2 / blocksInAll)) : 0;
  const share = jackknife / (jackknife + 2 * interaction);
  const error = Math.sqrt(Math.max(jackknife - interaction, jackknife * share));
  const squaredError = (2 * ((2 - share) ** 2 + (1 - share) ** 2)) / (count - 1) + excessKurtosis(blocks) / count;
  const degrees = 2 / squaredError;
  return { error, quantile: studentQuantile(degrees) };
}

/** 95 % quantile of Student's t (Wallace, Annals of Mathematical Statistics 30, 1959): to 2 % for 2 degrees of freedom, 4 digits from 9 on. */
function studentQuantile(degrees: number): number {
  const z = (NORMAL_QUANTILE * (8 * degrees + 3)) / (8 * degrees + 1);
  return Math.sqrt(degrees * Math.expm1(z ** 2 / degrees));
}

function variance(values: Float64Array): number {
  const mean = sum(values) / values.length;
  return values.reduce((total, value) => total + (value - mean) ** 2, 0) / (values.length - 1);
}

/** Of numbers of which few lie far out; none of others. */
function excessKurtosis(values: Float64Array): number {
  const mean = sum(values) / values.length;
  const squares = values.map((value) => (value - mean) ** 2);
  const total = sum(squares);
  return Math.max(0, values.length * sum(squares.map((square) => (square / total) ** 2)) - 3);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
