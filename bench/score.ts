import { parseArgs } from 'node:util';
import { createEvidence } from '../src/engine/score/evidence.ts';
import { computeScore, SCORES } from '../src/engine/score/registry.ts';
import { timeMlMatrix, timeNumpy } from './support/baselines.ts';
import type { Data, Shape } from './support/data.ts';
import { makeData } from './support/data.ts';
import { fastest, type Timing } from './support/timing.ts';

// npm run bench -- score [--json] [--only name] [--large]
//
// Scores from features in memory against their published algorithms, each pair in one run: in NumPy (bench/numpy_*.py) and,
// at a small size, in ml-matrix; and all scores of one candidate together against the dearest of them. The Python is
// python3, or what the environment variable EMMS_BENCH_PYTHON names; without NumPy those ratios are left out. --large shows
// time and memory of a size for which the published code spreads label embeddings to 1.2 GB, and copies them.

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    large: { type: 'boolean', default: false },
  },
});

interface Case extends Shape {
  name: string;
  score: 'emms' | 'logme' | 'transrate';
  /** Variants that are timed; the first is compared with the baseline. */
  variants: readonly [string, ...string[]];
  /** A script of this folder with its arguments. */
  baseline?: readonly [string, ...string[]] | 'ml-matrix';
  /** How many times as fast as the baseline it must be. */
  target?: number;
}

const EMMS = { score: 'emms', variants: ['reference', 'paper', 'exact', 'cv'] } as const;
const EMMS_IN_NUMPY = { ...EMMS, baseline: ['numpy_emms.py'] } as const;
const LOGME = { score: 'logme', variants: ['classification'], baseline: ['numpy_logme.py'] } as const;
const LOGME_REGRESSION = {
  score: 'logme',
  variants: ['regression'],
  baseline: ['numpy_logme.py', 'regression'],
} as const;
const TRANSRATE = { score: 'transrate', variants: ['reference'], baseline: ['numpy_transrate.py'] } as const;

const SMALL: Shape = { n: 400, d: 48, classes: 7, d2: 32, k: 3 };
const CLASSES: Shape = { n: 3760, d: 2048, classes: 47, d2: 1024, k: 3 };
const CAPTIONS: Shape = { n: 8000, d: 768, classes: 0, d2: 1024, k: 3 };
const CASES: Case[] = [
  { name: 'small', ...SMALL, ...EMMS, baseline: 'ml-matrix' },
  { name: 'classes d=512', ...CLASSES, d: 512, ...EMMS_IN_NUMPY, target: 10 },
  { name: 'classes d=2048', ...CLASSES, ...EMMS_IN_NUMPY, target: 15 },
  { name: 'captions d=768', ...CAPTIONS, ...EMMS_IN_NUMPY, target: 8 },
  { name: 'logme d=512', ...CLASSES, d: 512, ...LOGME, target: 3 },
  { name: 'logme d=2048', ...CLASSES, ...LOGME, target: 2 },
  { name: 'logme regression d=2048', ...CLASSES, ...LOGME_REGRESSION, target: 8 },
  { name: 'transrate d=2048', ...CLASSES, ...TRANSRATE, target: 5 },
];
const LARGE: Case = { name: 'large', n: 50_000, d: 2048, classes: 1000, d2: 1024, k: 3, ...EMMS };

/** All scores of one candidate. */
const ALL = 'all scores';
/** How often the two sides of a ratio are timed, in turn: a machine has slow spells, which must not be one side's alone. */
const TURNS = 3;

/** How many times as long as the dearest score they may take together. */
const ALL_TARGET = 2;

interface Result extends Case {
  /** Of each variant. */
  seconds: Record<string, number>;
  baselineSeconds?: number;
  ratio?: number;
  relativeDifference?: number;
  /** Of this process until now. */
  peakMemoryBytes: number;
}

const wanted = (name: string) => options.only === undefined || name.includes(options.only);
const cases = (options.large ? [LARGE] : CASES).filter(({ name }) => wanted(name));
const allWanted = !options.large && wanted(ALL);
if (cases.length === 0 && !allWanted) {
  const names = options.large ? [LARGE.name] : [...CASES.map(({ name }) => name), ALL];
  console.error(`--only ${options.only}: no such case. Part of the name of one of ${names.join(', ')}.`);
  process.exit(2);
}
const results: object[] = [];
for (const example of cases) {
  const result = await run(example);
  results.push(result);
  if (!options.json) print(result);
}
if (allWanted) {
  const result = await runAll(CLASSES);
  results.push(result);
  if (!options.json) printAll(result);
}
if (options.json) console.log(JSON.stringify(results, null, 2));

