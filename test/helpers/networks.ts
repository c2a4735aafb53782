import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { expect } from 'vitest';
import * as z from 'zod';
import type { RecognisedNetwork } from '../../src/engine/checkpoints/architectures/architecture.ts';
import { detectArchitecture } from '../../src/engine/checkpoints/architectures/detect.ts';
import { Graph } from '../../src/engine/checkpoints/architectures/graph.ts';
import { candidatesOfNames } from '../../src/engine/checkpoints/containers/namePrefixes.ts';
import { readWeights } from '../../src/engine/checkpoints/containers/open.ts';
import { readModelConfig } from '../../src/engine/checkpoints/modelConfig.ts';
import type { Weights } from '../../src/engine/checkpoints/weights.ts';
import { openSession } from '../../src/engine/extract/session.ts';

export { readModelConfig as readConfig } from '../../src/engine/checkpoints/modelConfig.ts';

/** What tools/make_fixtures.py writes beside each network: what it was given, and what PyTorch made of it. */
const networkCaseSchema = z.object({
  /** The file with the weights. */
  weights: z.string(),
  /** The architecture as the report names it. */
  architecture: z.string(),
  /** The library and version that made the network. */
  madeBy: z.string(),
  inputs: z.record(
    z.string(),
    z.object({ shape: z.array(z.int()), values: z.union([z.literal('waves'), z.array(z.int())]) }),
  ),
  /** `[n, d]` */
  features: z.object({ shape: z.array(z.int()), values: z.array(z.number()) }),
  logits: z.object({ shape: z.array(z.int()), values: z.array(z.number()) }).optional(),
});
export type NetworkCase = z.infer<typeof networkCaseSchema>;

/** Pixels that are no noise and repeat nowhere: sin(0.013 i) + cos(0.0071 i) / 2 at the flat index i. */
export function waves(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(0.013 * i) + 0.5 * Math.cos(0.0071 * i));
}

export async function readCase(folder: string): Promise<NetworkCase> {
  return networkCaseSchema.parse(JSON.parse(await readFile(path.join(folder, 'case.json'), 'utf8')));
}

/** Recognises a case's network, builds its graph over the file's weights, and runs it on the case's inputs. */
export async function runCase(
  folder: string,
  weightsFile?: string,
): Promise<{ network: RecognisedNetwork; features: Tensor; logits: Tensor | undefined }> {
  const networkCase = await readCase(folder);
  const weights = await readWeights(path.join(folder, weightsFile ?? networkCase.weights));
  return runNetwork(weights, await readModelConfig(folder), networkCase.inputs);
}

/** Expects a case's network to be recognised, and to compute the features and logits that PyTorch does. */
export async function expectAsPyTorch(folder: string): Promise<RecognisedNetwork> {
  const expected = await readCase(folder);
  const { network, features, logits } = await runCase(folder);
  expect(network.architecture).toBe(expected.architecture);
  expect(features.dims).toEqual(expected.features.shape);
  expect(relativeError(features, expected.features)).toBeLessThan(1e-4);
  expect(network.hasLogits).toBe(expected.logits !== undefined);
  expect(logits?.dims).toEqual(expected.logits?.shape);
  if (logits && expected.logits) expect(relativeError(logits, expected.logits)).toBeLessThan(1e-4);
  return network;
}

/** @param tensor what is returned as the features */
export async function runNetwork(
  wrapped: Weights,
  config: ReadonlyMap<string, unknown> | undefined,
  inputs: NetworkCase['inputs'],
  tensor = 'features',
): Promise<{ network: RecognisedNetwork; features: Tensor; logits: Tensor | undefined }> {
  const candidates = candidatesOfNames(wrapped);
  const weights = candidates.find((candidate) => detectArchitecture(candidate, config) !== undefined);
  const network = weights && detectArchitecture(weights, config);
  if (!network) throw new Error('no architecture recognises these weights');
  const graph = new Graph(weights);
  network.build(graph);
  const { session, close } = await openSession(graph.build(), {
    tensor,
    provider: 'cpu',
    manyRows: network.text === undefined,
    store: undefined,
  });
  try {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, values }]) => [
        name,
        values === 'waves'
          ? new Tensor('float32', waves(shape.reduce((product, size) => product * size, 1)), shape)
          : new Tensor('int64', BigInt64Array.from(values, BigInt), shape),
      ]),
    );
    const { [tensor]: features, logits } = await session.run(feeds);
    if (!features) throw new Error(`the graph has no output "${tensor}"`);
    return { network, features, logits };
  } finally {
    await close();
  }
}

/** ‖actual − expected‖ / ‖expected‖ */
export function relativeError(actual: Tensor, expected: { values: readonly number[] }): number {
  const data = actual.data as Float32Array;
  if (data.length !== expected.values.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (const [index, value] of expected.values.entries()) {
    difference += (value - (data[index] as number)) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}
