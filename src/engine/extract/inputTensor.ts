import { Float16Array } from '@petamoriken/float16';
import { Tensor } from 'onnxruntime-node';
import type { ImageInput, Preprocessing } from '../checkpoints/checkpoint.ts';
import type { Pixels } from './pixels.ts';

/** Weights of red, green and blue in a grey value (ITU-R 601, as PIL's convert('L')). */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Puts images, all of one size, into an input tensor of the network, normalised: (x · scale − mean) / std.
 * @param batch samples in the tensor, at least as many as images; what is left over stays 0
 */
export function inputTensor(
  images: readonly Pixels[],
  batch: number,
  input: ImageInput,
  preprocessing: Preprocessing,
): Tensor {
  const { height = 0, width = 0 } = images[0] ?? {};
  const { channels, channelsFirst } = input;
  const area = height * width;
  const values = new Float32Array(batch * channels * area);
  const channelStep = channelsFirst ? area : 1;
  const pixelStep = channelsFirst ? 1 : channels;

  for (let channel = 0; channel < channels; channel += 1) {
    // (x · scale − mean) / std in one multiplication and one addition.
    const std = preprocessing.std[channel] ?? 1;
    const factor = preprocessing.scale / std;
    const offset = -(preprocessing.mean[channel] ?? 0) / std;
    const source = preprocessing.bgr ? 2 - channel : channel;
    for (const [index, { values: pixels }] of images.entries()) {
      let to = index * channels * area + channel * channelStep;
      for (let from = 0; from < 3 * area; from += 3, to += pixelStep) {
        const x = channels === 3 ? (pixels[from + source] ?? 0) : luma(pixels, from);
        values[to] = x * factor + offset;
      }
    }
  }
  const dims = channelsFirst ? [batch, channels, height, width] : [batch, height, width, channels];
  if (input.elementType === 'uint8') return new Tensor('uint8', Uint8Array.from(values, Math.round), dims);
  if (input.elementType === 'float16')
    return new Tensor('float16', new Uint16Array(new Float16Array(values).buffer), dims);
  return new Tensor('float32', values, dims);
}

function luma(pixels: Uint8Array, at: number): number {
  const [red, green, blue] = LUMA;
  return Math.round(red * (pixels[at] ?? 0) + green * (pixels[at + 1] ?? 0) + blue * (pixels[at + 2] ?? 0));
}
