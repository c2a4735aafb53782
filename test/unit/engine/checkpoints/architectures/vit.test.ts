import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { Graph } from '../../../../../src/engine/checkpoints/architectures/graph.ts';
import { swinEncoder } from '../../../../../src/engine/checkpoints/architectures/swin.ts';
import type { ImageEncoder } from '../../../../../src/engine/checkpoints/architectures/visionTransformer.ts';
import { vitEncoder } from '../../../../../src/engine/checkpoints/architectures/vit.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights } from '../../../../../src/engine/checkpoints/weights.ts';
import {
  expectAsPyTorch,
  readCase,
  readConfig,
  relativeError,
  runNetwork,
  waves,
} from '../../../../helpers/networks.ts';
import {
  layer,
  newSwinShapes,
  numbered,
  pvtV2Shapes,
  type Shapes,
  vitShapes,
  weightsOf,
} from '../../../../helpers/shapes.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../../fixtures/networks/vit');

describe('networks made by timm, torchvision and transformers', () => {
  it.each(readdirSync(FIXTURES))('%s computes what PyTorch does', async (name) => {
    await expectAsPyTorch(path.join(FIXTURES, name));
  });
});

/** A ViT under torchvision's names. */
const torchvisionShapes = (width: number, depth: number, patch: number): Shapes =>
  Object.fromEntries(
    Object.entries(vitShapes(width, depth, patch, 224, 1000)).map(([name, shape]) => [
      name
        .replace('cls_token', 'class_token')
        .replace('pos_embed', 'encoder.pos_embedding')
        .replace('patch_embed.proj', 'conv_proj')
        .replace(/^blocks\.(\d+)/, 'encoder.layers.encoder_layer_$1')
        .replace(/\.norm([12])/, '.ln_$1')
        .replace('attn.qkv.', 'self_attention.in_proj_')
        .replace('attn.proj', 'self_attention.out_proj')
        .replace('mlp.fc1', 'mlp.0')
        .replace('mlp.fc2', 'mlp.3')
        .replace(/^norm/, 'encoder.ln')
        .replace(/^head/, 'heads.head'),
      shape,
    ]),
  );

