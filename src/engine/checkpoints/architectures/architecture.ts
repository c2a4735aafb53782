import type { ImageInput, Modality, TextInput } from '../checkpoint.ts';
import type { Weights } from '../weights.ts';
import type { Graph } from './graph.ts';

/**
 * What config.json beside the weights says (Hugging Face's or timm's), and the files of open_clip and
 * sentence-transformers, as parsed: nothing in it is to be trusted.
 */
export type ModelConfig = ReadonlyMap<string, unknown>;

/** A family of networks: how to know one by its weights, and how to build its graph. One file each. */
export interface Architecture {
  /** Name for people, e.g. `ResNet`. */
  readonly family: string;
  /**
   * Recognises a network of this family by config.json, or by the names and shapes of its weights alone, under the names
   * of every library that publishes it.
   * @returns undefined when it is another family's
   * @throws Error when it is of this family, but in a variation that can't be built: the message says which
   */
  recognise(weights: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined;
}

/** How an image is prepared when nothing beside the weights says it: the family's published way. */
export interface PublishedPreprocessing {
  /** Side of the network's square input, in pixels. */
  readonly size: number;
  /** Shortest edge after resizing, before the centre crop; `size` itself means a plain resize to the square. */
  readonly resize: number;
  /** Whether the shortest edge is resized to `size` and the rest cropped also where `resize` is `size`. */
  readonly keepsAspect?: true;
  /** Where images are kept whole instead: `size` is their shorter edge, and both are multiples of so many pixels. */
  readonly multipleOf?: number;
  readonly kernel: 'nearest' | 'linear' | 'cubic';
  /** Pixels at each side, of fewer than which pooling leaves none; left out where it leaves one of any image. */
  readonly minimum?: number;
  /** Of x in 0..1. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Whether others of the same weights' names and shapes were published in another way, and nothing tells which it is. */
  readonly guessed?: boolean;
  /** The name of the weights, where it is what tells mean and std. */
  readonly named?: string;
}

/**
 * A network that can be built. Its graph has the output `features` `[n, d]` and, where it has a classifier,
 * `logits` `[n, c]`; inner values that a person may choose as the feature point are marked.
 */
export interface RecognisedNetwork {
  /** With its size, as people call it: `ResNet-50`, `DeiT-S/16`, `BERT-base`. */
  readonly architecture: string;
  readonly modality: Modality;
  readonly image?: { readonly input: ImageInput; readonly published: PublishedPreprocessing };
  readonly text?: TextInput;
  readonly hasLogits: boolean;
  /** For people: what the features are, e.g. `input of fc`, `final norm, class token`. */
  readonly featurePoint: string;
  /** For people: what the weights don't tell and is taken for granted, in a sentence. */
  readonly assumed?: string | undefined;
  /** Other ways to use the same weights: the image and the text tower of CLIP alone. */
  readonly as?: readonly RecognisedNetwork[];
  /** @throws Error naming a weight that is missing or of the wrong shape */
  build(graph: Graph): void;
}

export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
export const INCEPTION = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
/** Statistics of the images that CLIP was trained on. */
export const OPENAI_CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;
