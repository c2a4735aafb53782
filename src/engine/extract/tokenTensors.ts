import { Tensor } from 'onnxruntime-node';
import type { Checkpoint, CheckpointText } from '../checkpoints/checkpoint.ts';
import { InputError } from '../errors.ts';
import type { TokenBatch, Tokenizer } from '../tokenize/tokenizer.ts';

/**
 * The input tensors of a text network, `[n, tokens]` each.
 * @param input of the network
 * @param tokenizer that the tokens are from
 * @throws InputError naming the network's file and the tokenizer's where a token has no embedding
 */
export function tokenTensors(
  tokens: TokenBatch,
  input: CheckpointText,
  tokenizer: Tokenizer,
  { path }: Pick<Checkpoint, 'path'>,
): Record<string, Tensor> {
  const { ids, typeIds, mask } = tokens;
  const unknown = beyond(ids, input.tables.tokens);
  if (unknown !== undefined) {
    throw new InputError(
      `${path}: it has embeddings for ${input.tables.tokens} tokens, and its tokenizer ${tokenizer.file} gives the number ${unknown} (${JSON.stringify(tokenizer.nameOf(unknown))}). Put the tokenizer that it was trained with beside it.`,
    );
  }
  const type = input.tokenTypes === undefined ? undefined : beyond(typeIds, input.tables.types);
  if (type !== undefined) {
    throw new InputError(
      `${path}: it has embeddings for ${input.tables.types} types of tokens, and its tokenizer ${tokenizer.file} gives the type ${type}. Put the tokenizer that it was trained with beside it.`,
    );
  }
  const tensor = (values: Int32Array) =>
    new Tensor(input.elementType, input.elementType === 'int32' ? values : BigInt64Array.from(values, BigInt), [
      tokens.rows,
      tokens.length,
    ]);
  return {
    [input.ids]: tensor(ids),
    ...(input.mask !== undefined && { [input.mask]: tensor(mask) }),
    ...(input.tokenTypes !== undefined && { [input.tokenTypes]: tensor(typeIds) }),
    ...(input.places !== undefined && { [input.places]: tensor(ids.map((_, at) => at % tokens.length)) }),
  };
}

/** The first number that a table has no row for. */
function beyond(numbers: Int32Array, rows = Infinity): number | undefined {
  return numbers.find((number) => number >= rows);
}
