import type { NewModel, NewNode, NewTensor } from './writeModel.ts';

/** Nodes of a model that follow each other, with what they take from those before and give to those behind. */
export interface Piece {
  readonly nodes: readonly NewNode[];
  readonly initializers: readonly NewTensor[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Cuts a model into pieces which, one behind the other, give the same. What follows from weights alone (a cast, a
 * transposition) is in every piece that uses it; what nobody wants is in none.
 *
 * @param outputs what is wanted of the model
 * @param begins whether a piece may begin with this node
 * @param maxBytes of a piece's weights, unless there are more between two places to cut
 */
export function cutModel(
  model: NewModel,
  outputs: readonly string[],
  begins: (node: NewNode) => boolean,
  maxBytes: number,
): Piece[] {
  const constants = new Constants(model);
  const groups: NewNode[][] = [[]];
  let bytes = 0;
  for (const node of model.nodes) {
    if (node.outputs.every((value) => constants.has(value))) continue;
    const added = bytesOf(constants.neededBy([node]).initializers);
    if (begins(node) && bytes > 0 && bytes + added > maxBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(node);
    bytes += added;
  }

  const wanted = new Set(outputs);
  const pieces: Piece[] = [];
  for (const nodes of groups.reverse()) {
    const made = new Set(nodes.flatMap((node) => node.outputs));
    const given = [...made].filter((value) => wanted.has(value));
    if (given.length === 0) continue;
    const taken = new Set(nodes.flatMap((node) => node.inputs));
    const inputs = [...taken].filter((value) => !made.has(value) && !constants.has(value));
    const needed = constants.neededBy(nodes);
    pieces.unshift({
      nodes: [...needed.nodes, ...nodes],
      initializers: needed.initializers,
      inputs,
      outputs: given,
    });
    for (const value of inputs) wanted.add(value);
  }
  return pieces;
}

/** Bytes of the weights that these nodes of a model take, as they are or cast or transposed. */
export function weightBytes(model: NewModel, nodes: readonly NewNode[]): number {
  return bytesOf(new Constants(model).neededBy(nodes).initializers);
}

function bytesOf(tensors: readonly NewTensor[]): number {
  return tensors.reduce((sum, { values }) => sum + (values instanceof Uint8Array ? values.length : values.bytes), 0);
}

/** The values of a model that don't depend on its inputs, and what makes them. */
class Constants {
  readonly #initializers: ReadonlyMap<string, NewTensor>;
  readonly #makers = new Map<string, NewNode>();

  constructor({ nodes, initializers = [] }: NewModel) {
    this.#initializers = new Map(initializers.map((tensor) => [tensor.name, tensor]));
    for (const node of nodes) {
      if (!node.inputs.every((value) => this.has(value))) continue;
      for (const output of node.outputs) this.#makers.set(output, node);
    }
  }

  /** An optional input that is left out counts, too. */
  has(value: string): boolean {
    return value === '' || this.#initializers.has(value) || this.#makers.has(value);
  }

  /** The weights and constants that nodes take, and the nodes that make these of the others, in their order. */
  neededBy(nodes: readonly NewNode[]): Pick<Piece, 'nodes' | 'initializers'> {
    const makers = new Set<NewNode>();
    const initializers = new Set<NewTensor>();
    const need = (value: string) => {
      const initializer = this.#initializers.get(value);
      if (initializer) initializers.add(initializer);
      const maker = this.#makers.get(value);
      if (!maker || makers.has(maker)) return;
      maker.inputs.forEach(need);
      makers.add(maker);
    };
    for (const node of nodes) node.inputs.forEach(need);
    return { nodes: [...makers], initializers: [...initializers] };
  }
}
