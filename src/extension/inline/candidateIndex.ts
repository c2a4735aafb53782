import type { Candidate, RankingReport } from '../../protocol/report.ts';

/** Finds what a report ranks by the words of source code: one look-up each, however many candidates there are. */
export class CandidateIndex {
  readonly #byFileName = new Map<string, Candidate[]>();
  readonly #byArchitecture = new Map<string, Candidate[]>();

  constructor(report: RankingReport) {
    for (const candidate of report.candidates) {
      add(this.#byFileName, lastSegment(candidate.id), candidate);
      if (isDistinctive(candidate.name)) add(this.#byFileName, candidate.name, candidate);
      add(this.#byArchitecture, candidate.architecture.toLowerCase(), candidate);
    }
  }

  /** Candidates that a path in the code can mean: of those with its file name, the ones that share most of its folders. */
  byPath(path: string): readonly Candidate[] {
    const namesakes = this.#byFileName.get(lastSegment(path)) ?? [];
    const shared = namesakes.map((candidate) => sharedSegments(candidate.id, path));
    const most = Math.max(...shared);
    return namesakes.filter((_candidate, index) => shared[index] === most);
  }

  /** Frameworks write the same architecture in different cases: `ResNet18(…)`, `"resnet18"`. */
  byArchitecture(name: string): readonly Candidate[] {
    return this.#byArchitecture.get(name.toLowerCase()) ?? [];
  }
}

function add(map: Map<string, Candidate[]>, key: string, candidate: Candidate): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [candidate]);
  else if (!known.includes(candidate)) known.push(candidate);
}

/** A name without its extension is looked for only if it isn't a mere word: `"model"` in code is hardly `model.onnx`. */
function isDistinctive(name: string): boolean {
  return !/^\p{L}*$/u.test(name);
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** How many segments, from the end, two paths have in common beside the last. */
function sharedSegments(one: string, other: string): number {
  const left = one.split('/').reverse();
  const right = other.split('/').reverse();
  let shared = 1;
  while (shared < left.length && left[shared] === right[shared]) shared++;
  return shared - 1;
}
