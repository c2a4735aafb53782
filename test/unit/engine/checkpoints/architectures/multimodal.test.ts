import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../../../src/engine/checkpoints/architectures/architecture.ts';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { Graph } from '../../../../../src/engine/checkpoints/architectures/graph.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights, WeightTensor } from '../../../../../src/engine/checkpoints/weights.ts';
import { expectAsPyTorch, readCase, readConfig } from '../../../../helpers/networks.ts';
import { clipTextShapes } from '../../../../helpers/shapes.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../../fixtures/networks/multimodal');

describe('networks made by transformers and open_clip', () => {
  it.each(readdirSync(FIXTURES))('%s computes what PyTorch does', async (name) => {
    const folder = path.join(FIXTURES, name);
    const network = await expectAsPyTorch(folder);
    const { inputs } = await readCase(folder);
    const reads = { image: 'image' in inputs, text: 'input_ids' in inputs };
    expect({ image: network.image !== undefined, text: network.text !== undefined }).toEqual(reads);
  });
});

async function weightsOf(name: string): Promise<Weights> {
  return readWeights(path.join(FIXTURES, name, (await readCase(path.join(FIXTURES, name))).weights));
}

/** The weights with others beside them. */
function withWeights(weights: Weights, shapes: Record<string, number[]>): Weights {
  const others = Object.entries(shapes).map(([name, shape]): [string, WeightTensor] => [
    name,
    { shape, type: 'float32', file: '/weights', offset: 0, bytes: 0 },
  ]);
  return { ...weights, tensors: new Map([...weights.tensors, ...others]) };
}

/** A tower of CLIP's for images, under Hugging Face's names. */
function visionTower(layers: number, width: number, patch: number, side: number): Weights {
  const shapes: Record<string, number[]> = {
    'embeddings.class_embedding': [width],
    'embeddings.patch_embedding.weight': [width, 3, patch, patch],
    'embeddings.position_embedding.weight': [(side / patch) ** 2 + 1, width],
    'pre_layrnorm.weight': [width],
    'post_layernorm.weight': [width],
  };
  for (let layer = 0; layer < layers; layer += 1) {
    shapes[`encoder.layers.${layer}.layer_norm1.weight`] = [width];
    shapes[`encoder.layers.${layer}.mlp.fc1.weight`] = [4 * width, width];
  }
  return withWeights({ format: 'safetensors', name: 'weights', tensors: new Map(), files: ['/weights'] }, shapes);
}

/** dandelin/vilt-b32-mlm. */
function viltB32(): Weights {
  const layers = Array.from({ length: 12 }, (_, layer) => [`encoder.layer.${layer}.layernorm_before.weight`, [768]]);
  return withWeights(
    { format: 'torch', name: 'weights', tensors: new Map(), files: ['/weights'] },
    {
      'embeddings.text_embeddings.word_embeddings.weight': [30522, 768],
      'embeddings.text_embeddings.position_embeddings.weight': [40, 768],
      'embeddings.patch_embeddings.projection.weight': [768, 3, 32, 32],
      'embeddings.position_embeddings': [1, 145, 768],
      ...Object.fromEntries(layers),
    },
  );
}

describe('the towers of CLIP', () => {
  it('serve tasks of images and of texts alone', async () => {
    const network = detectArchitecture(await weightsOf('clip'), await readConfig(path.join(FIXTURES, 'clip')));
    expect([network, ...(network?.as ?? [])].map((way) => way?.modality)).toEqual(['image-text', 'image', 'text']);
    expect(network?.image?.published).toMatchObject({ size: 24, resize: 24, keepsAspect: true });
  });

  it.each([
    ['ViT-B/32', 12, 768, 32, 224],
    ['ViT-L/14@336', 24, 1024, 14, 336],
    ['ViT-H/14', 32, 1280, 14, 224],
  ])('%s is known by its shapes', (name, layers, width, patch, side) => {
    const config = new Map([['model_type', 'clip_vision_model']]);
    const network = detectArchitecture(visionTower(layers, width, patch, side), config);
    expect(network).toMatchObject({ architecture: `CLIP ${name}`, image: { input: { height: side, width: side } } });
  });
});

