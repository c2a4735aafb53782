import type { OnnxModel } from '../../onnx/readModel.ts';

/**
 * The family of a network, as the file says it (metadata `architecture`), else told from its layers: an ONNX graph
 * keeps no name of the code it was made by.
 */
export function architectureOf(model: OnnxModel): string {
  const named = model.metadata.get('architecture')?.trim();
  if (named) return named.slice(0, 80);

  const count = (...ops: string[]) => model.nodes.filter(({ op }) => ops.includes(op)).length;
  const convolutions = model.nodes.filter(({ op }) => /Conv/.test(op));
  const grouped = convolutions.filter(({ attributes }) => Number(attributes?.group ?? 1) > 1).length;
  const attention = count('Softmax') > 1 && count('MatMul', 'FusedMatMul', 'Gemm') > 4;
  if (model.inputs.some(({ name }) => name === 'input_ids') && convolutions.length === 0) {
    return attention ? 'text transformer' : 'text embedding';
  }
  if (attention || count('Attention', 'MultiHeadAttention') > 0) {
    return convolutions.length > 4 ? 'convolution and attention network' : 'vision transformer';
  }
  if (convolutions.length === 0) return 'multi-layer perceptron';
  if (grouped >= convolutions.length / 4) return 'depthwise-separable CNN';
  if (residualSums(model) >= 2) return 'residual CNN';
  return count('Concat') >= 2 ? 'CNN with concatenations' : 'plain CNN';
}

/** Additions of two computed tensors: shortcuts around layers. */
function residualSums(model: OnnxModel): number {
  return model.nodes.filter(
    ({ op, inputs }) => (op === 'Add' || op === 'QLinearAdd') && !inputs.some((name) => model.initializers.has(name)),
  ).length;
}
