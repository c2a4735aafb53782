import type { CheckpointSummary } from '../../protocol/discovery.ts';
import type { FeaturePoint } from './onnx/head.ts';
import type { Preprocessing } from './preprocessing.ts';

/** A checkpoint that was opened: everything about it but its weights. */
export interface Checkpoint extends CheckpointSummary {
  readonly input: ImageInput;
  readonly preprocessing: Preprocessing;
  readonly featurePoint: FeaturePoint;
  /** What a person should know before trusting its features, e.g. that the preprocessing was guessed. */
  readonly warnings: readonly string[];
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
