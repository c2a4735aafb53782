import { PbfWriter } from 'pbf';
import { NODE } from './format.ts';
import type { NodeParts } from './modelParts.ts';
import type { NewInput, NewModel, NewNode, NewTensor } from './writeModel.ts';

// ONNX Runtime puts into blocks of channels only what convolutions give. What comes from outside stays in rows, and so does
// all that it is added to, pooled to or joined with. Where a network is cut, a convolution of no meaning therefore stands for
// each value that comes from elsewhere, until the optimised pieces are joined.

/** ONNX Runtime's operators between the layouts. */
const TO_BLOCKS = 'ReorderInput';
const TO_ROWS = 'ReorderOutput';
const BLOCKS_DOMAIN = 'com.microsoft.nchwc';

/**
 * A model in which convolutions give what would be inputs.
 * @param channels of these values, `[n, channels, height, width]` each
 */
export function withStandIns(model: NewModel, channels: ReadonlyMap<string, number>): NewModel {
  const standIns = [...channels].map(([value, count]) => standIn(value, count));
  return {
    nodes: [...standIns.map(({ node }) => node), ...model.nodes],
    initializers: [...(model.initializers ?? []), ...standIns.map(({ weight }) => weight)],
    inputs: [...model.inputs.filter(({ name }) => !channels.has(name)), ...standIns.map(({ source }) => source)],
    // The runtime doesn't fuse with what follows what is an output, too.
    outputs: [...model.outputs, ...channels.keys()],
  };
}

function standIn(value: string, channels: number): { source: NewInput; weight: NewTensor; node: NewNode } {
  // Each has a size of its own: what the runtime takes to be of the same size, it multiplies without repeating any of it.
  const source = `${value}.source`;
  const weight = `${value}.standin`;
  return {
    source: { name: source, type: 'float32', shape: ['n', 1, `${value}.height`, `${value}.width`] },
    weight: {
      name: weight,
      type: 'float32',
      shape: [channels, 1, 1, 1],
      values: new Uint8Array(channels * Float32Array.BYTES_PER_ELEMENT),
    },
    node: { op: 'Conv', inputs: [source, weight], outputs: [value] },
  };
}

/**
 * The nodes of optimised pieces with the values themselves for what stands for them, in the layout that they are used in.
 *
 * @param nodes in an order in which they can be computed
 * @param values what is stood for, by the name of what stands for it
 */
export function joinStandIns(nodes: readonly NodeParts[], values: ReadonlyMap<string, string>): NodeParts[] {
  const inBlocks = new Map<string, string>();
  for (const { op, inputs, outputs } of nodes) {
    const value = values.get(outputs[0] ?? '');
    if (op === TO_ROWS && value !== undefined) inBlocks.set(inputs[0] ?? '', value);
  }
  const same = new Map(values);
  const makers = new Map<string, NodeParts>();
  const joined: NodeParts[] = [];
  const add = (node: NodeParts) => {
    joined.push(node);
    for (const output of node.outputs) makers.set(output, node);
  };
  for (const node of nodes) {
    const [output = ''] = node.outputs;
    const value = inBlocks.get(output);
    if (value !== undefined) {
      const maker = makers.get(value);
      const [made] = maker?.op === TO_ROWS ? maker.inputs : [];
      if (made === undefined) add(toBlocks(value, output));
      else same.set(output, made);
    } else if (!values.has(output)) {
      add({ ...node, inputs: node.inputs.map((input) => same.get(input) ?? input) });
    }
  }
  return joined;
}

function toBlocks(value: string, result: string): NodeParts {
  const rest = new PbfWriter();
  rest.writeStringField(NODE.domain, BLOCKS_DOMAIN);
  return { op: TO_BLOCKS, inputs: [value], outputs: [result], rest: rest.finish() };
}
