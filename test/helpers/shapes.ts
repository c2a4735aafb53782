import { nameOf } from '../../src/engine/checkpoints/containers/checkpointName.ts';
import type { Weights } from '../../src/engine/checkpoints/weights.ts';

/** Names and shapes of the weights of published networks. */
export type Shapes = Record<string, readonly number[]>;

/** Weights of these names and shapes, one behind the other in a file that need not exist: what recognition goes by. */
export function weightsOf(shapes: Shapes, file = '/nowhere/weights.pth', format: Weights['format'] = 'torch'): Weights {
  let offset = 0;
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const bytes = 4 * shape.reduce((product, size) => product * size, 1);
    offset += bytes;
    return [name, { shape, type: 'float32', file, offset: offset - bytes, bytes }] as const;
  });
  return { format, name: nameOf(file), tensors: new Map(tensors), files: [file] };
}

export const numbered = (count: number, part: (index: number) => Shapes): Shapes =>
  Object.assign({}, ...Array.from({ length: count }, (_, index) => part(index)));

export const layerNorm = (name: string, width: number): Shapes => ({
  [`${name}.weight`]: [width],
  [`${name}.bias`]: [width],
});

export const layer = (name: string, outputs: number, ...inputs: number[]): Shapes => ({
  [`${name}.weight`]: [outputs, ...inputs],
  [`${name}.bias`]: [outputs],
});

