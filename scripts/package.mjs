// Makes the VSIX of one platform: builds dist/ for production, puts the native runtime of that platform only into
// dist/node_modules/ and the licences of everything inside into dist/THIRD_PARTY_NOTICES.txt, then calls vsce.
//
//   node scripts/package.mjs [--target linux-x64|linux-arm64|darwin-arm64|win32-x64|win32-arm64] [--out FILE.vsix]
//
// Another target than this machine's needs its binaries in node_modules: npm install --os=… --cpu=….
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { assemblyScriptForEsbuild } from './assemblyScript.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const modules = path.join(root, 'node_modules');
const dist = path.join(root, 'dist');
const { values: options } = parseArgs({
  options: { target: { type: 'string', default: `${process.platform}-${process.arch}` }, out: { type: 'string' } },
});

/** Modules that stay outside the bundles, because they load native binaries by a path relative to themselves. */
const nativeModules = ['onnxruntime-node', 'sharp'];

/** Runs a Node script in a folder; if it fails it has said why. */
function run(cwd, script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(1);
}

/** Where the target's binaries lie: whole folders, copied as they are. */
function binaryFolders(target) {
  const [platform, arch] = target.split('-');
  const sharpBinary = path.join('@img', `sharp-${target}`);
  const manifest = path.join(modules, sharpBinary, 'package.json');
  const folders = [path.join('onnxruntime-node', 'bin', 'napi-v6', platform, arch), sharpBinary];
  if (existsSync(manifest)) {
    // libvips is a package of its own on some platforms, part of the binary on others.
    folders.push(...Object.keys(createRequire(manifest)(manifest).optionalDependencies ?? {}));
  }
  const missing = folders.filter((folder) => !existsSync(path.join(modules, folder)));
  if (missing.length > 0) throw new Error(`No binaries for ${target}: node_modules lacks ${missing.join(', ')}.`);
  return folders;
}

/** Requires whose path is only known at run time lead to binaries (binaryFolders knows those); esbuild minds them. */
const withoutComputedRequires = {
  name: 'without-computed-requires',
  setup(build) {
    build.onLoad({ filter: /node_modules.(sharp|onnxruntime-node).*\.[cm]?js$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8')).replace(/require\(`[^`]*`\)/g, 'undefined'),
    }));
  },
};

/** Every file under node_modules that the entry points reach when bundled, relative to node_modules. */
async function reachableFiles(entry) {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'out/unused',
    format: 'esm',
    platform: 'node',
    // Files are named by where they are found: node_modules may be a link, as in a git worktree.
    preserveSymlinks: true,
    plugins: [withoutComputedRequires, assemblyScriptForEsbuild],
    logLevel: 'error',
    ...entry,
    external: ['vscode', '*.node', ...(entry.external ?? [])],
  });
  return Object.keys(metafile.inputs)
    .filter((file) => file.startsWith('node_modules/'))
    .map((file) => file.slice('node_modules/'.length).replace(/ with \{.*$/, '')); // import attributes
}

/** The folder (relative to node_modules) of the package that a file of node_modules belongs to. */
function packageOf(file) {
  const parts = file.split('/');
  const last = parts.lastIndexOf('node_modules') + 1;
  return parts.slice(0, last + (parts[last].startsWith('@') ? 2 : 1)).join('/');
}

/** The package.json files between a file and its package's folder: an inner one can say whether it is an ES module. */
function manifestsAbove(file) {
  const manifests = [];
  for (let folder = path.dirname(file); folder !== packageOf(file); folder = path.dirname(folder)) {
    manifests.push(path.join(folder, 'package.json'));
  }
  return manifests.filter((manifest) => existsSync(path.join(modules, manifest)));
}

async function copyModuleFile(file) {
  const target = path.join(dist, 'node_modules', file);
  await mkdir(path.dirname(target), { recursive: true });
  await cp(path.join(modules, file), target, { recursive: true, dereference: true });
}

/** Names of the licence files in a package's folder. */
async function licenceFiles(folder) {
  return (await readdir(path.join(modules, folder))).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name));
}

