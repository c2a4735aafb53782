import path from 'node:path';
import { defaultCacheFolder } from '../cache/location.ts';
import { Store } from '../cache/store.ts';
import { embedDatasetLabels } from '../embed/embedLabels.ts';
import { chooseLabelEncoders } from '../embed/labelEncoders.ts';
import { UsageError } from '../errors.ts';
import { writeNpy } from '../npy.ts';
import { type Command, parseCommandLine } from './command.ts';
import { drawSamples, LABEL_OPTIONS, labelOptions, SAMPLE_OPTIONS } from './options.ts';

const OPTIONS = {
  encoder: { type: 'string' },
  out: { type: 'string' },
  ...LABEL_OPTIONS,
  template: { type: 'string' },
  ...SAMPLE_OPTIONS,
  'no-cache': { type: 'boolean', default: false },
} as const;

export const embedCommand: Command = {
  synopsis:
    'embed <dataset> --encoder clip|bert|gpt2|<path> --out E.npy [--encoder-set base|paper] [--class-names readable|raw] [--label-pooling tokens|padding] [--template "a photo of a {}"] [--task auto] [--limit 2000] [--seed 0] [--no-cache]',
  summary:
    'Write what a text encoder makes of a dataset’s labels as a NumPy file: [C, d2] of class names, [n, d2] of captions, answers or boxes.',

  async run(args, signal) {
    const { values, positionals } = parseCommandLine(args, OPTIONS, this.synopsis, 1);
    const { encoder, out, template } = values;
    if (encoder === undefined || out === undefined) throw new UsageError(`Usage: emms ${this.synopsis}`);
    const { encoderSet, classNames, labelPooling } = labelOptions(values);
    const { encoders } = await chooseLabelEncoders([encoder], { paper: encoderSet === 'paper' });
    const { dataset, samples } = await drawSamples(path.resolve(positionals[0] ?? '.'), values, signal);
    const embeddings = await embedDatasetLabels(dataset, samples, encoders, {
      names: classNames,
      pooling: labelPooling,
      ...(template !== undefined && { templates: { [encoder]: template } }),
      store: values['no-cache'] ? undefined : new Store(defaultCacheFolder()),
      signal,
    });
    const [embedding] = embeddings ?? [];
    if (!embedding) throw new UsageError(`--encoder ${encoder}: one-hot labels are no embedding to write.`);
    await writeNpy(out, { shape: [embedding.rows, embedding.cols], data: embedding.data });
  },
};
