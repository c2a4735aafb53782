import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Matrix as Dense, SingularValueDecomposition } from 'ml-matrix';
import type { FloatMatrix } from '../../src/engine/linalg/matrix.ts';
import { writeNpy } from '../../src/engine/npy.ts';
import { sparsemax } from '../../src/engine/score/simplex.ts';
import type { Data } from './data.ts';
import type { Timing } from './timing.ts';
import { fastest } from './timing.ts';

/** Runs a script of bench/, `name` and arguments, on the data; undefined where there is no NumPy. */
export async function timeNumpy(
  [script, ...rest]: readonly [string, ...string[]],
  data: Data,
): Promise<Timing | undefined> {
  const { features, labels, labelEmbeddings } = data;
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
    return JSON.parse(execFileSync(python, [join('bench', script), folder, ...rest], { encoding: 'utf8' }));
  } catch (error) {
    console.error(`No ratio to NumPy: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The published algorithm as it is written, in ml-matrix. */
export function timeMlMatrix({ features, labels, labelEmbeddings }: Data): Promise<Timing> {
  const toDense = ({ rows, cols, data }: FloatMatrix) => Dense.from1DArray(rows, cols, data);
  const raw = labelEmbeddings.map((embedding) => {
    const dense = toDense(embedding);
    return labels === undefined ? dense : dense.subMatrixRow([...labels]);
  });
  const standardise = (matrix: Dense) => {
    const centred = matrix.clone().subRowVector(matrix.mean('column'));
    const variance = Dense.mul(centred, centred).mean('column');
    return centred.divRowVector(variance.map((value) => Math.sqrt(value) + 1e-8));
  };
  const lstsq = (a: Dense, b: Dense) => new SingularValueDecomposition(a, { autoTranspose: true }).solve(b);
  return fastest(async () => {
    const x = standardise(toDense(features));
    const z = raw.map(standardise);
    const mix = (weights: number[]) =>
      z.reduce((sum, zk, k) => sum.add(Dense.mul(zk, weights[k] as number)), Dense.zeros(x.rows, z[0]?.columns ?? 0));
    const fitted = x.mmul(lstsq(x, mix(z.map(() => 1 / z.length))));
    const columns = new Dense(z.map((zk) => zk.to1DArray())).transpose();
    const weights = sparsemax(lstsq(columns, Dense.columnVector(fitted.to1DArray())).to1DArray());
    const residual = fitted.sub(mix(weights)).to1DArray();
    return (-residual.reduce((sum, value) => sum + value * value, 0) / x.rows) * (z[0]?.columns ?? 0);
  });
}
