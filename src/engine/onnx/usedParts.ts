import type { NewModel } from './writeModel.ts';

/** A model without the nodes and weights that its outputs don't follow from. */
export function usedParts(model: NewModel): NewModel {
  const used = new Set(model.outputs);
  const nodes = model.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => used.has(output))) return false;
    for (const input of node.inputs) used.add(input);
    return true;
  });
  const initializers = model.initializers?.filter(({ name }) => used.has(name)) ?? [];
  return { ...model, nodes: nodes.reverse(), initializers };
}
