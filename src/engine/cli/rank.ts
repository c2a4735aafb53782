import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RankParams, rankParamsSchema } from '../../protocol/engine.ts';
import { deviceSchema } from '../../protocol/tasks.ts';
import { defaultCacheFolder } from '../cache/location.ts';
import { InputError } from '../errors.ts';
import { findWorkspace } from '../files/paths.ts';
import { NoCheckpoints } from '../rank/nothingToRank.ts';
import { rank } from '../rank/rank.ts';
import { reportCsv } from '../report/csv.ts';
import { reportHtml } from '../report/html.ts';
import { reportText } from '../report/text.ts';
import { type Command, commaSeparated, oneOf, parseCommandLine } from './command.ts';
import { LABEL_OPTIONS, labelOptions, SAMPLE_OPTIONS, sampleOptions } from './options.ts';
import { ProgressLine } from './progressLine.ts';
import { SCORE_LIST } from './scoreList.ts';

const OPTIONS = {
  checkpoints: { type: 'string', multiple: true },
  ...SAMPLE_OPTIONS,
  metric: { type: 'string', default: 'emms' },
  also: { type: 'string', multiple: true },
  'label-encoders': { type: 'string', multiple: true },
  ...LABEL_OPTIONS,
  'feature-point': { type: 'string' },
  device: { type: 'string', default: 'auto' },
  'no-cache': { type: 'boolean', default: false },
  json: { type: 'string' },
  html: { type: 'string' },
  csv: { type: 'string' },
} as const;

export const rankCommand: Command = {
  synopsis:
    'rank <dataset> [--checkpoints <path>…] [--task auto] [--metric emms[:cv|exact|paper|reference]] [--also <metric>,…] [--label-encoders auto|clip,bert,gpt2|<path>|onehot] [--encoder-set base|paper] [--class-names readable|raw] [--label-pooling tokens|padding] [--feature-point <tensor>] [--limit 2000] [--device auto|cpu|webgpu|cuda|coreml|dml] [--seed 0] [--no-cache] [--json[=file]] [--html file] [--csv file]',
  summary:
    'Rank checkpoints by how well they would transfer to a dataset. Without --checkpoints, those found in the dataset’s workspace.',
  details: SCORE_LIST,

  async run(args, signal) {
    const { values, positionals } = parseCommandLine(spreadLists(args), OPTIONS, this.synopsis, 1);
    const dataset = path.resolve(positionals[0] ?? '.');
    const named = (values.checkpoints ?? []).map((file) => path.resolve(file));
    const encoders = commaSeparated(values['label-encoders']);
    const params: RankParams = rankParamsSchema.parse({
      workspace: await findWorkspace(dataset),
      dataset,
      ...(named.length > 0 && { checkpoints: named }),
      ...sampleOptions(values),
      metric: values.metric,
      also: commaSeparated(values.also),
      ...(encoders.length > 0 && { labelEncoders: encoders }),
      ...labelOptions(values),
      ...(values['feature-point'] !== undefined && { featurePoint: values['feature-point'] }),
      device: oneOf(values.device, deviceSchema.options, 'device'),
      cacheFolder: values['no-cache'] ? null : defaultCacheFolder(),
    });

    const line = new ProgressLine();
    const report = await rank(params, {
      signal,
      onProgress: (progress) => line.show(progress),
      log: () => undefined,
    })
      .catch((error: unknown) => {
        throw error instanceof NoCheckpoints ? new NoCheckpoints(error.where, ' with --checkpoints') : error;
      })
      .finally(() => line.clear());

    for (const warning of report.warnings) process.stderr.write(`emms: warning: ${warning}\n`);
    for (const { name, warnings } of report.candidates) {
      for (const warning of warnings) process.stderr.write(`emms: warning: ${name}: ${warning}\n`);
    }
    for (const { path: file, reason } of report.skipped) process.stderr.write(`emms: skipped ${file}: ${reason}\n`);
    const json = `${JSON.stringify(report, null, 2)}\n`;
    if (values.json === '') process.stdout.write(json);
    else process.stdout.write(reportText(report));
    if (values.json) await writeOutput(values.json, json);
    if (values.html) await writeOutput(values.html, await reportHtml(report));
    if (values.csv) await writeOutput(values.csv, reportCsv(report));
  },
};

async function writeOutput(file: string, content: string): Promise<void> {
  await writeFile(file, content).catch((error: Error) => {
    throw new InputError(`${file}: can't be written (${error.message}). Choose another place.`);
  });
}

/**
 * `--checkpoints a b c` and a bare `--json`, neither of which parseArgs knows: each value gets its option, and a bare
 * `--json` (standard output) an empty value.
 */
function spreadLists(args: readonly string[]): string[] {
  const result: string[] = [];
  let list = '';
  for (const arg of args) {
    if (arg === '--json') result.push('--json=');
    else if (arg === '--checkpoints') list = arg;
    else if (list !== '' && !arg.startsWith('-')) result.push(`${list}=${arg}`);
    else {
      list = '';
      result.push(arg);
    }
  }
  return result;
}
