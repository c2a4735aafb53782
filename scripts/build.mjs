// Bundles the product with esbuild into dist/: the extension, the engine (with its provider probe), the command line,
// and the ranking view, once for the webview and once for the self-contained HTML report.
//
//   node scripts/build.mjs [--watch] [--production]
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { assemblyScriptForEsbuild } from './assemblyScript.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: { watch: { type: 'boolean', default: false }, production: { type: 'boolean', default: false } },
});

/** @type {esbuild.BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  minify: options.production,
  sourcemap: options.production ? false : 'linked',
  logLevel: 'warning',
  target: 'node20',
};

/** @type {esbuild.BuildOptions[]} */
const bundles = [
  {
    ...common,
    entryPoints: { extension: 'src/extension/extension.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
  },
  {
    ...common,
    entryPoints: { engine: 'src/engine/main.ts', cli: 'src/engine/cli.ts', probe: 'src/engine/extract/probe.ts' },
    outdir: 'dist',
    // Beside the entry points: modules find probe.js and report.js relative to themselves.
    chunkNames: '[name]-[hash]',
    platform: 'node',
    format: 'esm',
    splitting: true,
    plugins: [assemblyScriptForEsbuild],
    // Native modules stay outside: they load their binaries by a path relative to themselves.
    external: ['onnxruntime-node', 'sharp'],
    // CommonJS dependencies inside an ES module bundle still call require for Node's own modules.
    banner: {
      js: "import { createRequire as emmsCreateRequire } from 'node:module'; const require = emmsCreateRequire(import.meta.url);",
    },
  },
  {
    ...common,
    entryPoints: { webview: 'src/webview/main.ts', report: 'src/webview/report.ts' },
    outdir: 'dist',
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    loader: { '.css': 'text' },
  },
];

await rm(path.join(root, 'dist'), { recursive: true, force: true });
await mkdir(path.join(root, 'dist'), { recursive: true });
if (options.watch) {
  for (const bundle of bundles) await (await esbuild.context({ ...bundle, logLevel: 'info' })).watch();
} else {
  await Promise.all(bundles.map((bundle) => esbuild.build(bundle)));
}
