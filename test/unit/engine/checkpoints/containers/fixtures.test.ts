import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { FIXTURES, hashOfValues, manifest } from '../../../../helpers/containerFixtures.ts';

describe('files that PyTorch and safetensors wrote', () => {
  it.each(Object.entries(manifest.readable))('%s gives the names, shapes, types and values', async (name, expected) => {
    const file = path.join(FIXTURES, name);
    const { tensors, files } = await readWeights(file);
    const found = [...tensors].map(([tensor, weight]) => [
      tensor,
      { shape: weight.shape, type: weight.type, sha256: hashOfValues(weight) },
    ]);
    expect(new Map(found as [string, unknown][])).toEqual(new Map(Object.entries(expected)));
    expect(new Set(files)).toEqual(new Set([...tensors.values()].map((tensor) => tensor.file)));
  });

  it.each(Object.entries(manifest.refused))('%s is refused', async (name, reason) => {
    const file = path.join(FIXTURES, name);
    const error = await readWeights(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as InputError;
    expect(message.startsWith(`${file}: `)).toBe(true);
    expect(message).toContain(reason);
    expect(message).not.toContain('\n');
  });
});