async function run(example: Case): Promise<Result> {
  const { score: id, variants, baseline: baselineName } = example;
  const data = makeData(example);
  const warmUp = makeWarmUp(example);
  const time = async (variant: string) => {
    await computeScore(id, createEvidence(warmUp), { variant });
    return fastest(async () => (await computeScore(id, createEvidence(data), { variant })).score);
  };
  const [compared, ...others] = variants;
  const own: Timing[] = [];
  const baseline: Timing[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    own.push(await time(compared));
    const timing = await timeBaseline(baselineName, data);
    if (timing === undefined) break;
    baseline.push(timing);
  }
  const seconds = { [compared]: least(own) };
  for (const variant of others) seconds[variant] = (await time(variant)).seconds;
  const [ownTiming, baselineTiming] = [own[0], baseline[0]];
  return {
    ...example,
    seconds,
    ...(ownTiming &&
      baselineTiming && {
        baselineSeconds: least(baseline),
        ratio: least(baseline) / least(own),
        relativeDifference: Math.abs(ownTiming.score / baselineTiming.score - 1),
      }),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function least(timings: readonly Timing[]): number {
  return Math.min(...timings.map(({ seconds }) => seconds));
}

/** The first products make the ONNX Runtime sessions and let V8 compile: once per process, whatever is scored after. */
function makeWarmUp(shape: Shape): Data {
  return makeData({ ...shape, n: 300, d: 100 });
}

function timeBaseline(baseline: Case['baseline'], data: Data) {
  if (baseline === undefined) return undefined;
  return baseline === 'ml-matrix' ? timeMlMatrix(data) : timeNumpy(baseline, data);
}

interface AllResult {
  name: string;
  /** Of every score on its own. */
  seconds: Record<string, number>;
  /** Of all on one evidence, one after the other, as `rank` computes them. */
  togetherSeconds: number;
  /** To the dearest. */
  ratio: number;
}

async function runAll(shape: Shape): Promise<AllResult> {
  const data = makeData(shape);
  const warmUp = createEvidence(makeWarmUp(shape));
  const seconds: Record<string, number> = {};
  for (const { id } of SCORES) {
    await computeScore(id, warmUp);
    const timing = await fastest(async () => (await computeScore(id, createEvidence(data))).score);
    seconds[id] = timing.seconds;
  }
  const start = performance.now();
  const evidence = createEvidence(data);
  for (const { id } of SCORES) await computeScore(id, evidence);
  const togetherSeconds = (performance.now() - start) / 1000;
  return { name: ALL, seconds, togetherSeconds, ratio: togetherSeconds / Math.max(...Object.values(seconds)) };
}

function print(result: Result): void {
  console.log(`${result.name} (n=${result.n} d=${result.d} C=${result.classes} D2=${result.d2} K=${result.k})`);
  console.log(`  ${list(result.seconds)}; peak memory ${(result.peakMemoryBytes / 2 ** 30).toFixed(2)} GiB`);
  if (result.ratio !== undefined) {
    console.log(
      `  ${result.baseline === 'ml-matrix' ? 'ml-matrix' : 'NumPy'} ${result.baselineSeconds?.toFixed(3)} s: ` +
        `${result.ratio.toFixed(1)} × as fast as that${result.target ? ` (target ${result.target} ×)` : ''}, ` +
        `difference ${result.relativeDifference?.toExponential(1)}`,
    );
  }
}

function printAll({ name, seconds, togetherSeconds, ratio }: AllResult): void {
  console.log(`${name}, each alone: ${list(seconds)}`);
  console.log(
    `  together ${togetherSeconds.toFixed(3)} s: ${ratio.toFixed(2)} × the dearest (target at most ${ALL_TARGET} ×)`,
  );
}

function list(seconds: Record<string, number>): string {
  return Object.entries(seconds)
    .map(([name, value]) => `${name} ${value.toFixed(3)} s`)
    .join(', ');
}
