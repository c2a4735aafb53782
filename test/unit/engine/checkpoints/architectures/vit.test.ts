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
import { candidatesOfNames } from '../../../../../src/engine/checkpoints/containers/namePrefixes.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights } from '../../../../../src/engine/checkpoints/weights.ts';
import { readCase, readConfig, relativeError, runCase, runNetwork, waves } from '../../../../helpers/networks.ts';
import {
  layer,
  layerNorm,
  numbered,
  type Shapes,
  transformerBlock,
  vitShapes,
  weightsOf,
} from '../../../../helpers/shapes.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../../fixtures/networks/vit');

describe('networks made by timm, torchvision and transformers', () => {
  it.each(readdirSync(FIXTURES))('%s computes what PyTorch does', async (name) => {
    const folder = path.join(FIXTURES, name);
    const expected = await readCase(folder);
    const { network, features, logits } = await runCase(folder);
    expect(network.architecture).toBe(expected.architecture);
    expect(features.dims).toEqual(expected.features.shape);
    expect(relativeError(features, expected.features)).toBeLessThan(1e-4);
    expect(network.hasLogits).toBe(expected.logits !== undefined);
    if (expected.logits && logits) expect(relativeError(logits, expected.logits)).toBeLessThan(1e-4);
    else expect(logits).toBe(expected.logits);
  });
});

