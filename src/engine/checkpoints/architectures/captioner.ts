import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import { INCEPTION } from './architecture.ts';
import { bartDecoder } from './bart.ts';
import { beitEncoder } from './beit.ts';
import { bertDecoder } from './bert.ts';
import { clipEncoder } from './clip.ts';
import { assumedSettings } from './configured.ts';
import { gpt2Decoder } from './gpt2.ts';
import { linear } from './layers.ts';
import { sectionOf } from './naming.ts';
import { swinEncoder } from './swin.ts';
import { meanOfTokens, tokenInputs } from './text.ts';
import { weightsUnder } from './visionTransformer.ts';
import { vitEncoder } from './vit.ts';

/**
 * Captioners of Hugging Face's `VisionEncoderDecoderModel`: a ViT, BEiT, Swin, Swin V2 or CLIP's image tower under
 * `encoder.` and a GPT-2, BERT, RoBERTa or BART with cross-attention under `decoder.`; EMMS's own candidates for
 * captioning are such. The caption is given to the decoder (teacher forcing); features are the last states of the
 * decoder, behind its last LayerNorm, the mean over the caption's real tokens.
 */
export const captioner: Architecture = { family: 'VisionEncoderDecoder', recognise };

const PUBLISHED = { kernel: 'linear', ...INCEPTION } as const;
const TEXT = {
  ids: 'decoder_input_ids',
  mask: 'decoder_attention_mask',
  tokenTypes: undefined,
  elementType: 'int64',
} as const;
/** The projection of the encoder's states where the decoder is of another width. */
const PROJECTION = 'enc_to_dec_proj';

function recognise(weights: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const names = [...weights.tensors.keys()];
  if (
    !names.some((name) => name.startsWith('encoder.')) ||
    !names.some((name) => /^decoder\..*(crossattention|encoder_attn)/.test(name))
  ) {
    return undefined;
  }
  const imageConfig = sectionOf(config, 'encoder');
  const textConfig = sectionOf(config, 'decoder');
  const encoder =
    clipEncoder(weights, 'encoder.', imageConfig) ??
    beitEncoder(weights, 'encoder.', imageConfig) ??
    vitEncoder(weights, 'encoder.', imageConfig) ??
    swinEncoder(weights, 'encoder.', imageConfig);
  const decoding = weightsUnder(weights, 'decoder.');
  const decoder =
    gpt2Decoder(decoding, textConfig) ?? bertDecoder(decoding, textConfig) ?? bartDecoder(decoding, textConfig);
  if (!encoder || !decoder) return undefined;
  const { height = 0 } = encoder.input;
  const published = encoder.published ?? { ...PUBLISHED, size: height, resize: height };
  const text = { ...TEXT, maxTokens: decoder.maxTokens };
  return {
    architecture: `captioner with ${decoder.architecture}`,
    modality: 'image-to-text',
    image: { input: encoder.input, published },
    text,
    hasLogits: false,
    featurePoint: 'last states of the decoder, mean over the caption',
    assumed: assumedSettings(config, false, 'attention heads, activations and norms'),
    build: (graph) => {
      const { name, height: rows = 'height', width: columns = 'width' } = encoder.input;
      const states = encoder.tokens(graph, graph.input(name, 'float32', ['n', 3, rows, columns]));
      graph.use(weights);
      const image = graph.has(`${PROJECTION}.weight`) ? linear(graph, states, PROJECTION) : states;
      const tokens = tokenInputs(graph, text);
      graph.output('features', meanOfTokens(graph, decoder.states(graph, tokens, image), tokens.mask));
    },
  };
}
