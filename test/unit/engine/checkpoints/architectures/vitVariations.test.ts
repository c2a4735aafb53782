import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { Graph } from '../../../../../src/engine/checkpoints/architectures/graph.ts';
import { candidatesOfNames } from '../../../../../src/engine/checkpoints/containers/namePrefixes.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import { readCase, readConfig } from '../../../../helpers/networks.ts';
import {
  layer,
  layerNorm,
  newSwinShapes,
  pvtV2Shapes,
  type Shapes,
  vitShapes,
  weightsOf,
} from '../../../../helpers/shapes.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../../fixtures/networks/vit');

describe('variations that leave no trace in the weights', () => {
  const detect = (shapes: Shapes, file?: string, config?: Record<string, unknown>) =>
    detectArchitecture(weightsOf(shapes, file), config && new Map(Object.entries(config)));
  const withoutClassToken = (shapes: Shapes, patches: number): Shapes =>
    Object.fromEntries(
      Object.entries(shapes).flatMap(([name, shape]) => {
        if (name === 'cls_token') return [];
        return [[name, name === 'pos_embed' ? [1, patches, ...shape.slice(2)] : shape]];
      }),
    );
  const gap = withoutClassToken(vitShapes(768, 12, 16, 224, 10), 196);
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
    const huge = withoutClassToken(vitShapes(1280, 32, 14, 224), 256);
    expect(() => detect(huge)).toThrow('config.json');
    expect(detect(huge, '/hub/IN1K-vit.h.14-300e.pth.tar')).toMatchObject({
      architecture: 'I-JEPA ViT-H/14',
      featurePoint: 'final norm, mean of the patches’ tokens',
      assumed: undefined,
      image: { published: { size: 224, resize: 256, kernel: 'cubic', mean: [0.485, 0.456, 0.406] } },
    });
  });

  it('of CLIPs are told by timm’s name of the file, without a config.json', () => {
    const clip = { ...vitShapes(768, 12, 32, 224, 10), ...layerNorm('norm_pre', 768) };
    expect(() => detect(clip, '/run7/best.pth')).toThrow('QuickGELU or GELU');
    const built = (file: string) => {
      const weights = weightsOf(clip, file);
      const network = detectArchitecture(weights, undefined);
      const graph = new Graph(weights);
      network?.build(graph);
      return { published: network?.image?.published, ops: graph.network.nodes.map(({ op }) => op) };
    };
    const openai = built('/hub/vit_base_patch32_clip_quickgelu_224.openai.safetensors');
    expect(openai.ops).not.toContain('Gelu');
    expect(openai.published?.mean[0]).toBeCloseTo(0.4815, 4);
    const laion = built('/hub/vit_large_patch14_clip_224.laion2b_ft_in12k.safetensors');
    expect(laion.ops).toContain('Gelu');
    expect(laion.published?.mean).toEqual([0.5, 0.5, 0.5]);
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
    const pyramid = pvtV2Shapes([32, 64, 160, 256], [2, 2, 2, 2]);
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
    return Buffer.from(graph.build().model());
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

  it('the norms of a ViT whose attention has one are BEiT 3’s, unless its name is another', () => {
    const shapes = { ...vitShapes(192, 2, 16, 32), ...layerNorm('blocks.0.attn.norm', 192) };
    const named = (architecture: string, epsilon: number) => {
      const model = modelOf(shapes, { architecture });
      return model.equals(modelOf(shapes, { architecture, layer_norm_eps: epsilon }));
    };
    expect(named('beit3_base_patch16_224', 1e-5)).toBe(true);
    expect(named('vit_tiny_patch16_224', 1e-6)).toBe(true);
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
    ['pvt_v2', pvtV2Shapes([32, 64, 160, 256], [2, 2, 2, 2]), pvtV2Shapes([32, 64, 160, 256], [2, 2, 3, 2])],
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

  it('a ViT with what iBOT and MSN pretrain it with is a ViT', () => {
    const vit = { ...vitShapes(384, 12, 16, 224), masked_embed: [1, 384] };
    expect(detect({ ...vit, ...layer('fc.fc1', 2048, 384), 'fc.bn1.running_mean': [2048] })?.architecture).toBe(
      'ViT-S/16',
    );
  });

  it('of Swin V2 are asked for, unless the name of the file says them', () => {
    expect(() => detect(version2)).toThrow('config.json');
    const named = detect(version2, '/hub/swinv2_tiny_patch4_window16_256.pth');
    expect(named?.architecture).toBe('SwinV2-T');
    expect(detect(version2, undefined, { window_size: 8, image_size: 256 })?.architecture).toBe('SwinV2-T');
  });
});
