import { InferenceSession } from 'onnxruntime-node';
import { InputError } from '../../errors.ts';
import { usedParts } from '../../onnx/usedParts.ts';
import { type NewInput, type NewModel, writeModel } from '../../onnx/writeModel.ts';

const POOLING: ReadonlySet<string> = new Set(['MaxPool', 'AveragePool']);

/**
 * Where pooling leaves no pixels, ONNX Runtime divides by their number, and takes the process with it. What it infers of
 * shapes tells beforehand.
 * @param image as the network will be given it
 * @throws InputError naming the file, where pooling leaves none; nothing where shapes don't follow from the image's
 */
export async function requirePixelsAfterPooling(file: string, network: NewModel, image: NewInput): Promise<void> {
  const pooled = network.nodes.filter(({ op }) => POOLING.has(op)).flatMap(({ outputs }) => outputs.slice(0, 1));
  if (pooled.length === 0) return;
  const shapes = await shapesOf({ ...network, outputs: pooled }, image).catch(() => []);
  if (!shapes.some((shape) => shape.includes(0))) return;
  throw new InputError(
    `${file}: its pooling leaves nothing of images as small as these (${image.shape.join('×')}). Mend the file beside it that says so, or export it for larger ones.`,
  );
}

/** Shapes of a network's outputs, as far as they follow from an image's. Its weights are not loaded. */
async function shapesOf(network: NewModel, image: NewInput): Promise<(readonly (number | string)[])[]> {
  const { initializers = [], ...used } = usedParts(network);
  const inputs = used.inputs.map((input) => (input.name === image.name ? image : input));
  // Of large weights the shapes are all that is wanted.
  const small = initializers.filter(({ values }) => values instanceof Uint8Array);
  const large = initializers.filter(({ values }) => !(values instanceof Uint8Array));
  const model = writeModel({ ...used, initializers: small, inputs: [...inputs, ...large] });
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  const shapes = session.outputMetadata.flatMap((value) => (value.isTensor ? [value.shape] : []));
  await session.release();
  return shapes;
}
