import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveCheckpoints } from '../../../../src/engine/checkpoints/discover.ts';
import { CHECKPOINT_ENDINGS } from '../../../../src/protocol/discovery.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** Names that are taken for checkpoints among these, relative to the folder that holds them. */
async function found(...names: string[]): Promise<string[]> {
  const folder = await temporaryFolder();
  for (const name of names) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), '');
  }
  return (await resolveCheckpoints([folder])).map((file) => path.relative(folder, file).split(path.sep).join('/'));
}

describe('the checkpoints in a folder', () => {
  const published = [
    'b.pth',
    'c.PT',
    'd.ckpt',
    'e.th',
    'f.pth.tar',
    'g/pytorch_model.bin',
    'h/open_clip_pytorch_model.bin',
    'i/model.safetensors',
  ];

  it('are those of every container, at any depth', async () => {
    expect((await found('a.onnx', ...published)).sort()).toEqual(['a.onnx', ...published]);
  });

  it('end as the protocol says, so that an editor sees them come and go', () => {
    for (const name of ['a.onnx', ...published]) {
      expect(CHECKPOINT_ENDINGS.filter((ending) => name.toLowerCase().endsWith(ending))).not.toEqual([]);
    }
  });

  it('are neither what training keeps beside the weights nor the shards of an index', async () => {
    const beside = [
      'optimizer.pt',
      'scheduler.pt',
      'rng_state_0.pth',
      'training_args.bin',
      'adapter_model.safetensors',
    ];
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const index = 'model.safetensors.index.json';
    expect(await found(...beside, ...shards, index, 'data.bin', 'config.json')).toEqual([index]);
  });

  it('are one where the same weights lie in several containers', async () => {
    expect(await found('pytorch_model.bin', 'model.safetensors', 'model.onnx')).toEqual([
      'model.onnx',
      'model.safetensors',
    ]);
    expect(await found('net.pt', 'net.pth', 'other.pt')).toEqual(['net.pth', 'other.pt']);
  });
});