function parameters(shapes: Shapes): number {
  return Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

const distilled = {
  ...vitShapes(384, 12, 16, 224, 1000),
  dist_token: [1, 1, 384],
  pos_embed: [1, 198, 384],
  ...layer('head_dist', 1000, 384),
};
const dinov2 = {
  ...vitShapes(384, 12, 14, 518),
  mask_token: [1, 384],
  ...numbered(12, (index) => ({ [`blocks.${index}.ls1.gamma`]: [384], [`blocks.${index}.ls2.gamma`]: [384] })),
};
/** As timm keeps it. */
const { mask_token: _, ...withoutMaskToken } = dinov2;
const moco = {
  ...vitShapes(384, 12, 16, 224),
  ...numbered(3, (index) => ({ [`head.${3 * index}.weight`]: [index === 2 ? 256 : 4096, index === 0 ? 384 : 4096] })),
  'head.1.running_mean': [4096],
  'head.4.running_mean': [4096],
  'head.7.running_mean': [256],
};

describe('published networks, by names and shapes alone', () => {
  it.each<[name: string, shapes: Shapes, millions: number, size: number, resize: number]>([
    ['ViT-T/16', vitShapes(192, 12, 16, 224, 1000), 5.717416, 224, 256],
    ['ViT-S/16', vitShapes(384, 12, 16, 224, 1000), 22.050664, 224, 256],
    ['ViT-B/16', vitShapes(768, 12, 16, 224, 1000), 86.567656, 224, 256],
    ['ViT-B/8', vitShapes(768, 12, 8, 224), 85.807872, 224, 256],
    ['ViT-L/16', vitShapes(1024, 24, 16, 224, 37), 303.339557, 224, 256],
    ['DeiT-S/16 distilled', distilled, 22.436432, 224, 256],
    ['DINOv2-S/14', dinov2, 22.056576, 224, 256],
    ['DINOv2-S/14', withoutMaskToken, 22.056192, 518, 518],
    ['Swin-T', newSwinShapes(96, [2, 2, 6, 2], 7), 28.288354, 224, 248],
    ['Swin-B', newSwinShapes(128, [2, 2, 18, 2], 7), 87.768224, 224, 248],
    ['PVTv2-B0', pvtV2Shapes([32, 64, 160, 256], [2, 2, 2, 2]), 3.66676, 224, 256],
    ['PVTv2-B2', pvtV2Shapes([64, 128, 320, 512], [3, 4, 6, 3]), 25.362856, 224, 256],
  ])('%s', (name, shapes, millions, size, resize) => {
    expect(parameters(shapes)).toBe(Math.round(millions * 1e6));
    const network = detectArchitecture(weightsOf(shapes), undefined);
    expect(network?.architecture).toBe(name);
    expect(network?.image?.published).toMatchObject({ size, resize, kernel: 'cubic', mean: [0.485, 0.456, 0.406] });
  });

  it('takes MoCo v3 for one with a projector, not a classifier', () => {
    const network = detectArchitecture(weightsOf(moco), undefined);
    expect(network?.architecture).toBe('MoCo v3 ViT-S/16');
    expect(network?.hasLogits).toBe(false);
    expect(network?.image?.published.kernel).toBe('linear');
  });

  it.each<[name: string, shapes: Shapes, resize: number]>([
    ['ViT-B/16', torchvisionShapes(768, 12, 16), 256],
    ['ViT-L/16', torchvisionShapes(1024, 24, 16), 242],
    ['ViT-L/32', torchvisionShapes(1024, 24, 32), 256],
  ])('%s of torchvision is prepared for as there', (name, shapes, resize) => {
    const network = detectArchitecture(weightsOf(shapes), undefined);
    expect(network?.architecture).toBe(name);
    expect(network?.image?.published).toMatchObject({
      size: 224,
      resize,
      kernel: 'linear',
      mean: [0.485, 0.456, 0.406],
    });
  });

  it('goes by the training that timm notes', () => {
    const weights = weightsOf(vitShapes(384, 12, 16, 224, 1000), undefined, 'safetensors');
    const named = (architecture: string, tag: string) =>
      detectArchitecture(weights, new Map(Object.entries({ architecture, pretrained_cfg: { tag } })));
    expect(named('deit_small_patch16_224', 'fb_in1k')?.architecture).toBe('DeiT-S/16');
    expect(named('vit_small_patch16_224', 'dino')?.architecture).toBe('DINO ViT-S/16');
    const augreg = named('vit_small_patch16_224', 'augreg_in21k_ft_in1k');
    expect(augreg?.architecture).toBe('ViT-S/16');
    expect(augreg?.image?.published).toMatchObject({ resize: 248, mean: [0.5, 0.5, 0.5] });
  });

  it('keeps the aspect ratio of images that it takes uncropped', () => {
    const timm = detectArchitecture(weightsOf(vitShapes(768, 12, 16, 384, 1000), undefined, 'safetensors'), undefined);
    expect(timm?.image?.published).toMatchObject({ size: 384, resize: 384, keepsAspect: true });
  });

  it('names inner values as PyTorch does, and squashes images as transformers does', async () => {
    const folder = path.join(FIXTURES, 'vit-hf');
    const weights = await readWeights(path.join(folder, 'model.safetensors'));
    const graph = new Graph(weights);
    const network = detectArchitecture(weights, await readConfig(folder));
    expect(network?.image?.published.keepsAspect).toBeUndefined();
    network?.build(graph);
    expect(graph.marks).toEqual(['vit.encoder.layer.0', 'vit.encoder.layer.1', 'features', 'logits']);
  });
});

/** The modules of transformers 5.24.0 by the names in the files that it saves of them. */
const MODULES: readonly (readonly [RegExp, string])[] = [
  [/\.attention\.attention\.relative_/, '.relative_'],
  [/^((vit|deit|beit)\.)?encoder\.layer\./, '$1layers.'],
  [/\.attention\.(attention|self)\.(q|k|v)(uery|ey|alue)\./, '.attention.$2_proj.'],
  [/\.attention\.self\.relative_/, '.attention.relative_position_bias.relative_'],
  [/\.attention\.output\.dense\./, '.attention.o_proj.'],
  [/\.intermediate\.dense\./, '.mlp.fc1.'],
  [/\.output\.dense\./, '.mlp.fc2.'],
];

describe('what torch.save writes of the modules of transformers 5', () => {
  it.each(['vit-hf', 'deit-hf', 'beit-hf', 'swin-hf'])('is known: %s', async (name) => {
    const folder = path.join(FIXTURES, name);
    const { weights: file, inputs, features: expected } = await readCase(folder);
    const saved = await readWeights(path.join(folder, file));
    const inMemory = (weight: string) => MODULES.reduce((before, [from, to]) => before.replace(from, to), weight);
    const tensors = new Map([...saved.tensors].map(([weight, tensor]) => [inMemory(weight), tensor]));
    expect([...tensors.keys()].filter((weight) => /q_proj/.test(weight))).not.toHaveLength(0);
    const { features } = await runNetwork({ ...saved, tensors }, await readConfig(folder), inputs);
    expect(relativeError(features, expected)).toBeLessThan(1e-4);
  });
});

describe('near misses', () => {
  it('leaves transformers for videos alone', () => {
    const frames = { 'patch_embed.proj.weight': [768, 3, 2, 16, 16] };
    expect(
      detectArchitecture(weightsOf({ ...vitShapes(768, 12, 16, 224, 400), ...frames }), undefined),
    ).toBeUndefined();
  });

  const without = (shapes: Shapes, name: string) =>
    Object.fromEntries(Object.entries(shapes).filter(([other]) => other !== name));
  const vit = vitShapes(192, 12, 16, 224);

  it.each<[what: string, shapes: Shapes]>([
    ['a vision transformer without positions', without(vit, 'pos_embed')],
    ['a vision transformer of four channels', { ...vit, 'patch_embed.proj.weight': [192, 4, 16, 16] }],
    ['a mixer of patches', without(vit, 'blocks.0.attn.qkv.weight')],
    ['a network of image and text', { ...vit, 'text_model.embeddings.token_embedding.weight': [100, 192] }],
    [
      'windows without biases',
      without(newSwinShapes(96, [2, 2, 6, 2], 7), 'layers.0.blocks.0.attn.relative_position_bias_table'),
    ],
    ['a pyramid without keys', without(pvtV2Shapes([32, 64, 160, 256], [2, 2, 2, 2]), 'block1.0.attn.kv.weight')],
  ])('%s is not taken', (_, shapes) => {
    expect(detectArchitecture(weightsOf(shapes), undefined)).toBeUndefined();
  });

  it.each<[what: string, shapes: Shapes, message: RegExp]>([
    ['other parts', { ...vit, 'blocks.0.gamma_1': [192] }, /parts that can't be built: "blocks.0.gamma_1"/],
    ['positions of no square', { ...vit, pos_embed: [1, 200, 192] }, /200 position embeddings fit no square/],
    ['heads that nothing tells', vitShapes(100, 2, 16, 224), /number of attention heads/],
  ])('%s are said', (_, shapes, message) => {
    expect(() => detectArchitecture(weightsOf(shapes), undefined)).toThrow(message);
  });
});

describe('encoders of larger networks', () => {
  async function run(weights: Weights, encoder: ImageEncoder | undefined, shape: number[]): Promise<Tensor> {
    if (!encoder) throw new Error('not recognised');
    const graph = new Graph(weights);
    graph.output('tokens', encoder.tokens(graph, graph.input('image', 'float32', shape)));
    const { model, weightsFolder } = graph.build();
    const session = await InferenceSession.create(model(), {
      extra: { session: { model_external_initializers_file_folder_path: weightsFolder } },
    });
    const image = new Tensor('float32', waves(shape.reduce((product, size) => product * size, 1)), shape);
    const { tokens } = await session.run({ image });
    await session.release();
    if (!tokens) throw new Error('no tokens');
    return tokens;
  }

  /** As VisionEncoderDecoderModel saves them: beside a decoder. */
  async function wrapped(name: string, base: string): Promise<Weights> {
    const weights = await readWeights(path.join(FIXTURES, name, 'model.safetensors'));
    const tensors = [...weights.tensors].map(
      ([key, tensor]) => [key.replace(new RegExp(`^(${base}\\.)?`), 'encoder.'), tensor] as const,
    );
    const [, decoder] = tensors[0] ?? [];
    return { ...weights, tensors: new Map(decoder ? [...tensors, ['decoder.weight', decoder] as const] : tensors) };
  }

  it('gives the tokens of a ViT under a prefix', async () => {
    const weights = await wrapped('vit-hf', 'vit');
    const config = await readConfig(path.join(FIXTURES, 'vit-hf'));
    const encoder = vitEncoder(weights, 'encoder.', config);
    expect(encoder).toMatchObject({ width: 24, input: { height: 32, width: 32 } });
    const tokens = await run(weights, encoder, [2, 3, 32, 32]);
    expect(tokens.dims).toEqual([2, 17, 24]);
    const expected = await readCase(path.join(FIXTURES, 'vit-hf'));
    const data = tokens.data as Float32Array;
    const classTokens = [...data.slice(0, 24), ...data.slice(17 * 24, 18 * 24)];
    const features = new Tensor('float32', classTokens, [2, 24]);
    expect(relativeError(features, expected.features)).toBeLessThan(1e-4);
  });

  it('gives the tokens of a Swin under a prefix', async () => {
    const weights = await wrapped('swin-hf', 'swin');
    const encoder = swinEncoder(weights, 'encoder.', await readConfig(path.join(FIXTURES, 'swin-hf')));
    expect(encoder?.width).toBe(16);
    const tokens = await run(weights, encoder, [2, 3, 64, 64]);
    expect(tokens.dims).toEqual([2, 64, 16]);
    const data = tokens.data as Float32Array;
    const means = Array.from({ length: 32 }, (_, index) => {
      const [image, channel] = [Math.floor(index / 16), index % 16];
      return (
        Array.from({ length: 64 }, (_, t) => data[(image * 64 + t) * 16 + channel] ?? 0).reduce((a, b) => a + b) / 64
      );
    });
    const expected = await readCase(path.join(FIXTURES, 'swin-hf'));
    expect(relativeError(new Tensor('float32', means, [2, 16]), expected.features)).toBeLessThan(1e-4);
  });
});

describe('at full size', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'emms-vit-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['ViT-T/16', vitShapes(192, 12, 16, 224, 10), 192],
    ['PVTv2-B0', pvtV2Shapes([32, 64, 160, 256], [2, 2, 2, 2]), 256],
  ])('%s runs', async (name, shapes, width) => {
    const file = path.join(folder, `${width}.bin`);
    await writeFile(file, Buffer.from(waves(parameters(shapes)).map((value) => value * 0.05).buffer));
    const weights = weightsOf(shapes, file);
    const { network, features } = await runNetwork(weights, undefined, {
      image: { shape: [1, 3, 224, 224], values: 'waves' },
    });
    expect(network.architecture).toBe(name);
    expect(features.dims).toEqual([1, width]);
    expect([...(features.data as Float32Array)].every(Number.isFinite)).toBe(true);
  });

  it('MoCo v3’s small one has twelve heads, which the name of its file tells', async () => {
    const shapes = vitShapes(384, 1, 16, 32, 10);
    const featuresOf = async (name: string, config?: Record<string, unknown>) => {
      const file = path.join(folder, name);
      await writeFile(file, Buffer.from(waves(parameters(shapes)).map((value) => value * 0.5).buffer));
      const { features } = await runNetwork(weightsOf(shapes, file), config && new Map(Object.entries(config)), {
        image: { shape: [1, 3, 32, 32], values: 'waves' },
      });
      return [...(features.data as Float32Array)];
    };
    const twelve = await featuresOf('any.pth', { num_attention_heads: 12 });
    expect(await featuresOf('linear-vit-s-300ep.pth.tar')).toEqual(twelve);
    expect(await featuresOf('deit_small.pth')).not.toEqual(twelve);
  });
});
