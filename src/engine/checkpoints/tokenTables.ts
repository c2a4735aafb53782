import type { NewNode } from '../onnx/writeModel.ts';

/** How many rows a text network's embeddings have; undefined where its graph doesn't tell. */
export interface TokenTables {
  /** One for every token that it knows. */
  readonly tokens: number | undefined;
  /** One for every type of token: two where it tells the texts of a pair apart. */
  readonly types: number | undefined;
  /** One for every place in a text. */
  readonly places: number | undefined;
}

/** What a network computes, as a file has it or as it is built. */
interface TextGraph {
  /** In the order in which they are computed. */
  readonly nodes: readonly NewNode[];
  /** The weights by their names. */
  readonly weights: Iterable<readonly [name: string, weight: { readonly shape: readonly number[] }]>;
}

/** A tensor that is a sum of rows of embeddings. */
interface Embedding {
  /** Whether those of the tokens are among them. */
  readonly ofTokens: boolean;
  /** Rows of the largest table among the others, for places; 0 where there is none. */
  readonly places: number;
}

/** Operators that leave the values of their first input as they are. */
const UNCHANGING = new Set(['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'DequantizeLinear']);
/** RoBERTa and OPT count places by tokens, and from behind the padding's, which is the second. */
const COUNTED_FROM = 2;

/**
 * Finds the embeddings that a text network sums: what its tokens and their types are looked up in, and the largest table
 * beside these is that of places.
 */
export function tokenTablesOf(
  { nodes, weights }: TextGraph,
  inputs: { readonly ids: string; readonly tokenTypes: string | undefined },
): TokenTables {
  /** How many rows each has, under every name that it is used by. */
  const tables = new Map<string, number>();
  for (const [name, { shape }] of weights) if (shape.length === 2) tables.set(name, shape[0] ?? 0);
  const inputOf = new Map([[inputs.ids, 'tokens']]);
  if (inputs.tokenTypes !== undefined) inputOf.set(inputs.tokenTypes, 'types');
  const counted = new Set<string>();
  const embeddings = new Map<string, Embedding>();
  let tokens: number | undefined;
  let types: number | undefined;
  let places: number | undefined;
  for (const { op, inputs: from, outputs } of nodes) {
    const [data = '', second = ''] = from;
    const [output = ''] = outputs;
    const rows = tables.get(data);
    if (op === 'Gather' && rows !== undefined) {
      const by = inputOf.get(second);
      if (by === 'tokens') tokens ??= rows;
      if (by === 'types') types ??= rows;
      const ofPlaces = counted.has(second) ? rows - COUNTED_FROM : rows;
      embeddings.set(output, { ofTokens: by === 'tokens', places: by === undefined ? ofPlaces : 0 });
      continue;
    }
    if (op === 'CumSum' || from.some((name) => counted.has(name))) counted.add(output);
    if (op === 'Add') {
      const summed = from.flatMap((name) => embeddings.get(name) ?? []);
      const ofTokens = summed.some((embedding) => embedding.ofTokens);
      const ofPlaces = Math.max(0, ...summed.map((embedding) => embedding.places));
      if (summed.length > 0) embeddings.set(output, { ofTokens, places: ofPlaces });
      if (ofTokens && ofPlaces > 0) places = Math.max(places ?? 0, ofPlaces);
    } else if (UNCHANGING.has(op)) {
      for (const known of [tables, inputOf, embeddings]) passOn<unknown>(known, data, output);
    }
  }
  return { tokens, types, places };
}

function passOn<Known>(known: Map<string, Known>, from: string, to: string): void {
  const value = known.get(from);
  if (value !== undefined) known.set(to, value);
}
