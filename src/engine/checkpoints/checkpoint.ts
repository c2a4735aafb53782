import type { CheckpointSummary } from '../../protocol/discovery.ts';
import type { NewInput, NewModel } from '../onnx/writeModel.ts';
import type { TokenTables } from './tokenTables.ts';

/** A checkpoint that was opened: everything about it but its weights. */
export interface Checkpoint extends CheckpointSummary {
  /** What it takes of a sample's image; undefined when it takes none. */
  readonly image: { readonly input: ImageInput; readonly preprocessing: Preprocessing } | undefined;
  /** What it takes of a sample's text; undefined when it takes none. */
  readonly text: CheckpointText | undefined;
  readonly featurePoint: FeaturePoint;
  /** What a person should know before trusting its features, e.g. that the preprocessing was guessed. */
  readonly warnings: readonly string[];
  /** Every file that its weights lie in, absolute: their contents identify the checkpoint. */
  readonly files: readonly string[];
  /** The same for the same weights, in whatever container: of two such, one is ranked. */
  readonly fingerprint: string;
  readonly loadModel: () => Promise<RunnableModel>;
}

/** Where the features of a network are read, and what is done to the tensor found there. */
export interface FeaturePoint {
  readonly tensor: string;
  /**
   * Axis of the tensor that holds the channels; the others (but the first, the batch) are averaged away. `auto`: the
   * second of four axes, else the last.
   */
  readonly channelAxis: 'second' | 'last' | 'auto';
  /** Name of the output with the class scores; undefined when the network has no classifier. */
  readonly logits: string | undefined;
}

/** What a checkpoint takes of a text. */
export interface CheckpointText extends TextInput {
  readonly tokenizerFolder: string;
  readonly tables: Pick<TokenTables, 'tokens' | 'types'>;
}

/** What ONNX Runtime loads. */
export interface RunnableModel {
  /** ONNX, written when it is asked for: not every network is loaded as it is. */
  readonly model: () => Uint8Array;
  /** The folder that the model's external weights lie in, and nowhere else. */
  readonly weightsFolder: string;
  /** What the model was written from; undefined for an ONNX file that is given as it is. */
  readonly network?: NewModel;
}

/** The input tensor of an image network. */
export interface ImageInput {
  readonly name: string;
  readonly elementType: 'float32' | 'float16' | 'uint8';
  /** NCHW or NHWC. */
  readonly channelsFirst: boolean;
  readonly channels: 1 | 3;
  /** Undefined when the network takes any size. */
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** Samples per run, where the network fixes it. */
  readonly batch: number | undefined;
}

/** In pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * An image that is kept whole, in its aspect ratio: its shorter edge becomes `shortestEdge`, unless the longer one would be
 * longer than `longestEdge`, and both are cut down to multiples of a number of pixels.
 */
export interface WholeImage {
  readonly shortestEdge: number;
  readonly longestEdge: number;
  readonly multipleOf: number;
}

/** How an image becomes an input tensor: resize, crop, then (x · scale − mean) / std on x in 0..255, per channel. */
export interface Preprocessing {
  /**
   * Size after resizing, in pixels; undefined where images keep their own. `shortestEdge` keeps the aspect ratio; so does
   * the least size `covering` another.
   */
  readonly resize: Size | { readonly shortestEdge: number } | { readonly covering: Size } | WholeImage | undefined;
  readonly kernel: 'nearest' | 'box' | 'linear' | 'hamming' | 'cubic' | 'lanczos3';
  /**
   * Size of the network's input: a centre crop of the resized image, with zeros around a smaller one; undefined where that
   * is kept whole.
   */
  readonly crop: Size | undefined;
  /** How half a pixel of the crop's place is rounded: Hugging Face's processors and torchvision differ. */
  readonly cropOffset: 'floor' | 'halfToEven';
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Whether the network takes blue first. */
  readonly bgr: boolean;
  /** For people: the steps, and where they were said. */
  readonly description: string;
  /** True when neither the weights nor anything beside them said it. */
  readonly assumed: boolean;
}

/** The input tensors of a text network, `[n, tokens]` each. */
export interface TextInput {
  /** Name of the input with the token ids. */
  readonly ids: string;
  /** Name of the input that is 1 for a token and 0 for padding; undefined when the network takes none. */
  readonly mask: string | undefined;
  /** Name of the input that is 0 for the first text of a pair and 1 for the second. */
  readonly tokenTypes: string | undefined;
  /** Name of the input that counts the tokens of a text from 0, where there is one. */
  readonly places?: string | undefined;
  readonly elementType: 'int64' | 'int32';
  /** Longer texts are cut. */
  readonly maxTokens: number;
  /** Texts per run, where the network fixes it. */
  readonly batch?: number | undefined;
  /** Tokens that every text is filled up to, where the network fixes it. */
  readonly length?: number | undefined;
}

/** What a network takes of a sample: its image, its text, both (a question or an expression), or the image and its caption. */
export type Modality = 'image' | 'text' | 'image-text' | 'image-to-text';

/** How a person wants checkpoints to be used. */
export interface OpenOptions {
  /** What the task's samples have; of a checkpoint that can be used in several ways (CLIP), the first that fits. */
  readonly modalities: readonly Modality[];
  /** Name of the tensor to read the features from, instead of the family's own feature point. */
  readonly featurePoint?: string | undefined;
}

/** The input of images that are all of one size, cropped. */
export function inputOfSize(input: ImageInput, { height, width }: Size): NewInput {
  const { name, elementType, channels, channelsFirst, batch = 'n' } = input;
  const shape = channelsFirst ? [batch, channels, height, width] : [batch, height, width, channels];
  return { name, type: elementType, shape };
}
