import path from 'node:path';
import { formatBytes, formatParameters, formatQuantity } from '../../protocol/format.ts';
import { discoverWorkspace } from '../rank/discoverWorkspace.ts';
import { formatTable } from '../report/table.ts';
import { type Command, parseCommandLine } from './command.ts';

export const discoverCommand: Command = {
  synopsis: 'discover <workspace> [--json]',
  summary: 'List the datasets and checkpoints in a workspace, and what was passed over.',

  async run(args, signal) {
    const { values, positionals } = parseCommandLine(args, { json: { type: 'boolean' } }, this.synopsis, 1);
    const workspace = path.resolve(positionals[0] ?? '.');
    const { datasets, checkpoints, skipped } = await discoverWorkspace(
      { workspace, checkpointFolders: [], modelCaches: true, excludes: [] },
      signal,
    );
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ datasets, checkpoints, skipped }, null, 2)}\n`);
      return;
    }
    const sections = [
      formatQuantity(datasets.length, 'dataset'),
      formatTable(
        ['dataset', 'task', 'format', 'classes', 'samples'],
        datasets.map((d) => [d.id, d.task, d.format, String(d.classes ?? '?'), splitCounts(d.splits)]),
      ),
      formatQuantity(checkpoints.length, 'checkpoint'),
      formatTable(
        ['checkpoint', 'architecture', 'modality', 'parameters', 'size'],
        checkpoints.map((c) => [
          c.id,
          c.architecture,
          c.modality,
          formatParameters(c.parameters),
          formatBytes(c.bytes),
        ]),
      ),
      ...skipped.map(({ path: file, reason }) => `skipped ${file}: ${reason}`),
    ];
    process.stdout.write(`${sections.filter((text) => text !== '').join('\n\n')}\n`);
  },
};

function splitCounts(splits: Readonly<Record<string, number>>): string {
  const counts = Object.entries(splits).map(([name, count]) => `${name} ${count}`);
  return counts.length > 0 ? counts.join(', ') : 'not counted';
}
