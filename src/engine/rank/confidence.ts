import { drawBlocks, RECOMPUTED_BLOCKS } from '../score/blocks.ts';
import type { Contributions, Variation } from '../score/score.ts';

/** A candidate's score on the samples that all candidates were scored on. */
export interface ScoredCandidate {
  id: string;
  score: number;
  /** Number of samples. */
  samples: number;
  variation: Variation;
}

type VaryingCandidate = Omit<ScoredCandidate, 'variation'> & { leftOut: Float64Array };

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
 * score moves.
 *
 * Two candidates are tied when the 90 % interval of their difference contains 0. On the same samples that interval is
 * paired, which removes what makes samples hard for every candidate; candidates of different numbers of samples are
 * compared as if independent.
 */
export function rankConfidence(candidates: readonly ScoredCandidate[]): CandidateConfidence[] {
  // The same blocks for all, so that candidates pair.
  const blocks = candidates.some(({ variation }) => variation instanceof Float64Array) ? RECOMPUTED_BLOCKS : MAX_BLOCKS;
  const varying = candidates.map(({ variation, ...candidate }) => ({
    ...candidate,
    leftOut: variation instanceof Float64Array ? variation : scoresWithoutBlocks(variation, blocks),
  }));
  return varying.map((candidate) => {
    const margin = halfWidth(candidate.leftOut);
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
  const width =
    a.samples === b.samples && a.leftOut.length === b.leftOut.length
      ? halfWidth(a.leftOut.map((score, block) => score - (b.leftOut[block] as number)))
      : Math.hypot(halfWidth(a.leftOut), halfWidth(b.leftOut));
  return Math.max(width, ROUNDING * Math.max(Math.abs(a.score), Math.abs(b.score)));
}

/**
 * The score without each block of samples in turn, of a score that is a ratio of sums over samples, so that it costs no
 * new fit: for EMMS sums of squared residuals, held-out ones for `cv`, in-sample ones for the other variants, spread as
 * if the fit were done again (`emms.ts`).
 */
function scoresWithoutBlocks({ numerator, denominator }: Contributions, most: number): Float64Array {
  const blocks = Math.min(most, numerator.length);
  const above = new Float64Array(blocks);
  const below = new Float64Array(blocks);
  const blockOf = drawBlocks(numerator.length, blocks);
  for (let i = 0; i < numerator.length; i++) {
    const block = blockOf[i] as number;
    above[block] = (above[block] as number) + (numerator[i] as number);
    below[block] = (below[block] as number) + (denominator[i] as number);
  }
  const [allAbove, allBelow] = [sum(above), sum(below)];
  return above.map((value, block) => {
    const rest = allBelow - (below[block] as number);
    // Without the only samples of their class nothing varies that could be explained.
    return rest > ROUNDING * allBelow ? (allAbove - value) / rest : 0;
  });
}

/** The jackknife's standard error times the quantile of Student's t. */
function halfWidth(leftOut: Float64Array): number {
  const blocks = leftOut.length;
  const mean = sum(leftOut) / blocks;
  const variance = ((blocks - 1) / blocks) * leftOut.reduce((total, value) => total + (value - mean) ** 2, 0);
  return studentQuantile(blocks - 1) * Math.sqrt(variance);
}

/** 95 % quantile of Student's t by the expansion around the normal one; 4 digits from 8 degrees of freedom on. */
function studentQuantile(degrees: number): number {
  const z = NORMAL_QUANTILE;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
