import { cacheKey, type Store } from '../cache/store.ts';
import type { Dataset, Sample } from '../datasets/dataset.ts';
import { CancelledError, firstLineOf, InputError } from '../errors.ts';
import { type FloatMatrix, selectRows } from '../linalg/matrix.ts';
import { toCommonWidth } from './commonWidth.ts';
import { encoderIdentity } from './encoderFiles.ts';
import type { LabelEncoder } from './encoders.ts';
import { type LabelTexts, labelTexts } from './labelTexts.ts';
import { oneHotWords } from './oneHot.ts';
import { type EncodeTextOptions, type Pooling, TextEncoder } from './textEncoder.ts';

/** Counts up whenever the same texts and the same encoder begin to give other vectors. */
const EMBEDDINGS_VERSION = 1;
const WIDTH_BYTES = 4;

export interface EmbedOptions {
  /** By default the mean over real tokens. */
  readonly pooling?: Pooling | undefined;
  /** A sentence with `{}` in the place of the text; by default the text alone. */
  readonly template?: string | undefined;
  readonly store?: Store | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface LabelOptions extends Omit<EmbedOptions, 'template'> {
  /** Sentences for class names by the encoder's name, instead of the encoder's own. */
  readonly templates?: Readonly<Record<string, string>> | undefined;
  /** `raw` with the pooling `padding` is what the published EMMS code does. */
  readonly names?: 'readable' | 'raw' | undefined;
}

/**
 * The label embeddings of a dataset, one per encoder and all of one width: `[C, d2]` of a dataset with classes, else
 * `[n, d2]`, one row per sample. Without encoders the labels speak for themselves: undefined for classes (scores then
 * take one-hot vectors), `[n, 4]` for boxes, the words of other texts.
 * @throws InputError when an encoder can't be used
 * @throws CancelledError
 */
export async function embedDatasetLabels(
  dataset: Dataset,
  samples: readonly Sample[],
  encoders: readonly LabelEncoder[],
  { names, templates, onProgress, ...options }: LabelOptions,
): Promise<FloatMatrix[] | undefined> {
  const labels = labelTexts(dataset, samples, names);
  if (encoders.length === 0) return withoutEncoder(labels);
  const embeddings: FloatMatrix[] = [];
  const total = labels.texts.length * encoders.length;
  for (const encoder of encoders) {
    const template = templates?.[encoder.name] ?? (names === 'raw' ? undefined : encoder.template);
    const before = labels.texts.length * embeddings.length;
    embeddings.push(
      await embedLabels(labels.texts, encoder, {
        ...options,
        template: labels.of === 'classes' ? template : undefined,
        onProgress: (done) => onProgress?.(before + done, total),
      }),
    );
  }
  return toCommonWidth(embeddings);
}

function withoutEncoder(labels: LabelTexts): FloatMatrix[] | undefined {
  if (labels.of === 'classes') return undefined;
  return [labels.numbers ?? oneHotWords(labels.texts)];
}

/**
 * What an encoder makes of texts, `[n, d]`. Equal texts are embedded once. The result is kept in the store, known by the
 * texts, the encoder's files and the pooling.
 * @throws InputError when the encoder can't be read or run
 * @throws CancelledError
 */
export async function embedLabels(
  texts: readonly string[],
  encoder: Pick<LabelEncoder, 'folder'>,
  options: EmbedOptions = {},
): Promise<FloatMatrix> {
  const { pooling = 'tokens', template = '{}', store, signal, onProgress } = options;
  const rows = new Map([...new Set(texts)].map((text, row) => [text, row]));
  const sentences = [...rows.keys()].map((text) => template.split('{}').join(text));
  try {
    const key = store && (await keyOf(sentences, encoder.folder, pooling, signal));
    const kept = key && (await store.get(key));
    const vectors = kept ? deserialize(kept) : await encode(sentences, encoder.folder, { pooling, signal, onProgress });
    if (key && !kept) await store.put(key, serialize(vectors));
    return selectRows(
      vectors,
      texts.map((text) => rows.get(text) ?? 0),
    );
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    if (error instanceof InputError) throw error;
    throw new InputError(
      `${encoder.folder}: can't be used as a text encoder (${firstLineOf(error)}). Name another one.`,
    );
  }
}

async function keyOf(
  sentences: readonly string[],
  folder: string,
  pooling: Pooling,
  signal: AbortSignal | undefined,
): Promise<string> {
  const files = await encoderIdentity(folder, signal);
  return cacheKey('label embeddings', EMBEDDINGS_VERSION, pooling, JSON.stringify(files), JSON.stringify(sentences));
}

async function encode(sentences: readonly string[], folder: string, options: EncodeTextOptions): Promise<FloatMatrix> {
  const network = await TextEncoder.open(folder);
  try {
    const vectors = await network.encode(sentences, options);
    const bad = vectors.data.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return vectors;
    const sentence = JSON.stringify(sentences[Math.floor(bad / vectors.cols)]);
    throw new InputError(
      `${folder}: it gives no finite numbers for ${sentence}. Its weights are broken; get them again.`,
    );
  } finally {
    await network.close();
  }
}

/** Width as uint32, then the values as float32, little-endian. */
function serialize({ cols, data }: FloatMatrix): Buffer {
  const bytes = Buffer.alloc(WIDTH_BYTES + data.length * Float32Array.BYTES_PER_ELEMENT);
  bytes.writeUInt32LE(cols);
  data.forEach((value, at) => {
    bytes.writeFloatLE(value, WIDTH_BYTES + at * Float32Array.BYTES_PER_ELEMENT);
  });
  return bytes;
}

function deserialize(bytes: Buffer): FloatMatrix {
  const cols = bytes.readUInt32LE();
  const data = new Float32Array((bytes.length - WIDTH_BYTES) / Float32Array.BYTES_PER_ELEMENT);
  for (let at = 0; at < data.length; at++) {
    data[at] = bytes.readFloatLE(WIDTH_BYTES + at * Float32Array.BYTES_PER_ELEMENT);
  }
  return { rows: data.length / cols, cols, data };
}