describe('ViLT', () => {
  it('is known by its shapes, with a place for each token', () => {
    const network = detectArchitecture(viltB32(), undefined);
    expect(network).toMatchObject({
      architecture: 'ViLT-B/32',
      modality: 'image-text',
      image: { input: { height: undefined }, published: { size: 384, multipleOf: 32 } },
      text: { maxTokens: 40, tokenTypes: 'token_type_ids' },
    });
  });

  it('has the pooler’s output among its feature points, also below a classifier', async () => {
    const weights = await weightsOf('vilt-answers');
    const graph = new Graph(weights);
    detectArchitecture(weights, await readConfig(path.join(FIXTURES, 'vilt-answers')))?.build(graph);
    expect(graph.marks).toEqual(['encoder.layer.0', 'encoder.layer.1', 'pooler_output', 'features', 'logits']);
  });
});

describe('what would give other features than PyTorch’s', () => {
  const openClip = (change: object) => new Map(Object.entries({ model_cfg: change }));

  it.each<[what: string, weights: () => Promise<Weights>, config: ModelConfig | undefined, message: RegExp]>([
    ['open_clip’s without settings', () => weightsOf('open-clip'), undefined, /QuickGELU or GELU: put its config.json/],
    [
      'texts that end otherwise',
      () => weightsOf('open-clip'),
      openClip({ vision_cfg: { head_width: 8 }, text_cfg: { pool_type: 'eos' } }),
      /text_cfg.pool_type: "eos", which can't be built/,
    ],
    [
      'heads that nothing tells',
      () => weightsOf('clip-vision'),
      new Map([['model_type', 'clip_vision_model']]),
      /attention heads: put its config.json/,
    ],
    [
      'SigLIP',
      async () => withWeights(await weightsOf('clip-vision'), { 'head.probe': [1, 1, 24] }),
      undefined,
      /SigLIP, whose attention over the patches/,
    ],
    ['ViLT whose heads nothing tells', () => weightsOf('vilt'), undefined, /attention heads: put its config.json/],
    [
      'ViLT of patches drawn by chance',
      () => weightsOf('vilt'),
      new Map([['max_image_length', 4]]),
      /sees 4 patches of an image by chance/,
    ],
    [
      'ViLT of no square',
      async () => withWeights(await weightsOf('vilt'), { 'embeddings.position_embeddings': [1, 12, 24] }),
      undefined,
      /12 position embeddings fit no square/,
    ],
    [
      'timm’s CLIP without settings',
      () => readWeights(path.join(FIXTURES, '../vit/vit-timm-options/model.safetensors')),
      undefined,
      /QuickGELU or GELU: put its config.json/,
    ],
  ])('%s: refused, and said why', async (_, weights, config, message) => {
    const read = await weights();
    expect(() => detectArchitecture(read, config)).toThrow(message);
  });

  it('CLIP by Hugging Face’s names without settings is OpenAI’s, and says that this is assumed', () => {
    const shapes = clipTextShapes(1, 512, 49408, 77);
    const tensors = Object.entries(shapes).map(([key, shape]) => {
      return [key, { shape, type: 'float32' as const, file: '/clip', offset: 0, bytes: 0 }] as const;
    });
    const weights: Weights = { format: 'torch', name: 'clip', tensors: new Map(tensors), files: ['/clip'] };
    expect(detectArchitecture(weights, undefined)?.assumed).toContain('QuickGELU');
    const config = new Map([['model_type', 'clip_text_model']]);
    expect(detectArchitecture(weights, config)).toMatchObject({ modality: 'text', assumed: undefined });
  });

  it('a text tower beside images’ weights of another network is not taken alone', async () => {
    const weights = await weightsOf('open-clip');
    const tensors = new Map([...weights.tensors].filter(([name]) => !name.startsWith('visual.ln_pre.')));
    expect(detectArchitecture({ ...weights, tensors }, undefined)).toBeUndefined();
  });
});

it('a CLIP whose position embeddings are not for the images that config.json says is refused', async () => {
  const config = new Map([...((await readConfig(path.join(FIXTURES, 'clip-vision'))) ?? []), ['image_size', 28]]);
  const weights = await weightsOf('clip-vision');
  expect(() => detectArchitecture(weights, config)).toThrow(
    'images of 28 pixels, but its position embeddings are for 24',
  );
});
