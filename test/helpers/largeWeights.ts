import { open } from 'node:fs/promises';
import type { Shapes } from './shapes.ts';

/** Random values are written in pieces of this many, again and again. */
const PIECE = 1_000_003;

export type Precision = 'F32' | 'F16';

const elements = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** A safetensors file of these weights, all of them small random numbers that a variance can be. */
export async function writeLargeWeights(file: string, shapes: Shapes, precision: Precision): Promise<void> {
  const width = precision === 'F32' ? 4 : 2;
  let offset = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const from = offset;
    offset += width * elements(shape);
    return [name, { dtype: precision, shape, data_offsets: [from, offset] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const values = Float32Array.from({ length: PIECE }, () => 0.001 + 0.02 * Math.random());
  // 2⁻⁶ and what lies above it by a random mantissa.
  const halves = Uint16Array.from({ length: PIECE }, () => 0x2400 + Math.floor(0x300 * Math.random()));
  const piece = Buffer.from(precision === 'F32' ? values.buffer : halves.buffer);
  const handle = await open(file, 'w');
  try {
    await handle.write(length);
    await handle.write(header);
    for (let at = 0; at < offset; at += piece.length) {
      await handle.write(piece, 0, Math.min(piece.length, offset - at));
    }
  } finally {
    await handle.close();
  }
}
