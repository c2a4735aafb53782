import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import { INCEPTION } from './architecture.ts';
import { bertEmbeddings } from './bert.ts';
import { assumedSettings } from './configured.ts';
import type { Graph, Value } from './graph.ts';
import { attention, conv, gelu, layerNorm, linear } from './layers.ts';
import { countOf, headsOf, numberOf, rename, shapeOf, textOf } from './naming.ts';
import { activate, ENCODED, embed, firstToken, paddingBias, type Tokens, tokenInputs } from './text.ts';
import { imageOfSize, pixelsAsTokens, repeatForBatch, tokensFrom } from './visionTransformer.ts';

/**
 * ViLT (Kim et al. 2021) under Hugging Face's names, bare or under any of its heads: one transformer over the text's tokens
 * and the image's patches.
 *
 * Features are the input of the last layer of an answers' classifier (`ViltForQuestionAnswering`: its hidden layer of
 * twice the width); under other heads and without any, the pooler's output, which they take; without a pooler, the
 * normalised state of the text's class token.
 *
 * Images are kept whole, 384 pixels at the shorter edge and at most 608 at the longer one, and the position embeddings are
 * interpolated to each image's size.
 */
export const vilt: Architecture = { family: 'ViLT', recognise };

const CLASSIFIER_EPSILON = 1e-5;
const PUBLISHED_WIDTH = 768;

/** What the network is beside its weights. */
interface ViltSettings {
  readonly layers: number;
  readonly width: number;
  readonly patch: number;
  /** Of the square images that the position embeddings were made for, in pixels. */
  readonly side: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: string;
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = rename(original, (name) => name.replace(/^vilt\./, ''));
  const has = (name: string) => weights.tensors.has(`${name}.weight`);
  if (!has('embeddings.text_embeddings.word_embeddings') || !has('embeddings.patch_embeddings.projection'))
    return undefined;
  if (!has('encoder.layer.0.layernorm_before') || !/^(vilt|)$/.test(textOf(config, 'model_type') ?? ''))
    return undefined;
  const settings = viltSettings(weights, config);
  const { side, patch } = settings;
  const published = { size: side, resize: side, multipleOf: patch, kernel: 'cubic', ...INCEPTION } as const;
  const [maxTokens = 0] = shapeOf(weights, 'embeddings.text_embeddings.position_embeddings.weight');
  const text = { ...ENCODED, tokenTypes: 'token_type_ids', maxTokens };
  // The classifier of pairs of images takes two networks' outputs.
  const answers = has('pooler.dense') && shapeOf(weights, 'classifier.0.weight')[1] === settings.width;
  return {
    architecture: nameOf(settings),
    modality: 'image-text',
    image: { input: imageOfSize(undefined, undefined), published },
    text,
    hasLogits: answers,
    featurePoint: answers
      ? 'classifier.2, input of classifier.3'
      : has('pooler.dense')
        ? 'pooler on the text’s class token'
        : 'final norm, the text’s class token',
    assumed: assumedSettings(config, settings.width === PUBLISHED_WIDTH, 'attention heads, activation and norms'),
    build: (graph) => {
      graph.use(weights);
      const image = graph.input('image', 'float32', ['n', 3, 'height', 'width']);
      const states = statesOf(graph, settings, tokenInputs(graph, text), image);
      const first = layerNorm(graph, firstToken(graph, states), 'layernorm', settings.epsilon);
      if (!graph.has('pooler.dense.weight')) {
        graph.output('features', first);
        return;
      }
      const pooled = graph.mark('pooler_output', graph.node('Tanh', [linear(graph, first, 'pooler.dense')]));
      if (!answers) {
        graph.output('features', pooled);
        return;
      }
      const hidden = layerNorm(graph, linear(graph, pooled, 'classifier.0'), 'classifier.1', CLASSIFIER_EPSILON);
      graph.output('features', gelu(graph, hidden));
      graph.output('logits', linear(graph, 'features', 'classifier.3'));
    },
  };
}

