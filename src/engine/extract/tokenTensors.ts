import { Tensor } from 'onnxruntime-node';
import type { TextInput } from '../checkpoints/checkpoint.ts';
import type { TokenBatch } from '../tokenize/tokenizer.ts';

/** The input tensors of a text network, `[n, tokens]` each. */
export function tokenTensors(tokens: TokenBatch, input: TextInput): Record<string, Tensor> {
  const tensor = (values: Int32Array) =>
    new Tensor(input.elementType, input.elementType === 'int32' ? values : BigInt64Array.from(values, BigInt), [
      tokens.rows,
      tokens.length,
    ]);
  return {
    [input.ids]: tensor(tokens.ids),
    ...(input.mask !== undefined && { [input.mask]: tensor(tokens.mask) }),
    ...(input.tokenTypes !== undefined && { [input.tokenTypes]: tensor(tokens.typeIds) }),
  };
}
