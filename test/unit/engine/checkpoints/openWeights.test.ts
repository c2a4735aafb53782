import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { messageOf } from '../../../../src/engine/errors.ts';
import { safetensorsFile } from '../../../helpers/containerFiles.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const NETWORKS = path.join(import.meta.dirname, '../../../fixtures/networks');

/** Why weights can't be ranked, with such a config.json beside them. */
async function reason(weights: Buffer, config?: object): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'model.safetensors'), weights);
  if (config) await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
  const opening = openCheckpoint(path.join(folder, 'model.safetensors'), folder, { modalities: ['image'] });
  return opening.then(() => 'none', messageOf);
}

const other = safetensorsFile({ w: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, Buffer.alloc(1));

it('weights of no known family are refused by what config.json calls them', async () => {
  const message = await reason(other, { model_type: 'focalnet' });
  expect(message).toMatch(/no known family .*Its config\.json calls it "focalnet"\. Export it to ONNX to rank it\./);
  expect(await reason(other)).not.toContain('config.json');
});

it('weights of no known family are refused by their images’ channels, where these are not three', async () => {
  const convolution = (channels: number) =>
    safetensorsFile(
      { w: { dtype: 'U8', shape: [1, channels, 1, 1], data_offsets: [0, channels] } },
      Buffer.alloc(channels),
    );
  expect(await reason(convolution(1))).toContain('None of its convolutions takes the 3 channels of an image. Export');
  expect(await reason(convolution(3))).not.toContain('channels');
});

it('weights of no known family are refused by what normalises their images, where something does', async () => {
  const vectors = (...names: string[]) => {
    const tensors = names.map((name, i) => [name, { dtype: 'U8', shape: [1], data_offsets: [i, i + 1] }]);
    return safetensorsFile(Object.fromEntries(tensors), Buffer.alloc(names.length));
  };
  expect(await reason(vectors('module.normalizer.new_mean', 'module.model.conv1.weight'))).toContain(
    'It normalises images itself ("module.normalizer.new_mean"): save the network inside alone. Export it to ONNX',
  );
  expect(await reason(vectors('model.mean'))).not.toContain('normalises');
});

it('a network that lacks a weight, or can’t be built for another reason, is refused before it is loaded', async () => {
  const folder = path.join(NETWORKS, 'text/bert');
  const weights = await readFile(path.join(folder, 'model.safetensors'));
  const config = JSON.parse(await readFile(path.join(folder, 'config.json'), 'utf8'));
  expect(await reason(weights, config)).toBe('none');
  const mish = await reason(weights, { ...config, hidden_act: 'mish' });
  expect(mish).toMatch(/model\.safetensors: its activation "mish" can't be built .*Export it to ONNX to rank it\.$/);
  const gpt2 = await readFile(path.join(NETWORKS, 'text/gpt2/model.safetensors'));
  const renamed = Buffer.from(gpt2.toString('latin1').replace('"ln_f.bias"', '"ln_x.bias"'), 'latin1');
  expect(await reason(renamed, { model_type: 'gpt2', n_head: 2 })).toMatch(
    /: the weight "ln_f\.bias" is missing .*ONNX/,
  );
});

it('images that a network’s pooling leaves nothing of are refused, as the runtime would end the process', async () => {
  for (const [name, pixels] of [
    ['alexnet-headless', 62],
    ['googlenet', 14],
  ] as const) {
    const folder = await temporaryFolder();
    const file = path.join(folder, `${name}.pth`);
    await copyFile(path.join(NETWORKS, 'cnn', name, `${name}.pth`), file);
    const open = async (crop_size: number) => {
      const config = { image_processor_type: 'ViTImageProcessor', size: crop_size, crop_size, do_center_crop: true };
      await writeFile(path.join(folder, 'preprocessor_config.json'), JSON.stringify(config));
      return openCheckpoint(file, folder, { modalities: ['image'] });
    };
    await expect(open(pixels)).rejects.toThrow(
      `${name}.pth: images of ${pixels} pixels at a side, where it takes no fewer than ${pixels + 1}. Mend`,
    );
    expect((await open(pixels + 1)).image?.preprocessing.crop).toEqual({ height: pixels + 1, width: pixels + 1 });
  }
});

it('adapters are refused, alone and beside the weights that they are added to', async () => {
  const tensor = { dtype: 'U8', shape: [1], data_offsets: [0, 1] };
  const beside = { 'blocks.0.attn.qkv.weight': { ...tensor, data_offsets: [1, 2] } };
  for (const name of ['base_model.model.q.lora_A.weight', 'blocks.0.attn.qkv.lora_b', 'lora_unet_q.lora_up.weight']) {
    expect(await reason(safetensorsFile({ [name]: tensor }, Buffer.alloc(1)))).toMatch(
      /an adapter \(LoRA\) .* as one:/,
    );
    expect(await reason(safetensorsFile({ [name]: tensor, ...beside }, Buffer.alloc(2)))).toContain('merge_and_unload');
  }
});

it('what a family can’t build is refused by what config.json calls it, with one remedy or two', async () => {
  const swinV2 = await readFile(path.join(NETWORKS, 'vit/swinv2-hf/model.safetensors'));
  expect(await reason(swinV2)).toMatch(/put its config\.json beside it\. Or export it to ONNX\.$/);
  const regnet = await readFile(path.join(NETWORKS, 'cnn/timm-regnet-y/model.safetensors'));
  const activated = await reason(regnet, { architecture: 'regnety_002', hidden_act: 'silu' });
  expect(activated).toMatch(/"silu", .* \("regnety_002" in its config\.json\)\. Export it to ONNX to rank it\.$/);
});

it('what lies in the Hugging Face cache, links to hashes, is prepared for by the name of its repository', async () => {
  const folder = await temporaryFolder();
  const snapshot = path.join(folder, 'models--timm--mobilenetv3_small_100.lamb_in1k/snapshots/0a');
  await mkdir(snapshot, { recursive: true });
  await copyFile(path.join(NETWORKS, 'cnn/timm-mobilenetv3-small/model.safetensors'), path.join(folder, 'c0ffee'));
  const file = path.join(snapshot, 'model.safetensors');
  await symlink(path.join(folder, 'c0ffee'), file);
  const { name, image } = await openCheckpoint(file, folder, { modalities: ['image'] });
  expect(name).toBe('timm/mobilenetv3_small_100.lamb_in1k');
  expect(image?.preprocessing.assumed).toBe(false);
  expect(image?.preprocessing.description).toContain('as mobilenetv3_small_100.lamb_in1k was published');
});

it('what torchvision published is prepared for by the name of its file', async () => {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'resnet50-11ad3fa6.pth');
  await copyFile(path.join(NETWORKS, 'cnn/resnet10-headless/resnet10-headless.pth'), file);
  const { image } = await openCheckpoint(file, folder, { modalities: ['image'] });
  expect(image?.preprocessing.resize).toEqual({ shortestEdge: 232 });
  expect(image?.preprocessing.description).toContain('as resnet50-11ad3fa6 was published');
});

it('networks of which a single tensor was trained are not the same', async () => {
  const folder = await temporaryFolder();
  const weights = await readFile(path.join(NETWORKS, 'cnn/timm-convnext/model.safetensors'));
  const headerBytes = Number(weights.readBigUInt64LE());
  const header: Record<string, { data_offsets?: number[] }> = JSON.parse(weights.toString('utf8', 8, 8 + headerBytes));
  const starts = Object.values(header).flatMap(({ data_offsets = [] }) => data_offsets.slice(0, 1));
  const fingerprints = new Set<string>();
  for (const start of starts) {
    const changed = Buffer.from(weights);
    const place = 8 + headerBytes + start;
    changed.writeUInt8(changed.readUInt8(place) ^ 1, place);
    const file = path.join(folder, `${start}.safetensors`);
    await writeFile(file, changed);
    fingerprints.add((await openCheckpoint(file, folder, { modalities: ['image'] })).fingerprint);
  }
  expect(fingerprints.size).toBe(starts.length);
});

it('what a training calls like any other is named by its folder', async () => {
  const folder = await temporaryFolder();
  const names: string[] = [];
  for (const inside of ['version_3/checkpoints', 'run7']) {
    const file = path.join(folder, inside, 'last.safetensors');
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(path.join(NETWORKS, 'cnn/timm-convnext/model.safetensors'), file);
    names.push((await openCheckpoint(file, folder, { modalities: ['image'] })).name);
  }
  expect(names).toEqual(['version_3', 'run7']);
});