export function batchNorm(name: string, channels: number): Shapes {
  const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.${part}`, [channels]]);
  return Object.fromEntries([...parts, [`${name}.num_batches_tracked`, []]]);
}

export function resnetShapes(
  blocks: readonly number[],
  options: { bottleneck?: boolean; groups?: number; width?: number },
): Shapes {
  const { bottleneck = false, groups = 1, width = 64 } = options;
  const shapes: Shapes = { 'conv1.weight': [64, 3, 7, 7], ...batchNorm('bn1', 64) };
  let inputs = 64;
  for (const [stage, count] of blocks.entries()) {
    for (let block = 0; block < count; block += 1) {
      const name = `layer${stage + 1}.${block}`;
      const out = (bottleneck ? 256 : 64) << stage;
      const inner = bottleneck ? (width * groups) << stage : out;
      const kernels: [number, number, number][] = bottleneck
        ? [
            [inner, inputs, 1],
            [inner, inner / groups, 3],
            [out, inner, 1],
          ]
        : [
            [inner, inputs, 3],
            [out, inner, 3],
          ];
      for (const [index, [to, from, size]] of kernels.entries()) {
        shapes[`${name}.conv${index + 1}.weight`] = [to, from, size, size];
        Object.assign(shapes, batchNorm(`${name}.bn${index + 1}`, to));
      }
      if (block === 0 && inputs !== out) {
        Object.assign(
          shapes,
          { [`${name}.downsample.0.weight`]: [out, inputs, 1, 1] },
          batchNorm(`${name}.downsample.1`, out),
        );
      }
      inputs = out;
    }
  }
  return { ...shapes, 'fc.weight': [1000, inputs], 'fc.bias': [1000] };
}

/** torchvision's DenseNet, by the names of its published files. */
export function densenetShapes(layers: readonly number[], growth: number, stem: number): Shapes {
  const shapes: Shapes = { 'features.conv0.weight': [stem, 3, 7, 7], ...batchNorm('features.norm0', stem) };
  let channels = stem;
  for (const [block, count] of layers.entries()) {
    if (block > 0) {
      const name = `features.transition${block}`;
      Object.assign(shapes, batchNorm(`${name}.norm`, channels), {
        [`${name}.conv.weight`]: [channels / 2, channels, 1, 1],
      });
      channels /= 2;
    }
    for (let layer = 1; layer <= count; layer += 1) {
      const name = `features.denseblock${block + 1}.denselayer${layer}`;
      Object.assign(shapes, batchNorm(`${name}.norm.1`, channels), batchNorm(`${name}.norm.2`, 4 * growth));
      shapes[`${name}.conv.1.weight`] = [4 * growth, channels, 1, 1];
      shapes[`${name}.conv.2.weight`] = [growth, 4 * growth, 3, 3];
      channels += growth;
    }
  }
  return { ...shapes, ...batchNorm('features.norm5', channels), 'classifier.weight': [1000, channels] };
}

export const VGG16 = [
  64,
  64,
  'pool',
  128,
  128,
  'pool',
  256,
  256,
  256,
  'pool',
  512,
  512,
  512,
  'pool',
  512,
  512,
  512,
] as const;

export function vggShapes(layers: readonly (number | 'pool')[], withNorm: boolean): Shapes {
  const shapes: Shapes = {};
  let index = 0;
  let inputs = 3;
  for (const channels of layers) {
    if (channels === 'pool') {
      index += 1;
      continue;
    }
    Object.assign(shapes, layer(`features.${index}`, channels, inputs, 3, 3));
    if (withNorm) Object.assign(shapes, batchNorm(`features.${index + 1}`, channels));
    index += withNorm ? 3 : 2;
    inputs = channels;
  }
  return {
    ...shapes,
    ...layer('classifier.0', 4096, 25088),
    ...layer('classifier.3', 4096, 4096),
    ...layer('classifier.6', 1000, 4096),
  };
}

/** A block of timm's transformers. */
const transformerBlock = (name: string, width: number, ratio = 4): Shapes => ({
  ...layerNorm(`${name}.norm1`, width),
  ...layer(`${name}.attn.qkv`, 3 * width, width),
  ...layer(`${name}.attn.proj`, width, width),
  ...layerNorm(`${name}.norm2`, width),
  ...layer(`${name}.mlp.fc1`, ratio * width, width),
  ...layer(`${name}.mlp.fc2`, width, ratio * width),
});

/** timm's and DeiT's ViT. */
export function vitShapes(width: number, depth: number, patch: number, size: number, classes?: number): Shapes {
  return {
    cls_token: [1, 1, width],
    pos_embed: [1, (size / patch) ** 2 + 1, width],
    ...layer('patch_embed.proj', width, 3, patch, patch),
    ...numbered(depth, (index) => transformerBlock(`blocks.${index}`, width)),
    ...layerNorm('norm', width),
    ...(classes === undefined ? {} : layer('head', classes, width)),
  };
}

/** timm's BEiT, with biases in each block. */
export function beitShapes(width: number, depth: number, patch: number, size: number, classes?: number): Shapes {
  const offsets = (2 * (size / patch) - 1) ** 2 + 3;
  const vit = Object.entries(vitShapes(width, depth, patch, size, classes)).flatMap(
    ([name, shape]): [string, readonly number[]][] =>
      name === 'pos_embed' || name.endsWith('.qkv.bias') ? [] : [[name.replace(/^norm\./, 'fc_norm.'), shape]],
  );
  const blocks = numbered(depth, (index) => ({
    [`blocks.${index}.attn.relative_position_bias_table`]: [offsets, width / 64],
    [`blocks.${index}.attn.q_bias`]: [width],
    [`blocks.${index}.attn.v_bias`]: [width],
    [`blocks.${index}.gamma_1`]: [width],
    [`blocks.${index}.gamma_2`]: [width],
  }));
  return { ...Object.fromEntries(vit), ...blocks };
}

/** timm's Swin. */
export function swinShapes(width: number, depths: readonly number[], window: number): Shapes {
  const stages = numbered(depths.length, (stage) => {
    const dim = width * 2 ** stage;
    const table = [(2 * window - 1) ** 2, dim / 32];
    const blocks = numbered(depths[stage] ?? 0, (index) => ({
      ...transformerBlock(`layers.${stage}.blocks.${index}`, dim),
      [`layers.${stage}.blocks.${index}.attn.relative_position_bias_table`]: table,
    }));
    if (stage === depths.length - 1) return blocks;
    // The published names: a stage ends by merging patches for the next.
    const merging = { [`layers.${stage}.downsample.reduction.weight`]: [2 * dim, 4 * dim] };
    return { ...blocks, ...merging, ...layerNorm(`layers.${stage}.downsample.norm`, 4 * dim) };
  });
  const last = width * 2 ** (depths.length - 1);
  const stem = { ...layer('patch_embed.proj', width, 3, 4, 4), ...layerNorm('patch_embed.norm', width) };
  return { ...stem, ...stages, ...layerNorm('norm', last), ...layer('head', 1000, last) };
}

/** Hugging Face's BERT and its kin. */
export function bertShapes(
  prefix: string,
  layers: number,
  width: number,
  words: number,
  positions: number,
  types: number,
): Shapes {
  const embeddings: Shapes = {
    'embeddings.word_embeddings.weight': [words, width],
    'embeddings.position_embeddings.weight': [positions, width],
    'embeddings.token_type_embeddings.weight': [types, width],
    ...layerNorm('embeddings.LayerNorm', width),
  };
  const encoder = numbered(layers, (index) => {
    const name = `encoder.layer.${index}`;
    return {
      ...layer(`${name}.attention.self.query`, width, width),
      ...layer(`${name}.attention.self.key`, width, width),
      ...layer(`${name}.attention.self.value`, width, width),
      ...layer(`${name}.attention.output.dense`, width, width),
      ...layerNorm(`${name}.attention.output.LayerNorm`, width),
      ...layer(`${name}.intermediate.dense`, 4 * width, width),
      ...layer(`${name}.output.dense`, width, 4 * width),
      ...layerNorm(`${name}.output.LayerNorm`, width),
    };
  });
  return Object.fromEntries(
    Object.entries({ ...embeddings, ...encoder }).map(([name, shape]) => [prefix + name, shape]),
  );
}

/** Hugging Face's GPT-2. */
export function gpt2Shapes(layers: number, width: number, words: number, positions: number): Shapes {
  const conv = (name: string, inputs: number, outputs: number): Shapes => ({
    [`${name}.weight`]: [inputs, outputs],
    [`${name}.bias`]: [outputs],
  });
  return {
    'wte.weight': [words, width],
    'wpe.weight': [positions, width],
    ...numbered(layers, (index) => ({
      ...layerNorm(`h.${index}.ln_1`, width),
      ...conv(`h.${index}.attn.c_attn`, width, 3 * width),
      ...conv(`h.${index}.attn.c_proj`, width, width),
      ...layerNorm(`h.${index}.ln_2`, width),
      ...conv(`h.${index}.mlp.c_fc`, width, 4 * width),
      ...conv(`h.${index}.mlp.c_proj`, 4 * width, width),
    })),
    ...layerNorm('ln_f', width),
  };
}

/** Hugging Face's CLIP, the text tower with its projection. */
export function clipTextShapes(layers: number, width: number, words: number, positions: number): Shapes {
  return {
    'text_model.embeddings.token_embedding.weight': [words, width],
    'text_model.embeddings.position_embedding.weight': [positions, width],
    ...numbered(layers, (index) => {
      const name = `text_model.encoder.layers.${index}`;
      return {
        ...layer(`${name}.self_attn.q_proj`, width, width),
        ...layer(`${name}.self_attn.k_proj`, width, width),
        ...layer(`${name}.self_attn.v_proj`, width, width),
        ...layer(`${name}.self_attn.out_proj`, width, width),
        ...layerNorm(`${name}.layer_norm1`, width),
        ...layer(`${name}.mlp.fc1`, 4 * width, width),
        ...layer(`${name}.mlp.fc2`, width, 4 * width),
        ...layerNorm(`${name}.layer_norm2`, width),
      };
    }),
    ...layerNorm('text_model.final_layer_norm', width),
    'text_projection.weight': [width, width],
  };
}

/** Swin as newer timm names it: a stage begins by merging patches. */
export function newSwinShapes(width: number, depths: readonly number[], window: number): Shapes {
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

/** PVT v2 as its authors name it. */
export function pvtV2Shapes(widths: readonly number[], depths: readonly number[]): Shapes {
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
