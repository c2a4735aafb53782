/** Element types that weights are published in; integers only as buffers that no graph builder needs. */
export type WeightType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float64'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

/** A named tensor as it lies in a file; its values are not read. */
export interface WeightTensor {
  readonly shape: readonly number[];
  readonly type: WeightType;
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
