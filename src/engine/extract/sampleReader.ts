import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import type { Sample } from '../datasets/dataset.ts';
import { PixelSource, type Pixels } from './pixels.ts';

/** What a network is given of one sample. */
export interface SampleInputs {
  /** Undefined for networks that take no image. */
  readonly pixels: Pixels | undefined;
  /** One text or a pair; undefined for networks that take no text. */
  readonly text: readonly [text: string, second?: string] | undefined;
}

/** Reads samples as checkpoints want them. */
export class SampleReader {
  readonly #samples: readonly Sample[];
  readonly #pixels: PixelSource;

  constructor(samples: readonly Sample[]) {
    this.#samples = samples;
    this.#pixels = new PixelSource(samples);
  }

  /** One entry per index; an Error in the place of a sample that can't be read. */
  load(indices: readonly number[], checkpoint: Checkpoint): Promise<(SampleInputs | Error)[]> {
    return Promise.all(
      indices.map(async (index) => {
        try {
          return {
            pixels: checkpoint.image && (await this.#pixels.load(index, checkpoint.image.preprocessing)),
            text: checkpoint.text && textFor(checkpoint, this.#samples[index]),
          };
        } catch (error) {
          return error instanceof Error ? error : new Error(String(error));
        }
      }),
    );
  }
}

/**
 * The text that a network reads of a sample: a captioner its caption (teacher forcing), a question answerer question and
 * passage, any other the question, the expression or the text to classify.
 */
function textFor(checkpoint: Checkpoint, sample: Sample | undefined): readonly [string, string?] {
  if (checkpoint.modality === 'image-to-text' && sample?.target?.kind === 'text') return [sample.target.text];
  if (sample?.text === undefined) throw new Error('it has no text');
  return sample.context === undefined ? [sample.text] : [sample.text, sample.context];
}
