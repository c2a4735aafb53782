import type { ElementType } from '../onnx/format.ts';

/** A named tensor as it lies in a file; its values are not read. */
export interface WeightTensor {
  readonly shape: readonly number[];
  /** Integers are buffers, which no graph builder needs. */
  readonly type: ElementType;
  /** Absolute path of the file that holds the values. */
  readonly file: string;
  /** First byte of the values in that file: row-major, little-endian, not necessarily aligned. */
  readonly offset: number;
  readonly bytes: number;
  /**
   * For a tensor that was saved as a transposed view: the values are those of a row-major tensor whose axis i is axis
   * `storedAxes[i]` of this one. Left out when the values lie in the order of `shape`.
   */
  readonly storedAxes?: readonly number[];
}

/** The named weights of a checkpoint, in the order in which the file names them. */
export interface Weights {
  readonly format: 'safetensors' | 'torch';
  /** For people: its file's name without ending, or its folder's or repository's where the file is called like any other. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** Every file that they come from, absolute: one, or the shards of an index. */
  readonly files: readonly string[];
}
