import { drawBlocks, RECOMPUTED_BLOCKS } from '../score/blocks.ts';
import type { Contributions, LeftOut, Variation } from '../score/score.ts';

/** A candidate's score on the samples that all candidates were scored on. */
export interface ScoredCandidate {
  id: string;
  score: number;
  /** Number of samples. */
  samples: number;
  variation: Variation;
}

type VaryingCandidate = Omit<ScoredCandidate, 'variation'> & LeftOut;

export interface CandidateConfidence {
  id: string;
  /** 90 % interval of the score. */
  interval: [number, number];
  /** The candidates whose score differs by no more than the noise. */
  tiedWith: string[];
}

/** Blocks of samples that are left out in turn, where that costs no new fit. */
const MAX_BLOCKS = 32;
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
  // The same blocks for all, so that candidates pair.
  const most = candidates.some(({ variation }) => 'blocks' in variation) ? RECOMPUTED_BLOCKS : MAX_BLOCKS;
  const varying = candidates.map(({ variation, ...candidate }) => ({
    ...candidate,
    ...('blocks' in variation ? variation : ratiosWithoutBlocks(variation, most)),
  }));
  return varying.map((candidate) => {
    const margin = halfWidth(candidate);
    const tied = varying.filter(
      (other) => other !== candidate && Math.abs(candidate.score - other.score) <= noise(candidate, other),
    );
    return {
      id: candidate.id,
      interval: [candidate.score - margin, candidate.score + margin],
      tiedWith: tied.map((other) => other.id),
    };
  });
}

/** Half the width of the interval of the difference of two scores, or their rounding. */
function noise(a: VaryingCandidate, b: VaryingCandidate): number {
  const less = (values: Float64Array, others: Float64Array) => values.map((value, i) => value - (others[i] as number));
  const width =
    a.samples === b.samples && a.blocks.length === b.blocks.length
      ? halfWidth({ score: a.score - b.score, blocks: less(a.blocks, b.blocks), pairs: less(a.pairs, b.pairs) })
      : Math.hypot(halfWidth(a), halfWidth(b));
  return Math.max(width, ROUNDING * Math.max(Math.abs(a.score), Math.abs(b.score)));
}

/**
 * A score that is a ratio of sums over samples without blocks of them, at the cost of no new fit: for EMMS sums of squared
 * residuals, held-out ones for `cv`, in-sample ones for the other variants, spread as if the fit were done again (`emms.ts`).
 */
function ratiosWithoutBlocks({ numerator, denominator }: Contributions, most: number): LeftOut {
  const count = Math.min(most, numerator.length);
  const above = new Float64Array(count);
  const below = new Float64Array(count);
  drawBlocks(numerator.length, count).forEach((block, i) => {
    above[block] = (above[block] as number) + (numerator[i] as number);
    below[block] = (below[block] as number) + (denominator[i] as number);
  });
  const [allAbove, allBelow] = [sum(above), sum(below)];
  const without = (block: number, other?: number) => {
    const part = (of: Float64Array) => (of[block] as number) + (other === undefined ? 0 : (of[other] as number));
    const rest = allBelow - part(below);
    // Without the only samples of their class nothing varies that could be explained.
    return rest > ROUNDING * allBelow ? (allAbove - part(above)) / rest : 0;
  };
  return {
    blocks: above.map((_, block) => without(block)),
    pairs: above.map((_, block) => without(block, (block + 1) % count)),
  };
}

/**
 * The standard error times the quantile of Student's t.
 *
 * With σₖ² the variance of what k blocks do to the score together, and not fewer of them, the score varies by Σ σₖ², but the
 * jackknife's J estimates Σ k·σₖ² (Efron & Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981), from which
 * second differences, whose I estimates Σ ½·k·(k−1)·σₖ², tell how much is too much: it matters where labels are interpolated, or
 * where classes alike leave nothing else to vary. Both J − I, right for k ≤ 2, and J²/(J + 2I), right for a single k, are never
 * more than Σ σₖ², whatever k, so the larger is taken. The latter doubles the relative error of J: its degrees of freedom are fewer.
 */
function halfWidth({ score, blocks, pairs }: Omit<VaryingCandidate, 'id' | 'samples'>): number {
  const { length: count } = blocks;
  const jackknife = ((count - 1) / count) * squaredDeviations(blocks);
  if (!(jackknife > 0)) return 0;
  // 0 where each block but adds its own to the score.
  const differences = pairs.map((pair, i) => {
    const either = (blocks[i] as number) + (blocks[(i + 1) % count] as number);
    return count * score - (count - 1) * either + (count - 2) * pair;
  });
  // Each is two blocks together, but for what those do with the others; of two blocks there are no others.
  const interaction = count > 2 ? squaredDeviations(differences) / (count - 1) / (2 * (1 + 2 / count)) : 0;
  const share = jackknife / (jackknife + 2 * interaction);
  const variance = Math.max(jackknife - interaction, jackknife * share);
  const degrees = (count - 1) / ((2 - share) ** 2 + (1 - share) ** 2);
  return studentQuantile(degrees) * Math.sqrt(variance);
}

/** 95 % quantile of Student's t (Wallace, Annals of Mathematical Statistics 30, 1959): to 2 % for 2 degrees of freedom, 4 digits from 9 on. */
function studentQuantile(degrees: number): number {
  const z = (NORMAL_QUANTILE * (8 * degrees + 3)) / (8 * degrees + 1);
  return Math.sqrt(degrees * Math.expm1(z ** 2 / degrees));
}

/** Of values from their mean. */
function squaredDeviations(values: Float64Array): number {
  const mean = sum(values) / values.length;
  return values.reduce((total, value) => total + (value - mean) ** 2, 0);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
