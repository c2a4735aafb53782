import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import { openCheckpoint } from '../../../../../src/engine/checkpoints/discover.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { UnreadableError } from '../../../../../src/engine/files/unreadable.ts';
import { type NewTensor, writeModel } from '../../../../../src/engine/onnx/writeModel.ts';
import { type PickleOptions, readPickle } from '../../../../../src/engine/pickle/readPickle.ts';
import { FIXTURES, manifest } from '../../../../helpers/containerFixtures.ts';
import { generator } from '../../../../helpers/random.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

// Whatever happens to a file, its reader gives ranges inside of it or an error for the person, soon. The environment
// variable EMMS_FUZZ asks for another number of mutations of each kind; then the figures are printed.

const asked = Number(process.env.EMMS_FUZZ ?? 0);
const MUTATIONS = asked || 400;
/** Of processor time, for tests share the machine: the second that a refusal may take, and as much for slow machines. */
const MAX_MILLISECONDS = 2000;

const all = [...Object.keys(manifest.readable), ...Object.keys(manifest.refused)];
const seeds = (names: readonly string[]) => names.map((name) => readFileSync(path.join(FIXTURES, name)));
const isLegacy = (name: string) => name.includes('-legacy');
const CORPUS: [string, string, Buffer[]][] = [
  ['archives of torch.save', 'm.pt', seeds(all.filter((name) => /\.(pt|pth|ckpt|tar)$/.test(name) && !isLegacy(name)))],
  ['old files of torch.save', 'm.pth', seeds(all.filter(isLegacy))],
  ['safetensors', 'm.safetensors', seeds(['types.safetensors', 'model-00001-of-00002.safetensors'])],
  ['indices', 'm.json', seeds(all.filter((name) => name.endsWith('.json')))],
];

const floats = (name: string, ...shape: number[]): NewTensor => ({
  name,
  type: 'float32',
  shape,
  values: new Uint8Array(4 * shape.reduce((product, size) => product * size, 1)),
});
/** A small classifier as ONNX: few weights, so that most changes hit the graph. */
const NETWORK = Buffer.from(
  writeModel({
    inputs: [{ name: 'image', type: 'float32', shape: ['n', 3, 8, 8] }],
    nodes: [
      { op: 'Conv', inputs: ['image', 'w', 'b'], outputs: ['c'], attributes: { group: 1, kernel_shape: [3, 3] } },
      { op: 'Relu', inputs: ['c'], outputs: ['r'] },
      { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['p'] },
      { op: 'Flatten', inputs: ['p'], outputs: ['f'], attributes: { axis: 1 } },
      { op: 'Gemm', inputs: ['f', 'v', 'd'], outputs: ['logits'], attributes: { transB: 1, alpha: { float: 1 } } },
    ],
    initializers: [floats('w', 4, 3, 3, 3), floats('b', 4), floats('v', 2, 4), floats('d', 2)],
    outputs: ['logits'],
  }),
);