function parameters(shapes: Shapes): number {
  return Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

/** Swin as newer timm names it: a stage begins by merging patches. */
function newSwinShapes(width: number, depths: readonly number[], window: number): Shapes {
  const stages = numbered(depths.length, (stage) => {
    const dim = width * 2 ** stage;
    const table = [(2 * window - 1) ** 2, dim / 32];
    const blocks = numbered(depths[stage] ?? 0, (index) => ({
      ...transformerBlock(`layers.${stage}.blocks.${index}`, dim),
      [`layers.${stage}.blocks.${index}.attn.relative_position_bias_table`]: table,
    }));
    if (stage === 0) return blocks;
    const merging = { [`layers.${stage}.downsample.reduction.weight`]: [dim, 2 * dim] };
    return { ...blocks, ...merging, ...layerNorm(`layers.${stage}.downsample.norm`, 2 * dim) };
  });
  const last = width * 2 ** (depths.length - 1);
  const stem = { ...layer('patch_embed.proj', width, 3, 4, 4), ...layerNorm('patch_embed.norm', width) };
  return { ...stem, ...stages, ...layerNorm('norm', last), ...layer('head.fc', 1000, last) };
}

function pvtV2(widths: readonly number[], depths: readonly number[]): Shapes {
  const stages = numbered(4, (stage) => {
    const width = widths[stage] ?? 0;
    const reduction = 8 / 2 ** stage;
    const ratio = stage < 2 ? 8 : 4;
    const kernel = stage === 0 ? 7 : 3;
    const blocks = numbered(depths[stage] ?? 0, (index) => {
      const name = `block${stage + 1}.${index}`;
      const reducing = layer(`${name}.attn.sr`, width, width, reduction, reduction);
      return {
        ...layerNorm(`${name}.norm1`, width),
        ...layer(`${name}.attn.q`, width, width),
        ...layer(`${name}.attn.kv`, 2 * width, width),
        ...layer(`${name}.attn.proj`, width, width),
        ...(reduction > 1 ? { ...reducing, ...layerNorm(`${name}.attn.norm`, width) } : {}),
        ...layerNorm(`${name}.norm2`, width),
        ...layer(`${name}.mlp.fc1`, ratio * width, width),
        ...layer(`${name}.mlp.dwconv.dwconv`, ratio * width, 1, 3, 3),
        ...layer(`${name}.mlp.fc2`, width, ratio * width),
      };
    });
    const embedding = layer(`patch_embed${stage + 1}.proj`, width, widths[stage - 1] ?? 3, kernel, kernel);
    return {
      ...embedding,
      ...layerNorm(`patch_embed${stage + 1}.norm`, width),
      ...blocks,
      ...layerNorm(`norm${stage + 1}`, width),
    };
  });
  return { ...stages, ...layer('head', 1000, widths[3] ?? 0) };
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
    ['PVTv2-B0', pvtV2([32, 64, 160, 256], [2, 2, 2, 2]), 3.66676, 224, 256],
    ['PVTv2-B2', pvtV2([64, 128, 320, 512], [3, 4, 6, 3]), 25.362856, 224, 256],
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
    ['a pyramid without keys', without(pvtV2([32, 64, 160, 256], [2, 2, 2, 2]), 'block1.0.attn.kv.weight')],
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
    const session = await InferenceSession.create(model, {
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

describe('variations that leave no trace in the weights', () => {
  const detect = (shapes: Shapes, file?: string, config?: Record<string, unknown>) =>
    detectArchitecture(weightsOf(shapes, file), config && new Map(Object.entries(config)));
  const gap = Object.fromEntries(
    Object.entries({ ...vitShapes(768, 12, 16, 224, 10), pos_embed: [1, 196, 768] }).filter(
      ([name]) => name !== 'cls_token',
    ),
  );
  const version2 = Object.fromEntries(
    Object.entries(newSwinShapes(96, [2, 2, 6, 2], 8)).flatMap(([name, shape]): [string, readonly number[]][] => {
      if (!name.endsWith('relative_position_bias_table')) return [[name, shape]];
      const attn = name.replace('relative_position_bias_table', '');
      const heads = shape[1] ?? 0;
      return [
        [`${attn}logit_scale`, [heads, 1, 1]],
        [`${attn}cpb_mlp.0.weight`, [512, 2]],
        [`${attn}cpb_mlp.0.bias`, [512]],
        [`${attn}cpb_mlp.2.weight`, [heads, 512]],
      ];
    }),
  );

  it('of ViTs without class token are asked for', () => {
    expect(() => detect(gap)).toThrow('config.json');
    expect(() => detect(gap, '/hub/vit_base_patch16_rpn_224.pth')).toThrow('norms behind its layers');
    expect(() => detect(gap, undefined, { architecture: 'vit_relpos_base_patch16_rpn_224' })).toThrow('norms behind');
    expect(detect(gap, undefined, { architecture: 'vit_base_patch16_gap_224' })?.architecture).toBe('ViT-B/16');
    expect(detect(gap, '/hub/vit_base_patch16_gap_224.pth')?.architecture).toBe('ViT-B/16');
  });

  it('of ViTs are refused where they can’t be built', () => {
    const vit = vitShapes(192, 12, 16, 224, 10);
    const rotary = { architecture: 'vit_pe_spatial_tiny_patch16_512' };
    expect(() => detect({ ...vit, ...layerNorm('norm_pre', 192) }, undefined, rotary)).toThrow('rotary positions');
    const { 'blocks.0.norm1.bias': bias, ...unbiased } = vit;
    expect(bias).toEqual([192]);
    expect(() => detect(unbiased)).toThrow('RMSNorm');
    expect(() => detect(vit, undefined, { global_pool: 'avgmax' })).toThrow('global_pool: "avgmax"');
    const withClassToken = { global_pool: 'avg', model_args: { pool_include_prefix: true } };
    expect(() => detect(vit, undefined, withClassToken)).toThrow('pool_include_prefix: true');
    expect(() => detect(vit, undefined, { model_args: { norm_layer: 'rmsnorm' } })).toThrow('"rmsnorm"');
  });

  it.each<[shapes: Shapes, config: Record<string, unknown>]>([
    [vitShapes(192, 2, 16, 224), { model_type: 'yolos' }],
    [vitShapes(192, 2, 16, 224), { architecture: 'qwen3_vit_88m' }],
    [newSwinShapes(96, [2, 2, 6, 2], 7), { model_type: 'swin2sr' }],
  ])('another network of the same names is refused by config.json', (shapes, config) => {
    expect(detect(shapes)).toBeDefined();
    expect(() => detect(shapes, undefined, config)).toThrow(`config.json says ${Object.values(config)[0]}`);
  });

  it('strides of a pyramid that its kernels don’t tell are refused', () => {
    const pyramid = pvtV2([32, 64, 160, 256], [2, 2, 2, 2]);
    const strided = (...strides: number[]) => detect(pyramid, undefined, { model_type: 'pvt_v2', strides });
    expect(strided(4, 2, 2, 2)?.architecture).toBe('PVTv2-B0');
    expect(() => strided(2, 2, 2, 2)).toThrow('strides: [2,2,2,2]');
  });

  it('positions of an image that is no square are not taken for another’s', () => {
    const hidden = (name: string) => name.replace('patch_embed.proj', 'embeddings.patch_embeddings.projection');
    const shapes = { ...vitShapes(192, 12, 16, 224), pos_embed: [1, 2 * 4 + 1, 192] };
    const huggingFace = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [hidden(name), shape]));
    expect(() => detect(huggingFace)).toThrow('9 position embeddings fit no square image');
    const sized = { model_type: 'vit', image_size: [32, 64] };
    expect(detect(huggingFace, undefined, sized)?.image?.input).toMatchObject({ height: 32, width: 64 });
  });

  it('windows of a Swin for images that are no squares are refused', async () => {
    const folder = path.join(FIXTURES, 'swin-hf');
    const config = new Map([...((await readConfig(folder)) ?? []), ['image_size', [64, 128]]]);
    const [weights] = candidatesOfNames(await readWeights(path.join(folder, 'model.safetensors')));
    expect(() => weights && detectArchitecture(weights, config)).toThrow('images of 64×128 pixels');
  });

  it('windows that timm fits to an oblong image are refused', () => {
    const swin = newSwinShapes(96, [2, 2, 6, 2], 7);
    const table = 'layers.3.blocks.0.attn.relative_position_bias_table';
    expect(() => detect({ ...swin, [table]: [11 * 13, 24] })).toThrow('windows are no squares');
    expect(() => detect(swin, undefined, { model_args: { always_partition: true } })).toThrow('always_partition: true');
  });

  it('a PVT whose position embeddings are not for the images that config.json says is refused', async () => {
    const folder = path.join(FIXTURES, 'pvt-hf');
    const weights = await readWeights(path.join(folder, (await readCase(folder)).weights));
    const config = new Map([...((await readConfig(folder)) ?? []), ['image_size', 480]]);
    expect(() => detectArchitecture(weights, config)).toThrow('images of 480×480 pixels');
  });

  it('an image may be larger than its patches', () => {
    const shapes = { ...vitShapes(192, 2, 14, 378), pos_embed: [1, 27 * 27 + 1, 192] };
    const sizeOf = (config?: Record<string, unknown>) => detect(shapes, undefined, config)?.image?.input.height;
    expect(sizeOf()).toBe(378);
    expect(sizeOf({ architecture: 'vit_tiny', pretrained_cfg: { input_size: [3, 384, 384] } })).toBe(384);
    expect(sizeOf({ model_type: 'vit', image_size: 384 })).toBe(384);
  });

  const modelOf = (shapes: Shapes, config: Record<string, unknown>) => {
    const weights = weightsOf(shapes);
    const graph = new Graph(weights);
    detectArchitecture(weights, new Map(Object.entries(config)))?.build(graph);
    return Buffer.from(graph.build().model);
  };

  it('of SigLIP are told by the name', () => {
    const named = (architecture: string) => modelOf(gap, { architecture });
    expect(named('vit_base_patch32_siglip_gap_256').includes('tanh')).toBe(true);
    expect(named('vit_base_patch16_siglip_gap_224').includes('tanh')).toBe(false);
  });

  it.each([
    ['vit_giantopt_patch16_siglip_gap_256', vitShapes(1536, 2, 16, 32), 16, 24],
    ['test_vit', vitShapes(64, 2, 16, 32), 2, 1],
  ])('the number of heads of %s is told by its name', (architecture, shapes, named, usual) => {
    const model = modelOf(shapes, { architecture });
    expect(model.equals(modelOf(shapes, { architecture, num_heads: named }))).toBe(true);
    expect(model.equals(modelOf(shapes, { architecture, num_heads: usual }))).toBe(false);
  });

  it('the number of heads is taken for granted at widths that nobody published, and said', () => {
    expect(detect(vitShapes(192, 12, 16, 224))?.assumed).toBeUndefined();
    expect(detect(vitShapes(192, 2, 16, 224))?.assumed).toContain('taken for 3, by 64 of 192 channels each');
    expect(detect(vitShapes(128, 2, 16, 224))?.assumed).toContain('taken for 2, by 64 of 128 channels each');
    expect(detect(vitShapes(128, 2, 16, 224), undefined, { num_attention_heads: 4 })?.assumed).toBeUndefined();
    expect(detect(vitShapes(512, 2, 16, 224), undefined, { architecture: 'vit_medium' })?.assumed).toBeUndefined();
  });

  it.each([
    ['/hub/deit_small_patch16_224-cd65a155.pth', 'DeiT-S/16', false],
    ['/hub/dino_deitsmall16_pretrain.pth', 'DINO ViT-S/16', false],
    ['/hub/best.pth', 'ViT-S/16', true],
  ])(
    'the training of %s, which tells how images are normalised, is told by its name or a guess',
    (file, name, guessed) => {
      const network = detect(vitShapes(384, 12, 16, 224), file);
      expect(network?.architecture).toBe(name);
      expect(network?.image?.published.guessed ?? false).toBe(guessed);
      expect(network?.assumed?.includes('MoCo v3') ?? false).toBe(guessed);
    },
  );

  it.each(['dinov2-hf', 'dinov2-hf-registers', 'dinov2-original'])('%s is told by its names alone', async (name) => {
    const folder = path.join(FIXTURES, name);
    const { weights: file, architecture } = await readCase(folder);
    const weights = await readWeights(path.join(folder, file));
    const network = detectArchitecture(weights, undefined);
    expect(network?.architecture).toBe(architecture);
    expect(network?.image?.input.height).toBeUndefined();
    expect(network?.image?.published).toMatchObject({ size: 224, resize: 256 });
  });

  it('nothing is guessed of a ViT that timm’s config.json describes', () => {
    const described = detect(vitShapes(384, 12, 16, 224), undefined, { architecture: 'vit_small_patch16_224' });
    expect(described?.image?.published.guessed ?? false).toBe(false);
    expect(described?.assumed).toBeUndefined();
  });

  it.each<[kind: string, published: Shapes, unpublished: Shapes]>([
    ['swin', newSwinShapes(96, [2, 2, 6, 2], 7), newSwinShapes(64, [2, 2, 6, 2], 7)],
    ['pvt_v2', pvtV2([32, 64, 160, 256], [2, 2, 2, 2]), pvtV2([32, 64, 160, 256], [2, 2, 3, 2])],
  ])(
    'of a %s of no published size are taken for granted without config.json, and said',
    (kind, published, unpublished) => {
      expect(detect(published)?.assumed).toBeUndefined();
      expect(detect(unpublished)?.assumed).toContain('put its config.json beside it');
      expect(detect(unpublished, undefined, { model_type: kind })?.assumed).toBeUndefined();
    },
  );

  it('an image size that Hugging Face would not load is refused', () => {
    const vit = vitShapes(192, 2, 16, 224);
    const config = { model_type: 'vit', image_size: 384, num_attention_heads: 3 };
    expect(() => detect(vit, undefined, config)).toThrow(/images of 384×384 pixels, which its 197 position embeddings/);
    // timm notes the size of the pretraining, and fits the positions to another.
    const timm = { architecture: 'vit_tiny_patch16_384', pretrained_cfg: { input_size: [3, 384, 384] } };
    expect(detect(vit, undefined, timm)?.image?.input.height).toBe(224);
  });

  it('a Swin that was pretrained on masked images is a Swin', () => {
    const shapes = { ...newSwinShapes(96, [2, 2, 6, 2], 7), 'swin.embeddings.mask_token': [1, 1, 96] };
    expect(detect(shapes)?.architecture).toBe('Swin-T');
  });

  it('of Swin V2 are asked for, unless the name of the file says them', () => {
    expect(() => detect(version2)).toThrow('config.json');
    const named = detect(version2, '/hub/swinv2_tiny_patch4_window16_256.pth');
    expect(named?.architecture).toBe('SwinV2-T');
    expect(detect(version2, undefined, { window_size: 8, image_size: 256 })?.architecture).toBe('SwinV2-T');
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
    ['PVTv2-B0', pvtV2([32, 64, 160, 256], [2, 2, 2, 2]), 256],
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
