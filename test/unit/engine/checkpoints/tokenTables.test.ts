import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { tokenTablesOf } from '../../../../src/engine/checkpoints/tokenTables.ts';
import type { NewNode } from '../../../../src/engine/onnx/writeModel.ts';

const NETWORKS = path.resolve('test/fixtures/networks');
const TABLES = { words: [60, 8], types: [2, 8], places: [24, 8], other: [99, 8] };
const INPUTS = { ids: 'ids', tokenTypes: 'segments' };
const EMBEDDED = [
  node('Gather', ['words', 'ids'], 'embedded'),
  node('Gather', ['types', 'segments'], 'typed'),
  node('Add', ['embedded', 'typed'], 'both'),
];

describe('of an exported network, the embeddings are found', () => {
  test('by what is looked up in them, and of those that are summed', () => {
    const nodes = [
      ...EMBEDDED,
      node('Shape', ['embedded'], 'shape'),
      node('Gather', ['places', 'shape'], 'placed'),
      node('Add', ['placed', 'both'], 'sum'),
      node('Gather', ['other', 'shape'], 'biases'),
    ];
    expect(tables(nodes)).toEqual({ tokens: 60, types: 2, places: 24 });
    expect(tables(EMBEDDED)).toEqual({ tokens: 60, types: 2, places: undefined });
  });

  test('through casts and reshaping, as exporters write them', () => {
    const nodes = [
      node('Cast', ['words'], 'wide'),
      node('Reshape', ['ids', 'shape'], 'flat'),
      node('Gather', ['wide', 'flat'], 'embedded'),
    ];
    expect(tables(nodes).tokens).toBe(60);
  });

  test('but for places that padding takes, where they are counted by tokens', () => {
    const nodes = [
      ...EMBEDDED,
      node('Not', ['ids'], 'mask'),
      node('CumSum', ['mask', 'axis'], 'count'),
      node('Mul', ['count', 'mask'], 'index'),
      node('Gather', ['places', 'index'], 'placed'),
      node('Add', ['both', 'placed'], 'sum'),
    ];
    expect(tables(nodes).places).toBe(22);
  });

  test('in a chain of sums that doubles a hundred times, at once', () => {
    const sums = Array.from({ length: 100 }, (_, index) => node('Add', [`s${index}`, `s${index}`], `s${index + 1}`));
    const nodes = [node('Gather', ['places', 'x'], 'p'), ...EMBEDDED, node('Add', ['p', 'both'], 's0'), ...sums];
    expect(tables(nodes).places).toBe(24);
  });
});

test.each([
  ['text/bert', 2],
  ['text/roberta', undefined],
  ['text/gpt2', undefined],
  ['text/bart', undefined],
  ['text/distilbert', undefined],
  ['multimodal/clip', undefined],
  ['multimodal/vilt', 2],
  ['captioners/vit-gpt2', undefined],
])('%s tells how many tokens it knows', async (name, types) => {
  const { text } = await openCheckpoint(path.join(NETWORKS, name, 'model.safetensors'), NETWORKS, {
    modalities: ['text', 'image-text', 'image-to-text'],
  });
  expect(text?.tables.tokens).toBeGreaterThan(10);
  expect(text?.tables.types).toBe(types);
});

function node(op: string, inputs: readonly string[], output: string): NewNode {
  return { op, inputs, outputs: [output] };
}

function tables(nodes: readonly NewNode[]) {
  const weights = Object.entries(TABLES).map(([name, shape]) => [name, { shape }] as const);
  return tokenTablesOf({ nodes, weights }, INPUTS);
}