function viltSettings(weights: Weights, config: ModelConfig | undefined): ViltSettings {
  const [width = 0, , patch = 1] = shapeOf(weights, 'embeddings.patch_embeddings.projection.weight');
  const [, places = 0] = shapeOf(weights, 'embeddings.position_embeddings');
  const rows = Math.sqrt(places - 1);
  if (!Number.isInteger(rows) || rows < 1 || patch < 1)
    throw new Error(`it is a ViLT whose ${places} position embeddings fit no square image`);
  const maxPatches = numberOf(config, 'max_image_length') ?? -1;
  if (maxPatches >= 0 && maxPatches < rows ** 2)
    throw new Error(`it is a ViLT that sees ${maxPatches} patches of an image by chance, which can't be built`);
  return {
    layers: countOf(weights, (layer) => `encoder.layer.${layer}.layernorm_before.weight`),
    width,
    patch,
    side: rows * patch,
    heads: headsOf(config, 'num_attention_heads', width),
    epsilon: numberOf(config, 'layer_norm_eps') ?? 1e-12,
    activation: textOf(config, 'hidden_act') ?? 'gelu',
  };
}

function nameOf({ layers, width, patch }: ViltSettings): string {
  return `ViLT-${layers === 12 && width === 768 ? 'B' : `L${layers}-H${width}`}/${patch}`;
}

/** States of the last layer, `[n, t + 1 + patches, d]`: the text's tokens, the image's class token and its patches. */
function statesOf(graph: Graph, settings: ViltSettings, tokens: Tokens, image: Value): Value {
  const { layers, width, heads, epsilon, activation } = settings;
  const read = ofKind(graph, bertEmbeddings(graph, 'embeddings.text_embeddings', settings, tokens), 0);
  const seen = ofKind(graph, patchesOf(graph, settings, image), 1);
  const always = graph.node('Shape', [seen], { start: 0, end: 2 });
  const ones = graph.node('Expand', [graph.integer(1), always]);
  const bias = paddingBias(graph, graph.node('Concat', [tokens.mask, ones], { axis: 1 }));
  let x = graph.node('Concat', [read, seen], { axis: 1 });
  for (let layer = 0; layer < layers; layer += 1) {
    const name = `encoder.layer.${layer}`;
    const y = layerNorm(graph, x, `${name}.layernorm_before`, epsilon);
    const project = (part: string) => linear(graph, y, `${name}.attention.attention.${part}`);
    const mixed = attention(graph, project('query'), project('key'), project('value'), {
      heads,
      headDim: width / heads,
      bias,
    });
    x = graph.node('Add', [x, linear(graph, mixed, `${name}.attention.output.dense`)]);
    const inner = linear(graph, layerNorm(graph, x, `${name}.layernorm_after`, epsilon), `${name}.intermediate.dense`);
    x = graph.node('Add', [x, linear(graph, activate(graph, inner, activation), `${name}.output.dense`)]);
    x = graph.mark(name, x);
  }
  return x;
}

/** The class token and the patches at their positions, `[n, 1 + patches, d]`. */
function patchesOf(graph: Graph, { patch, side, width }: ViltSettings, image: Value): Value {
  const projected = conv(graph, image, 'embeddings.patch_embeddings.projection', { stride: patch });
  const first = repeatForBatch(graph, graph.weight('embeddings.cls_token'), image);
  const sequence = graph.node('Concat', [first, pixelsAsTokens(graph, projected)], { axis: 1 });

  const positions = graph.weight('embeddings.position_embeddings');
  const table = graph.node('Transpose', [tokensFrom(graph, positions, 1)], { perm: [0, 2, 1] });
  const map = graph.node('Reshape', [table, graph.integers(1, width, side / patch, side / patch)]);
  const grid = graph.node('Shape', [projected], { start: 2 });
  const size = graph.node('Concat', [graph.integers(1, width), grid], { axis: 0 });
  const fitted = graph.node('Resize', [map, '', '', size], {
    mode: 'linear',
    coordinate_transformation_mode: 'align_corners',
  });
  const places = [tokensFrom(graph, positions, 0, 1), pixelsAsTokens(graph, fitted)];
  return graph.node('Add', [sequence, graph.node('Concat', places, { axis: 1 })]);
}

/** Embeddings with that of what they are: 0 for a text, 1 for an image. */
function ofKind(graph: Graph, embeddings: Value, kind: number): Value {
  return graph.node('Add', [embeddings, embed(graph, 'embeddings.token_type_embeddings', graph.integer(kind))]);
}