/** As RefCOCO's are written, with places enough that not all are kept. */
const REFS = Buffer.from(
  `(lp0\n${Array.from({ length: 100 }, (_, ref) => {
    const place = 10 * ref;
    const key = ref === 0 ? "S'tokens'\np1\n" : 'g1\n';
    const recalled = ref === 50 ? `g${place - 7}\na` : '';
    return `(dp${place + 2}\n${key}(lp${place + 3}\nS'red'\np${place + 4}\naS'hat'\np${place + 5}\na${recalled}sa`;
  }).join('')}.`,
);

/** Numbers at which sizes and offsets go wrong. */
const EDGES = [0n, 1n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n];

/** A few random changes: bits, bytes, numbers, parts left out, doubled or taken from another file, the end cut off. */
function mutated(corpus: readonly Buffer[], random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  let bytes: Buffer = Buffer.from(pick(corpus));
  for (let changes = 1 + below(4); changes > 0; changes -= 1) {
    const at = below(bytes.length);
    const length = 1 + below(random() < 0.5 ? 16 : bytes.length - at);
    const before = bytes.subarray(0, at);
    switch (below(7)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        bytes[at] = below(256);
        break;
      case 2: {
        const edge = Buffer.alloc(8);
        edge.writeBigUInt64LE(pick(EDGES));
        edge.copy(bytes, at, 0, pick([1, 2, 4, 8]));
        break;
      }
      case 3:
        bytes = Buffer.concat([before, bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 5: {
        const other = pick(corpus);
        const from = below(other.length);
        bytes = Buffer.concat([before, other.subarray(from, from + length), bytes.subarray(at)]);
        break;
      }
      default:
        if (random() < 0.2) bytes = Buffer.from(before);
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function report(what: string, slowest: number, read: number): void {
  const { rss } = process.memoryUsage();
  if (asked) {
    console.log(
      `${what}: ${MUTATIONS} mutations, ${read} read, slowest ${slowest.toFixed(1)} ms, ${(rss / 2 ** 20).toFixed(0)} MB`,
    );
  }
}

/** Why a pickle is refused; nothing where it is read. */
function refusalOf(pickle: Buffer, options?: PickleOptions): string | undefined {
  try {
    readPickle(pickle, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    return error.message;
  }
}

describe('mutated files', () => {
  it.each(CORPUS)(
    'of %s give ranges inside the file or an InputError',
    { timeout: 3_600_000 },
    async (what, name, corpus) => {
      const { uniform } = generator(corpus.length);
      const folder = await temporaryFolder();
      const file = path.join(folder, name);
      for (const shard of readdirSync(FIXTURES).filter((fixture) => /-of-/.test(fixture))) {
        writeFileSync(path.join(folder, shard), readFileSync(path.join(FIXTURES, shard)));
      }
      let slowest = 0;
      let read = 0;
      for (let i = 0; i < MUTATIONS; i += 1) {
        writeFileSync(file, mutated(corpus, uniform));
        const start = processorTime();
        try {
          const { tensors } = await readWeights(file);
          read += 1;
          for (const tensor of tensors.values()) {
            if (tensor.offset + tensor.bytes > statSync(tensor.file).size) throw new Error(`beyond ${tensor.file}`);
          }
        } catch (error) {
          if (!(error instanceof InputError) || !error.message.startsWith(`${file}: `)) throw error;
        }
        slowest = Math.max(slowest, processorTime() - start);
      }
      report(what, slowest, read);
      expect(slowest).toBeLessThan(MAX_MILLISECONDS);
    },
  );

  it('of ONNX give a checkpoint or an InputError', { timeout: 3_600_000 }, async () => {
    const { uniform } = generator(2);
    const folder = await temporaryFolder();
    const file = path.join(folder, 'm.onnx');
    let slowest = 0;
    let read = 0;
    for (let i = 0; i < MUTATIONS; i += 1) {
      writeFileSync(file, mutated([NETWORK], uniform));
      const start = processorTime();
      try {
        await openCheckpoint(file, folder, { modalities: ['image'] });
        read += 1;
      } catch (error) {
        if (!(error instanceof InputError) || !error.message.startsWith(`${file}: `)) throw error;
      }
      slowest = Math.max(slowest, processorTime() - start);
    }
    report('ONNX', slowest, read);
    expect(slowest).toBeLessThan(MAX_MILLISECONDS);
  });

  it('of pickles give a value or an UnreadableError, as a whole and item by item', { timeout: 3_600_000 }, () => {
    const { uniform } = generator(1);
    const corpus = [...seeds([0, 1, 2, 3, 4, 5].map((protocol) => `plain-values-${protocol}.pkl`)), REFS];
    let slowest = 0;
    let read = 0;
    for (let i = 0; i < MUTATIONS; i += 1) {
      const pickle = mutated(corpus, uniform);
      const start = processorTime();
      const refusal = refusalOf(pickle);
      expect(refusalOf(pickle, { each: () => undefined })).toBe(refusal);
      expect(refusalOf(pickle, { each: () => undefined, unread: 'tokens' })).toBe(refusal);
      if (refusal === undefined) read += 1;
      slowest = Math.max(slowest, processorTime() - start);
    }
    report('pickles', slowest, read);
    expect(slowest).toBeLessThan(MAX_MILLISECONDS);
  });
});
