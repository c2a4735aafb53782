import path from 'node:path';
import { taskSchema } from '../../protocol/tasks.ts';
import { defaultCacheFolder } from '../cache/location.ts';
import { Store } from '../cache/store.ts';
import { chooseSplit, openDataset } from '../datasets/open.ts';
import { drawStratified } from '../datasets/sampling.ts';
import { embedDatasetLabels } from '../embed/embedLabels.ts';
import { chooseLabelEncoders } from '../embed/labelEncoders.ts';
import { UsageError } from '../errors.ts';
import { writeNpy } from '../npy.ts';
import { type Command, oneOf, parseCommandLine, wholeNumber } from './command.ts';

const OPTIONS = {
  encoder: { type: 'string' },
  out: { type: 'string' },
  'encoder-set': { type: 'string', default: 'base' },
  'class-names': { type: 'string', default: 'readable' },
  'label-pooling': { type: 'string', default: 'tokens' },
  template: { type: 'string' },
  task: { type: 'string', default: 'auto' },
  limit: { type: 'string', default: '2000' },
  seed: { type: 'string', default: '0' },
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
    const { encoders } = await chooseLabelEncoders([encoder], {
      paper: oneOf(values['encoder-set'], ['base', 'paper'], 'encoder-set') === 'paper',
    });
    const dataset = await openDataset(
      path.resolve(positionals[0] ?? '.'),
      oneOf(values.task, ['auto', ...taskSchema.options], 'task'),
      signal,
    );
    const samples = drawStratified(
      chooseSplit(dataset).samples,
      wholeNumber(values.limit, 'limit', 2),
      wholeNumber(values.seed, 'seed', 0),
    );
    const embeddings = await embedDatasetLabels(dataset, samples, encoders, {
      names: oneOf(values['class-names'], ['readable', 'raw'], 'class-names'),
      pooling: oneOf(values['label-pooling'], ['tokens', 'padding'], 'label-pooling'),
      ...(template !== undefined && { templates: { [encoder]: template } }),
      store: values['no-cache'] ? undefined : new Store(defaultCacheFolder()),
      signal,
    });
    const [embedding] = embeddings ?? [];
    if (!embedding) throw new UsageError(`--encoder ${encoder}: one-hot labels are no embedding to write.`);
    await writeNpy(out, { shape: [embedding.rows, embedding.cols], data: embedding.data });
  },
};
