import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { Float16Array } from '@petamoriken/float16';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Store } from '../../../../src/engine/cache/store.ts';
import type { RunnableModel } from '../../../../src/engine/checkpoints/checkpoint.ts';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { CancelledError } from '../../../../src/engine/errors.ts';
import { isConvolutional } from '../../../../src/engine/extract/blockedLayout.ts';
import { openSession } from '../../../../src/engine/extract/session.ts';
import { type NewModel, withOutput, writeModel } from '../../../../src/engine/onnx/writeModel.ts';
import { type Precision, writeLargeWeights } from '../../../helpers/largeWeights.ts';
import { type NetworkCase, readCase, relativeError, waves } from '../../../helpers/networks.ts';
import { resnetShapes, type Shapes, vitShapes } from '../../../helpers/shapes.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const SIDE = 32;
const NETWORKS = path.join(import.meta.dirname, '../../../fixtures/networks/onnx');
/** Over what PyTorch computes in single precision. The runtime's results in half precision are off by 3e-4 and more. */
const MOST_ERROR = 1e-4;

async function network(
  precision: Precision,
  shapes: Shapes = resnetShapes([2, 2, 2, 2], {}),
): Promise<{ file: string; model: RunnableModel }> {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'network.safetensors');
  await writeLargeWeights(file, shapes, precision);
  const checkpoint = await openCheckpoint(file, folder, { modalities: ['image'] });
  return { file, model: await checkpoint.loadModel() };
}

