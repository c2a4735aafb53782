// Runs a benchmark of bench/ by its name: npm run bench -- score [--json]
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { assemblyScriptForEsbuild } from './assemblyScript.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [name, ...options] = process.argv.slice(2);
const source = path.join(root, 'bench', `${name}.ts`);
if (!name || !existsSync(source)) {
  const names = readdirSync(path.join(root, 'bench')).filter((file) => file.endsWith('.ts'));
  process.stderr.write(
    `Usage: npm run bench -- <${names.map((file) => path.basename(file, '.ts')).join('|')}> [--json]\n`,
  );
  process.exit(2);
}
const bundle = path.join(root, 'dist', 'bench', `${name}.mjs`);
await esbuild.build({
  entryPoints: [source],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  plugins: [assemblyScriptForEsbuild],
  external: ['onnxruntime-node', 'sharp'],
  banner: {
    js: "import { createRequire as emmsCreateRequire } from 'node:module'; const require = emmsCreateRequire(import.meta.url);",
  },
});
process.exitCode = spawnSync(process.execPath, [bundle, ...options], { cwd: root, stdio: 'inherit' }).status ?? 1;
