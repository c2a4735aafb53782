import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { WeightTensor } from '../../src/engine/checkpoints/weights.ts';

/** The files of tools/make_containers.py. */
export const FIXTURES = path.resolve('test/fixtures/containers');

export interface Manifest {
  readonly readable: Record<string, Record<string, { shape: number[]; type: string; sha256: string }>>;
  /** What the message of the refusal says. */
  readonly refused: Record<string, string>;
}

export const manifest: Manifest = JSON.parse(readFileSync(path.join(FIXTURES, 'manifest.json'), 'utf8'));

/** SHA-256 of a tensor's values in row-major order, read from where its file is said to hold them. */
export function hashOfValues(tensor: WeightTensor): string {
  const stored = readFileSync(tensor.file).subarray(tensor.offset, tensor.offset + tensor.bytes);
  return createHash('sha256').update(inOrderOfShape(tensor, stored)).digest('hex');
}

function inOrderOfShape({ shape, bytes, storedAxes }: WeightTensor, stored: Buffer): Buffer {
  const count = shape.reduce((product, size) => product * size, 1);
  if (!storedAxes || count === 0) return stored;
  const width = bytes / count;
  const strides = new Map<number, number>();
  let stride = width;
  for (const axis of [...storedAxes].reverse()) {
    strides.set(axis, stride);
    stride *= shape[axis] ?? 0;
  }
  const ordered = Buffer.alloc(bytes);
  for (let i = 0; i < count; i += 1) {
    let rest = i;
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const size = shape[axis] ?? 1;
      from += (rest % size) * (strides.get(axis) ?? 0);
      rest = Math.floor(rest / size);
    }
    stored.copy(ordered, i * width, from, from + width);
  }
  return ordered;
}
