import type { Candidate, RankingReport } from '../../protocol/report.ts';
import { CandidateIndex } from './candidateIndex.ts';
import { stringLiterals } from './stringLiterals.ts';

/** A place in source code that names something from the report. */
export interface Mention {
  readonly kind: 'checkpoint' | 'architecture' | 'dataset';
  readonly line: number;
  /** Columns: the first, and the one after the last. */
  readonly range: readonly [start: number, end: number];
  /** In rank order; all candidates for a dataset. */
  readonly candidateIds: readonly string[];
}

/** Beyond these the text is hardly written by hand, and an editor must not wait for it. */
const MOST_CHARACTERS = 1_000_000;
const MOST_LINE_CHARACTERS = 2_000;
const MOST_MENTIONS = 500;

const call = /\b([A-Za-z_]\w*)\s*\(/g;

/** Finds the lines of Python code that name a ranked checkpoint, its architecture or the ranked dataset. */
export function findMentions(text: string, report: RankingReport): Mention[] {
  const index = new CandidateIndex(report);
  const everyId = report.candidates.map((candidate) => candidate.id);
  const mentions: Mention[] = [];

  const add = (kind: Mention['kind'], line: number, start: number, length: number, candidateIds: readonly string[]) => {
    if (candidateIds.length > 0) mentions.push({ kind, line, range: [start, start + length], candidateIds });
  };
  for (const [number, line] of text
    .slice(0, MOST_CHARACTERS)
    .split(/\r\n|\r|\n/)
    .entries()) {
    if (mentions.length >= MOST_MENTIONS) break;
    if (line.length > MOST_LINE_CHARACTERS) continue;
    for (const { start, content } of stringLiterals(line)) {
      const path = asPath(content);
      const checkpoints = index.byPath(path);
      if (checkpoints.length > 0) add('checkpoint', number, start, content.length, ids(checkpoints));
      else if (namesDataset(path, report.dataset)) add('dataset', number, start, content.length, everyId);
      else add('architecture', number, start, content.length, ids(index.byArchitecture(content)));
    }
    for (const match of line.matchAll(call)) {
      const name = match[1] ?? '';
      add('architecture', number, match.index, name.length, ids(index.byArchitecture(name)));
    }
  }
  return mentions;
}

/**
 * A path as the report writes it, from a literal that may hold escaped quotes, backslashes (single or doubled), or begin
 * with `./`.
 */
function asPath(literal: string): string {
  const path = literal
    .replaceAll(/\\(['"])/g, '$1')
    .replaceAll(/\\\\?/g, '/')
    .replace(/^(\.\/)+/, '');
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Whether a path is the dataset's or lies in it: code mostly names the folder of one split. */
function namesDataset(path: string, dataset: RankingReport['dataset']): boolean {
  const padded = `${path}/`;
  const absolute = asPath(dataset.path);
  if (padded.startsWith(`${absolute}/`)) return true;
  if (dataset.id === '' || dataset.id === '.') return false;
  if (padded.startsWith(`${dataset.id}/`)) return true;
  // The code may run from another folder. A single name is too little to tell by: `"x/data"` is hardly `data`.
  return dataset.id.includes('/') && padded.includes(`/${dataset.id}/`);
}

function ids(candidates: readonly Candidate[]): string[] {
  return candidates.map((candidate) => candidate.id);
}