async function run(session: InferenceSession): Promise<Map<string, Float32Array>> {
  const image = new Tensor('float32', waves(2 * 3 * SIDE * SIDE), [2, 3, SIDE, SIDE]);
  const results = await session.run({ image });
  return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

function tensorOf(type: string, { shape, values }: NetworkCase['inputs'][string]): Tensor {
  if (values !== 'waves') return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
  const pixels = waves(shape.reduce((product, size) => product * size, 1));
  const halves = new Float16Array(pixels);
  return type === 'float16'
    ? new Tensor('float16', new Uint16Array(halves.buffer), shape)
    : new Tensor('float32', Float32Array.from(halves), shape);
}

async function runOn(session: InferenceSession, inputs: NetworkCase['inputs']): Promise<InferenceSession.ReturnType> {
  const feeds = session.inputMetadata.map(({ name, ...value }): [string, Tensor] => {
    const given = inputs[name];
    if (!given || !value.isTensor) throw new Error(`an input ${name}`);
    return [name, tensorOf(value.type, given)];
  });
  return session.run(Object.fromEntries(feeds));
}

const options = (store: Store) => ({ tensor: 'layer2', provider: 'cpu', manyRows: true, store });

describe('openSession of convolutions and batch norms', () => {
  it.each(['F32', 'F16'] as const)('computes what it does as a whole, with weights in %s', async (precision) => {
    const { model } = await network(precision);
    expect(model.network && isConvolutional(model.network)).toBe(true);
    const whole = await InferenceSession.create(withOutput(model.model(), 'layer2'), {
      logSeverityLevel: 4,
      extra: { session: { model_external_initializers_file_folder_path: model.weightsFolder } },
    });
    const expected = await run(whole);
    await whole.release();
    const folder = await temporaryFolder();
    const image = { name: 'image', type: 'float32', shape: ['n', 3, SIDE, SIDE] } as const;
    const { session, close } = await openSession(model, { ...options(new Store(folder)), image });
    expect(session.inputMetadata).toMatchObject([image]);
    const actual = await run(session);
    expect(new Set(expected.keys())).toEqual(new Set(['features', 'logits', 'layer2']));
    for (const [name, values] of expected) {
      const others = actual.get(name) ?? new Float32Array();
      expect(others).toHaveLength(values.length);
      let difference = 0;
      let norm = 0;
      for (const [index, value] of values.entries()) {
        difference += (value - (others[index] ?? 0)) ** 2;
        norm += value ** 2;
      }
      expect(Math.sqrt(difference / norm)).toBeLessThan(2e-6);
    }
    await close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('has nothing in the cache’s folder while it is loaded, where the system lets mapped files go', async () => {
    const folder = await temporaryFolder();
    const { model } = await network('F32');
    const two = await Promise.all([1, 2].map(() => openSession(model, options(new Store(folder)))));
    expect(await readdir(folder)).toHaveLength(process.platform === 'win32' ? 2 : 0);
    const [one, other] = await Promise.all(two.map(({ session }) => run(session)));
    expect(other).toEqual(one);
    for (const { close } of two) await close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('writes no model of weights where they lie, which the runtime is not given', async () => {
    const { model } = await network('F16', resnetShapes([1, 1, 1, 1], {}));
    const written = vi.fn(model.model);
    const { close } = await openSession({ ...model, model: written }, options(new Store(await temporaryFolder())));
    await close();
    expect(written).not.toHaveBeenCalled();
  });

  it('leaves nothing when the weights can’t be loaded', async () => {
    const folder = await temporaryFolder();
    const { file, model } = await network('F32');
    await truncate(file, 20_000_000);
    await expect(openSession(model, options(new Store(folder)))).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });

  it('loads it as a whole where there is no room to write the weights', async () => {
    const { file, model } = await network('F32', resnetShapes([1, 1, 1, 1], {}));
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, path.join(file, 'nowhere'));
    const { session, close } = await openSession(model, options(new Store(path.join(file, 'store'))));
    const values = await run(session);
    await close();
    vi.unstubAllEnvs();
    const laidOut = await openSession(model, options(new Store(await temporaryFolder())));
    expect(values).toEqual(await run(laidOut.session));
    await laidOut.close();
  });

  it('stops when it is cancelled, and leaves nothing', async () => {
    const folder = await temporaryFolder();
    const { model } = await network('F32');
    const cancelling = new AbortController();
    const loading = openSession(model, { ...options(new Store(folder)), signal: cancelling.signal });
    cancelling.abort();
    await expect(loading).rejects.toThrow(CancelledError);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('openSession of weights in half precision', () => {
  it('computes what the runtime does that casts them', async () => {
    const { model } = await network('F16', vitShapes(192, 2, 16, SIDE, 10));
    expect(model.network && isConvolutional(model.network)).toBe(false);
    const whole = await InferenceSession.create(model.model(), {
      logSeverityLevel: 4,
      extra: {
        session: { model_external_initializers_file_folder_path: model.weightsFolder, disable_prepacking: '1' },
      },
    });
    const expected = await run(whole);
    await whole.release();
    const folder = await temporaryFolder();
    const { session, close } = await openSession(model, { ...options(new Store(folder)), tensor: 'features' });
    expect(await readdir(folder)).toHaveLength(process.platform === 'win32' ? 1 : 0);
    expect(await run(session)).toEqual(expected);
    expect([...expected.keys()]).toContain('features');
    await close();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('openSession of an ONNX file in half precision', () => {
  it.each(['cnn-half', 'vit-half', 'text-mixed'])('%s gives what PyTorch does in single precision', async (name) => {
    const folder = path.join(NETWORKS, name);
    const { weights, architecture, inputs, features, logits } = await readCase(folder);
    const checkpoint = await openCheckpoint(path.join(folder, weights), folder, { modalities: ['image', 'text'] });
    expect(checkpoint.architecture).toBe(architecture);
    const model = await checkpoint.loadModel();
    const { tensor } = checkpoint.featurePoint;
    const { session, close } = await openSession(model, { tensor, provider: 'cpu', manyRows: true, store: undefined });
    const given = await runOn(session, inputs);
    await close();
    for (const [output, expected] of [
      [tensor, features],
      ['logits', logits],
    ] as const) {
      const actual = given[output];
      if (!actual || !expected) throw new Error('no result');
      expect(actual.type).toBe('float32');
      expect(actual.dims).toEqual(expected.shape);
      expect(relativeError(actual, expected)).toBeLessThan(MOST_ERROR);
    }
  });

  it('is loaded as it is where the runtime refuses it in single precision', async () => {
    const values = new Uint8Array(new Float16Array(4).fill(1).buffer);
    const model = (between: string): NewModel => ({
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: [between] },
        { op: 'Relu', inputs: [between], outputs: ['y'] },
      ],
      initializers: [{ name: 'w', type: 'float16', shape: [2, 2], values }],
      inputs: [{ name: 'x', type: 'float16', shape: [1, 2] }],
      outputs: ['y'],
    });
    const x = new Tensor('float16', new Uint16Array(new Float16Array([1, 2 ** -11]).buffer), [1, 2]);
    for (const [between, type] of [
      ['product', 'float32'],
      // The name that the cast input would have.
      ['x in single precision', 'float16'],
    ] as const) {
      const network = model(between);
      const options = { tensor: 'y', provider: 'cpu', manyRows: true, store: undefined };
      const loaded = await openSession({ model: () => writeModel(network), weightsFolder: '', network }, options);
      const { y } = await loaded.session.run({ x });
      await loaded.close();
      expect(y?.type).toBe(type);
      const numbers = y?.data instanceof Uint16Array ? new Float16Array(y.data.slice().buffer) : y?.data;
      expect(Number(numbers?.[0])).toBe(type === 'float32' ? 1 + 2 ** -11 : 1);
    }
  });
});
