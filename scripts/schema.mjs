// Writes docs/report.schema.json, the JSON Schema of the ranking report, from its zod schema in src/protocol/report.ts.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { toJSONSchema } from 'zod';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { outputFiles } = await esbuild.build({
  entryPoints: [path.join(root, 'src/protocol/report.ts')],
  bundle: true,
  format: 'esm',
  write: false,
});
const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
const { rankingReportSchema } = await import(`data:text/javascript;base64,${source}`);
await writeFile(
  path.join(root, 'docs/report.schema.json'),
  `${JSON.stringify(toJSONSchema(rankingReportSchema), null, 2)}\n`,
);
