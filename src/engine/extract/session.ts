import { InferenceSession } from 'onnxruntime-node';
import type { RunnableModel } from '../checkpoints/checkpoint.ts';
import { withOutput } from '../onnx/writeModel.ts';

/** From this many bytes on, weights in half precision may stay so: the memory counts more than a cast in every run. */
const LARGE_HALF_PRECISION = 64 * 2 ** 20;

/**
 * Loads a model into ONNX Runtime, with one of its tensors made an output.
 *
 * @param provider besides the CPU
 * @param manyRows whether a run has a thousand rows and more, as images have: beside that it costs little to cast and pack
 * the weights in every run, but as much as the rest where a run has a hundred, as texts have
 * @throws Error from ONNX Runtime when it can't load the model or the provider isn't there
 */
export async function openSession(
  { model, weightsFolder, inPlace }: RunnableModel,
  tensor: string,
  provider: string,
  manyRows: boolean,
): Promise<InferenceSession> {
  const onCpu = provider === 'cpu';
  const keepHalf = onCpu && manyRows && (inPlace?.halfPrecisionBytes ?? 0) >= LARGE_HALF_PRECISION;
  return InferenceSession.create(withOutput(model, tensor), {
    executionProviders: onCpu ? ['cpu'] : [provider, 'cpu'],
    logSeverityLevel: 4,
    // Folding constants would turn them all into single precision at once; so would the layouts of the highest level.
    ...(keepHalf && { graphOptimizationLevel: 'extended' }),
    extra: {
      session: {
        // Weights outside the model are looked for in this folder, and nowhere else.
        model_external_initializers_file_folder_path: weightsFolder,
        // Prepacking copies every matrix while loading, up to twice the weights. Quantised layers of ONNX files need it.
        ...(inPlace && manyRows && { disable_prepacking: '1' }),
      },
      ...(keepHalf && { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
    },
  });
}