async function notice(folder) {
  const manifest = JSON.parse(await readFile(path.join(modules, folder, 'package.json'), 'utf8'));
  const author = typeof manifest.author === 'string' ? manifest.author : manifest.author?.name;
  const repository = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url;
  const texts = [];
  for (const name of await licenceFiles(folder)) {
    texts.push(await readFile(path.join(modules, folder, name), 'utf8'));
  }
  if (texts.length === 0) {
    // Some packages say it in their README only; libvips lists the libraries that it is made of there.
    const readme = await readFile(path.join(modules, folder, 'README.md'), 'utf8').catch(() => '');
    texts.push(readme.match(/^#+ *licen[cs]\w*[\s\S]*/im)?.[0] ?? 'The package contains no licence text.');
  }
  return [
    `${manifest.name} ${manifest.version}`,
    `Licence: ${manifest.license ?? 'see below'}`,
    ...(author ? [`Author: ${author}`] : []),
    ...(repository ? [`Source: ${repository}`] : []),
    '',
    ...texts.map((text) => text.trim()),
  ].join('\n');
}

/**
 * A Markdown file for the extension's page in VS Code, which has no folder beside it: pictures become a part of it, and
 * of links to other files only the text is left.
 */
async function selfContained(name) {
  const text = await readFile(path.join(root, name), 'utf8');
  const pictures = new Map();
  for (const [, file] of text.matchAll(/!\[[^\]]*\]\((?!https:)([^)]+\.png)\)/g)) {
    pictures.set(file, `data:image/png;base64,${await readFile(path.join(root, file), 'base64')}`);
  }
  return text.replace(/(!?\[([^\]]*)\])\((?!https:|#)([^)]+)\)/g, (_link, label, words, file) => {
    const picture = pictures.get(file);
    return picture === undefined ? words : `${label}(${picture})`;
  });
}

run(root, path.join(root, 'scripts/build.mjs'), '--production');

// The native modules: the files that Node can reach when they are imported or required, so neither their install
// scripts nor what only those need. Both, because packages can have other files for the one than for the other.
const binaries = binaryFolders(options.target);
const imports = nativeModules.map((name) => `import '${name}';\nrequire('${name}');`).join('\n');
const native = await reachableFiles({ stdin: { contents: imports, resolveDir: root } });
const lacking = nativeModules.filter((name) => !native.some((file) => packageOf(file) === name));
if (lacking.length > 0) {
  throw new Error(
    `Nothing of ${lacking.join(', ')} is in node_modules. Install the packages here (npm ci), and try again.`,
  );
}
const nativePackages = new Set([...native.map(packageOf), ...binaries.map((folder) => packageOf(folder))]);
for (const file of [...native, ...binaries, ...native.flatMap(manifestsAbove)]) await copyModuleFile(file);
for (const folder of nativePackages) {
  for (const name of ['package.json', ...(await licenceFiles(folder))]) await copyModuleFile(path.join(folder, name));
}

const bundled = [
  ...(await reachableFiles({
    entryPoints: [
      'src/extension/extension.ts',
      'src/engine/main.ts',
      'src/engine/cli.ts',
      'src/engine/extract/probe.ts',
    ],
    external: nativeModules,
  })),
  ...(await reachableFiles({ entryPoints: ['src/webview/main.ts', 'src/webview/report.ts'], platform: 'browser' })),
];
const packages = new Set([...bundled.map(packageOf), ...nativePackages]);
const notices = await Promise.all([...packages].sort().map(notice));
await writeFile(
  path.join(dist, 'THIRD_PARTY_NOTICES.txt'),
  `EMMS Model Selector contains the following packages.\n\n${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`,
);

const { name, version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const vsix = path.resolve(options.out ?? path.join(root, 'out', `${name}-${options.target}-${version}.vsix`));
await mkdir(path.dirname(vsix), { recursive: true });
// What is packed lies in a folder of its own, since two of its files are other ones than here.
const packed = path.join(root, 'out/package');
await rm(packed, { recursive: true, force: true });
for (const name of ['package.json', 'LICENSE', 'media', 'dist', '.vscodeignore']) {
  await cp(path.join(root, name), path.join(packed, name), { recursive: true });
}
for (const name of ['README.md', 'CHANGELOG.md']) await writeFile(path.join(packed, name), await selfContained(name));
run(
  packed,
  path.join(modules, '@vscode/vsce/vsce'),
  'package',
  '--no-dependencies',
  // There is no public address that relative links could be completed with; `selfContained` leaves none.
  '--allow-missing-repository',
  '--no-rewrite-relative-links',
  ...['--target', options.target],
  ...['--out', vsix],
);
console.log(`${path.relative(root, vsix)}: ${((await stat(vsix)).size / 2 ** 20).toFixed(1)} MB`);
