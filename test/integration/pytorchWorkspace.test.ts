import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { discoverWorkspace } from '../../src/engine/rank/discoverWorkspace.ts';
import { rank } from '../../src/engine/rank/rank.ts';
import { discoverParamsSchema, rankParamsSchema } from '../../src/protocol/engine.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const root = path.resolve(import.meta.dirname, '../..');
const networks = path.join(root, 'test/fixtures/networks');
const quiet = { onProgress: () => undefined, log: () => undefined };

/** A repository as people have it: a training run, a snapshot from the hub and a file from torchvision, but no ONNX. */
async function repository(): Promise<string> {
  const folder = await temporaryFolder();
  await cp(path.join(root, 'test/fixtures/miniatures/mnist'), path.join(folder, 'data/mnist'), { recursive: true });
  await cp(path.join(networks, 'runs/lightning_logs'), path.join(folder, 'lightning_logs'), { recursive: true });
  await cp(path.join(networks, 'vit/vit-hf'), path.join(folder, 'models/tiny-vit'), { recursive: true });
  await cp(path.join(networks, 'cnn/resnet18/resnet18.pth'), path.join(folder, 'models/resnet18-f37072fd.pth'));
  return folder;
}

describe('a repository of PyTorch', () => {
  let cache: string;
  beforeEach(async () => {
    cache = await temporaryFolder();
    vi.stubEnv('HF_HUB_CACHE', path.join(cache, 'hub'));
    vi.stubEnv('TORCH_HOME', path.join(cache, 'torch'));
  });
  afterEach(() => vi.unstubAllEnvs());

  it('ranks a Lightning run, a snapshot of Hugging Face and a torchvision file together', async () => {
    const workspace = await repository();
    const params = rankParamsSchema.parse({
      workspace,
      dataset: path.join(workspace, 'data/mnist'),
      cacheFolder: null,
    });
    const report = await rank({ ...params, device: 'cpu' }, quiet);
    expect(report.skipped).toEqual([]);
    const shown = report.candidates.map(({ name, architecture }) => [name, architecture]).sort();
    expect(shown).toEqual([
      ['epoch=3-step=120', 'ResNet-18'],
      ['resnet18-f37072fd', 'ResNet-18'],
      ['tiny-vit', expect.stringContaining('ViT')],
    ]);
    for (const { preprocessing } of report.candidates) expect(preprocessing).not.toContain('assumed');
  });

  it('finds the caches of Hugging Face and torch.hub, through links, and takes copies for one candidate', async () => {
    const workspace = await repository();
    const model = path.join(cache, 'hub/models--acme--tiny-deit');
    const snapshot = path.join(model, 'snapshots/0123abc');
    await mkdir(path.join(model, 'blobs'), { recursive: true });
    await mkdir(snapshot, { recursive: true });
    for (const [blob, file] of [
      ['d0e1', 'config.json'],
      ['f2a3', 'model.safetensors'],
    ] as const) {
      await cp(path.join(networks, 'vit/deit-hf', file), path.join(model, 'blobs', blob));
      await symlink(path.join('../../blobs', blob), path.join(snapshot, file));
    }
    await mkdir(path.join(cache, 'torch/hub/checkpoints'), { recursive: true });
    await cp(path.join(networks, 'cnn/resnet18/resnet18.pth'), path.join(cache, 'torch/hub/checkpoints/resnet18.pth'));

    const found = await discoverWorkspace(discoverParamsSchema.parse({ workspace }));
    expect(found.checkpoints.map(({ name }) => name)).toContain('acme/tiny-deit');
    expect(found.checkpoints).toHaveLength(4);
    expect(found.skipped).toEqual([
      {
        path: path.join(cache, 'torch/hub/checkpoints/resnet18.pth'),
        reason: expect.stringContaining('The same weights as models/resnet18-f37072fd.pth'),
      },
    ]);
    const without = await discoverWorkspace(discoverParamsSchema.parse({ workspace, modelCaches: false }));
    expect(without.checkpoints).toHaveLength(3);

    const dataset = path.join(workspace, 'data/mnist');
    const report = await rank(rankParamsSchema.parse({ workspace, dataset, device: 'cpu', cacheFolder: null }), quiet);
    expect(report.candidates.map(({ name }) => name)).toContain('acme/tiny-deit');
  });

  it('finds open_clip’s weights by the names that they have on the hub, once of those in two containers', async () => {
    const workspace = await temporaryFolder();
    const openClip = path.join(workspace, 'laion-tiny');
    await cp(path.join(networks, 'multimodal/open-clip'), openClip, { recursive: true });
    await cp(path.join(openClip, 'open_clip_model.safetensors'), path.join(openClip, 'open_clip_pytorch_model.bin'));
    const params = discoverParamsSchema.parse({ workspace, modelCaches: false });
    const both = await discoverWorkspace(params);
    expect(both.checkpoints).toMatchObject([{ name: 'laion-tiny', path: expect.stringContaining('.safetensors') }]);
    expect(both.skipped).toEqual([]);
    await rm(path.join(openClip, 'open_clip_model.safetensors'));
    expect((await discoverWorkspace(params)).checkpoints).toMatchObject([{ name: 'laion-tiny' }]);
  });

  it('reads the features from another tensor where a person says which', async () => {
    const workspace = await repository();
    const params = rankParamsSchema.parse({
      workspace,
      dataset: path.join(workspace, 'data/mnist'),
      featurePoint: 'layer2',
      device: 'cpu',
      cacheFolder: null,
    });
    const report = await rank(params, quiet);
    expect(report.candidates.map(({ featurePoint }) => featurePoint)).toEqual(['layer2', 'layer2']);
    expect(report.skipped).toMatchObject([{ reason: expect.stringContaining('there is no tensor "layer2"') }]);
  });

  it('says what is wrong with what it can’t rank, and ranks the rest', async () => {
    const workspace = await repository();
    const containers = path.join(root, 'test/fixtures/containers');
    await cp(path.join(containers, 'hostile.pt'), path.join(workspace, 'models/hostile.pt'));
    await cp(path.join(containers, 'types.pt'), path.join(workspace, 'models/unknown.pt'));
    await writeFile(path.join(workspace, 'models/pointer.safetensors'), 'version https://git-lfs.github.com/spec/v1\n');
    const params = rankParamsSchema.parse({
      workspace,
      dataset: path.join(workspace, 'data/mnist'),
      cacheFolder: null,
    });
    const report = await rank({ ...params, device: 'cpu' }, quiet);
    expect(report.candidates).toHaveLength(3);
    const reasons = Object.fromEntries(report.skipped.map(({ path: file, reason }) => [path.basename(file), reason]));
    expect(reasons['hostile.pt']).toContain('posix.system');
    expect(reasons['unknown.pt']).toContain('no known family of networks');
    expect(reasons['pointer.safetensors']).toContain('Git LFS');
  });
});
