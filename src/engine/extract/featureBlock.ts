import * as z from 'zod';
import type { Activations } from './network.ts';

/** Features of one block of samples: the unit that is computed, cached and, after a crash, not computed again. */
export interface FeatureBlock extends Activations {
  /** Which samples of the block the rows are of: those whose image could be decoded. */
  readonly rows: readonly number[];
  /** What was wrong with the others. */
  readonly failures: readonly { readonly index: number; readonly reason: string }[];
  /** Inference time. */
  readonly seconds: number;
}

const headerSchema = z.object({
  featureDim: z.int().min(0),
  logitDim: z.int().min(0),
  rows: z.array(z.int().min(0)),
  failures: z.array(z.object({ index: z.int(), reason: z.string() })),
  seconds: z.number(),
});

/** Layout: length of the header (u32, little-endian), header as JSON, features, logits (f32, little-endian). */
export function serializeBlock(block: FeatureBlock): Uint8Array {
  const { features, logits, ...header } = block;
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, bytesOf(features), bytesOf(logits)]);
}

/** @throws Error when the bytes are not those of a block */
export function deserializeBlock(bytes: Buffer): FeatureBlock {
  const start = 4 + bytes.readUInt32LE(0);
  const header = headerSchema.parse(JSON.parse(bytes.toString('utf8', 4, start)));
  // A copy: typed arrays need an aligned offset.
  const values = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  const featureCount = header.rows.length * header.featureDim;
  if (values.length !== featureCount + header.rows.length * header.logitDim)
    throw new Error('a block of the wrong size');
  return { ...header, features: values.subarray(0, featureCount), logits: values.subarray(featureCount) };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
