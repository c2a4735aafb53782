import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { formatFixed } from '../../protocol/format.ts';
import { rankingReportSchema } from '../../protocol/report.ts';
import { InputError, UsageError } from '../errors.ts';
import { evaluateRanking } from '../evaluate/correlations.ts';
import { formatTable } from '../report/table.ts';
import { type Command, namingFiles, parseCommandLine } from './command.ts';

const modelNumbers = z.record(z.string(), z.number());
/** A truth with its provenance around it, as in the sample workspace. */
const accuraciesSchema = z.object({ accuracies: modelNumbers });

export const evaluateCommand: Command = {
  synopsis: 'evaluate --scores <scores.json> --truth <truth.json> [--json]',
  summary:
    'Agreement of scores with known accuracies. Both files map model → number; the scores may be a report of `emms rank --json` (models by their names, or by their ids where several have the same name), the truth an object with "accuracies".',

  async run(args) {
    const options = { scores: { type: 'string' }, truth: { type: 'string' }, json: { type: 'boolean' } } as const;
    const { values } = parseCommandLine(args, options, this.synopsis, 0);
    const { scores: scoresFile, truth: truthFile } = values;
    if (scoresFile === undefined || truthFile === undefined) throw new UsageError(`Usage: emms ${this.synopsis}`);
    const scores = await readNumbers(scoresFile, scoresOf);
    const truth = await readNumbers(truthFile, truthOf);
    const agreement = await namingFiles([scoresFile, truthFile], () => evaluateRanking(scores, truth));
    if (values.json) process.stdout.write(`${JSON.stringify(agreement, null, 2)}\n`);
    else {
      const { models, missingScores, missingTruth, ...measures } = agreement;
      const rows = Object.entries(measures).map(([name, value]) => [
        name,
        value === null ? '-' : formatFixed(value, 4),
      ]);
      process.stdout.write(`${formatTable(['measure', `${models} models`], rows)}\n`);
      for (const model of missingScores) process.stderr.write(`emms: warning: ${model} has no score\n`);
      for (const model of missingTruth) process.stderr.write(`emms: warning: ${model} has no known accuracy\n`);
    }
  },
};

/** Of a report by the names of its candidates, or by their ids where several have the same name. */
function scoresOf(json: unknown): Record<string, number> | undefined {
  const report = rankingReportSchema.safeParse(json);
  if (report.success) {
    const { candidates } = report.data;
    const isShared = (name: string) => candidates.filter((candidate) => candidate.name === name).length > 1;
    return Object.fromEntries(candidates.map(({ id, name, score }) => [isShared(name) ? id : name, score]));
  }
  return modelNumbers.safeParse(json).data;
}

function truthOf(json: unknown): Record<string, number> | undefined {
  return accuraciesSchema.safeParse(json).data?.accuracies ?? modelNumbers.safeParse(json).data;
}

async function readNumbers(
  file: string,
  numbersOf: (json: unknown) => Record<string, number> | undefined,
): Promise<Record<string, number>> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new InputError(`${file}: can't be read. Check the path.`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError(`${file}: not valid JSON. Expected an object that maps model → number.`);
  }
  const numbers = numbersOf(json);
  if (!numbers) throw new InputError(`${file}: expected an object that maps model → number.`);
  return numbers;
}
