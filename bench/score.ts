import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Matrix as Dense, SingularValueDecomposition } from 'ml-matrix';
import type { FloatMatrix } from '../src/engine/linalg/matrix.ts';
import { writeNpy } from '../src/engine/npy.ts';
import { createEvidence } from '../src/engine/score/evidence.ts';
import { computeScore } from '../src/engine/score/registry.ts';
import { sparsemax } from '../src/engine/score/simplex.ts';
import { generator } from '../test/unit/random.ts';

// npm run bench -- score [--json] [--only name] [--large]
//
// EMMS from features in memory against the published algorithm, each pair in one run: in NumPy (bench/numpy_emms.py) and,
// at a small size, in ml-matrix. The Python is python3, or what the environment variable EMMS_BENCH_PYTHON names; without
// NumPy those ratios are left out. --large shows time and memory of a size that NumPy would need 1.2 TB for.

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    large: { type: 'boolean', default: false },
  },
});

interface Case {
  name: string;
  n: number;
  d: number;
  /** 0: label embeddings per sample, as for captions. */
  classes: number;
  d2: number;
  k: number;
  baseline?: 'numpy' | 'ml-matrix';
  /** How many times as fast as the baseline the variant `reference` must be. */
  target?: number;
}

const CASES: Case[] = [
  { name: 'small', n: 400, d: 48, classes: 7, d2: 32, k: 3, baseline: 'ml-matrix' },
  { name: 'classes d=512', n: 3760, d: 512, classes: 47, d2: 1024, k: 3, baseline: 'numpy', target: 10 },
  { name: 'classes d=2048', n: 3760, d: 2048, classes: 47, d2: 1024, k: 3, baseline: 'numpy', target: 15 },
  { name: 'captions d=768', n: 8000, d: 768, classes: 0, d2: 1024, k: 3, baseline: 'numpy', target: 8 },
];
const LARGE: Case = { name: 'large', n: 50_000, d: 2048, classes: 1000, d2: 1024, k: 3 };

type Data = ReturnType<typeof makeData>;
interface Timing {
  seconds: number;
  score: number;
}
interface Result extends Case {
  /** Of each variant of EMMS. */
  seconds: Record<string, number>;
  baselineSeconds?: number;
  ratio?: number;
  relativeDifference?: number;
  /** Of this process until now. */
  peakMemoryBytes: number;
}

const results: Result[] = [];
for (const example of options.large ? [LARGE] : CASES) {
  if (options.only !== undefined && !example.name.includes(options.only)) continue;
  const result = await run(example);
  results.push(result);
  if (!options.json) print(result);
}
if (options.json) console.log(JSON.stringify(results, null, 2));

