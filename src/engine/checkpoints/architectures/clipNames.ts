import type { Weights, WeightTensor } from '../weights.ts';

// The names of CLIP's weights: Hugging Face's are the canonical ones (see clip.ts).

/** The weights under Hugging Face's names, with the towers' names also where a file holds one tower alone. */
export function canonicalClip(weights: Weights): Weights {
  const bare = weights.tensors.has('embeddings.class_embedding') ? 'vision_model.' : 'text_model.';
  const tensors = new Map<string, WeightTensor>();
  for (const [name, tensor] of weights.tensors) {
    const fused = /^(.*)\.attn\.in_proj_(weight|bias)$/.exec(openAiName(name));
    if (fused) {
      const [, layer, part] = fused;
      for (const [index, third] of thirds(tensor).entries()) {
        tensors.set(`${layer}.self_attn.${'qkv'[index]}_proj.${part}`, third);
      }
    } else if (name === 'text_projection' || name === 'text.text_projection' || name === 'visual.proj') {
      tensors.set(name === 'visual.proj' ? 'visual_projection.weight' : 'text_projection.weight', transposed(tensor));
    } else {
      tensors.set(
        openAiName(name).replace(/^(?=(embeddings|encoder|final_layer_norm|(pre|post)_lay\w+)\.)/, bare),
        tensor,
      );
    }
  }
  return { ...weights, tensors };
}

/** OpenAI's name, or open_clip's below `text.`, as Hugging Face's; other names stay. */
function openAiName(name: string): string {
  return name
    .replace(/^text\.(?=(transformer|token_embedding|ln_final)\.|positional_embedding$|attn_mask$)/, '')
    .replace(/^transformer\.resblocks\./, 'text_model.encoder.layers.')
    .replace(/^token_embedding\./, 'text_model.embeddings.token_embedding.')
    .replace(/^positional_embedding$/, 'text_model.embeddings.position_embedding.weight')
    .replace(/^ln_final\./, 'text_model.final_layer_norm.')
    .replace(/^visual\.transformer\.resblocks\./, 'vision_model.encoder.layers.')
    .replace(/^visual\.class_embedding$/, 'vision_model.embeddings.class_embedding')
    .replace(/^visual\.conv1\./, 'vision_model.embeddings.patch_embedding.')
    .replace(/^visual\.positional_embedding$/, 'vision_model.embeddings.position_embedding.weight')
    .replace(/^visual\.ln_pre\./, 'vision_model.pre_layrnorm.')
    .replace(/^visual\.ln_post\./, 'vision_model.post_layernorm.')
    .replace(/(?<=\.layers\.\d+)\.ln_([12])\./, '.layer_norm$1.')
    .replace(/(?<=\.layers\.\d+)\.attn\.out_proj\./, '.self_attn.out_proj.')
    .replace(/(?<=\.layers\.\d+)\.mlp\.c_fc\./, '.mlp.fc1.')
    .replace(/(?<=\.layers\.\d+)\.mlp\.c_proj\./, '.mlp.fc2.');
}

/** Queries', keys' and values' parts of a fused weight: they lie behind each other. */
function thirds(tensor: WeightTensor): WeightTensor[] {
  const [rows = 0, ...rest] = tensor.shape;
  const bytes = tensor.bytes / 3;
  return [0, 1, 2].map((index) => ({
    ...tensor,
    shape: [rows / 3, ...rest],
    offset: tensor.offset + index * bytes,
    bytes,
  }));
}

/** OpenAI keeps its projections `[in, out]`. */
function transposed(tensor: WeightTensor): WeightTensor {
  const [inputs = 0, outputs = 0] = tensor.shape;
  const { storedAxes, ...rest } = tensor;
  return { ...rest, shape: [outputs, inputs], ...(!storedAxes && { storedAxes: [1, 0] }) };
}