async function run(example: Case): Promise<Result> {
  const data = makeData(example);
  // The first products make the ONNX Runtime sessions and let V8 compile: once per process, whatever is scored after.
  const warmUp = createEvidence(makeData({ ...example, n: 300, d: 100 }));
  const seconds: Record<string, number> = {};
  let score = Number.NaN;
  for (const variant of ['reference', 'exact', 'cv']) {
    await computeScore('emms', warmUp, { variant });
    const start = performance.now();
    const result = await computeScore('emms', createEvidence(data), { variant });
    seconds[variant] = (performance.now() - start) / 1000;
    if (variant === 'reference') score = result.score;
  }
  const baseline = example.baseline === 'numpy' ? await timeNumpy(data) : example.baseline && timeMlMatrix(data);
  return {
    ...example,
    seconds,
    ...(baseline && {
      baselineSeconds: baseline.seconds,
      ratio: baseline.seconds / (seconds.reference as number),
      relativeDifference: Math.abs(score / baseline.score - 1),
    }),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function print(result: Result): void {
  const ours = Object.entries(result.seconds).map(([variant, seconds]) => `${variant} ${seconds.toFixed(3)} s`);
  console.log(`${result.name} (n=${result.n} d=${result.d} C=${result.classes} D2=${result.d2} K=${result.k})`);
  console.log(`  ${ours.join(', ')}; peak memory ${(result.peakMemoryBytes / 2 ** 30).toFixed(2)} GiB`);
  if (result.ratio !== undefined) {
    console.log(
      `  ${result.baseline} ${result.baselineSeconds?.toFixed(3)} s: ${result.ratio.toFixed(1)} × as fast as that` +
        `${result.target ? ` (target ${result.target} ×)` : ''}, difference ${result.relativeDifference?.toExponential(1)}`,
    );
  }
}

/** Seeded float32 features that tell classes apart, and label embeddings. */
function makeData({ n, d, classes, d2, k }: Case) {
  const { uniform } = generator(1);
  const matrix = (rows: number, cols: number): FloatMatrix => ({
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, uniform),
  });
  const features = matrix(n, d);
  const labelEmbeddings = Array.from({ length: k }, () => matrix(classes || n, d2));
  if (classes === 0) return { features, labelEmbeddings };
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
  const centres = matrix(classes, d);
  features.data.forEach((value, at) => {
    const label = labels[Math.floor(at / d)] as number;
    features.data[at] = value + 0.3 * (centres.data[label * d + (at % d)] as number);
  });
  return { features, labels, labelEmbeddings };
}

async function timeNumpy({ features, labels, labelEmbeddings }: Data): Promise<Timing | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'emms-bench-'));
  try {
    const { rows = 0, cols = 0 } = labelEmbeddings[0] ?? {};
    const stacked = new Float32Array(labelEmbeddings.length * rows * cols);
    labelEmbeddings.forEach((embedding, k) => {
      stacked.set(embedding.data, k * rows * cols);
    });
    const save = (name: string, shape: number[], array: Float32Array | Float64Array | Int32Array) =>
      writeNpy(join(folder, `${name}.npy`), { shape, data: array });
    await save('features', [features.rows, features.cols], features.data);
    await save('label_embeddings', [labelEmbeddings.length, rows, cols], stacked);
    if (labels !== undefined) await save('labels', [labels.length], labels);
    const python = process.env.EMMS_BENCH_PYTHON ?? 'python3';
    return JSON.parse(execFileSync(python, [join('bench', 'numpy_emms.py'), folder], { encoding: 'utf8' }));
  } catch (error) {
    console.error(`No ratio to NumPy: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The published algorithm as it is written, in ml-matrix. */
function timeMlMatrix({ features, labels, labelEmbeddings }: Data): Timing {
  const toDense = ({ rows, cols, data }: FloatMatrix) => Dense.from1DArray(rows, cols, data);
  const raw = labelEmbeddings.map((embedding) => {
    const dense = toDense(embedding);
    return labels === undefined ? dense : dense.subMatrixRow([...labels]);
  });
  const start = performance.now();
  const standardise = (matrix: Dense) => {
    const centred = matrix.clone().subRowVector(matrix.mean('column'));
    const variance = Dense.mul(centred, centred).mean('column');
    return centred.divRowVector(variance.map((value) => Math.sqrt(value) + 1e-8));
  };
  const x = standardise(toDense(features));
  const z = raw.map(standardise);
  const mix = (weights: number[]) =>
    z.reduce((sum, zk, k) => sum.add(Dense.mul(zk, weights[k] as number)), Dense.zeros(x.rows, z[0]?.columns ?? 0));
  const lstsq = (a: Dense, b: Dense) => new SingularValueDecomposition(a, { autoTranspose: true }).solve(b);
  const fitted = x.mmul(lstsq(x, mix(z.map(() => 1 / z.length))));
  const columns = new Dense(z.map((zk) => zk.to1DArray())).transpose();
  const weights = sparsemax(lstsq(columns, Dense.columnVector(fitted.to1DArray())).to1DArray());
  const residual = fitted.sub(mix(weights)).to1DArray();
  const score = (-residual.reduce((sum, value) => sum + value * value, 0) / x.rows) * (z[0]?.columns ?? 0);
  return { seconds: (performance.now() - start) / 1000, score };
}
