// WebAssembly modules from AssemblyScript: `import binary from './kernels.wasm'` gives the compiled kernels/index.ts beside
// the importing file, in bundles (esbuild) and in tests (Vite) alike.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const EXTENSION = '.wasm';

/** @param {string} module the path of the .wasm that stands for the folder of the same name */
function folderOf(module) {
  return module.slice(0, -EXTENSION.length);
}

/**
 * @param {string} module
 * @returns {Promise<Uint8Array>}
 */
async function compile(module) {
  /** @type {Uint8Array | undefined} */
  let binary;
  const folder = folderOf(module);
  const { error, stderr } = await asc.main(
    [
      'index.ts',
      '--baseDir',
      folder,
      '--outFile',
      'out.wasm',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--optimizeLevel',
      '3',
    ],
    {
      readFile: (name, baseDir) => readFile(path.resolve(baseDir, name), 'utf8').catch(() => null),
      writeFile: (_name, contents) => {
        if (contents instanceof Uint8Array) binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`${folder} does not compile.\n${stderr}`);
  return binary;
}

/** @type {import('esbuild').Plugin} */
export const assemblyScriptForEsbuild = {
  name: 'assemblyscript',
  setup(build) {
    build.onResolve({ filter: /\.wasm$/ }, ({ path: name, resolveDir }) => ({
      path: path.join(resolveDir, name),
      namespace: 'assemblyscript',
    }));
    build.onLoad({ filter: /.*/, namespace: 'assemblyscript' }, async ({ path: module }) => {
      const folder = folderOf(module);
      const files = (await readdir(folder)).map((file) => path.join(folder, file));
      return { contents: await compile(module), loader: 'binary', watchDirs: [folder], watchFiles: files };
    });
  },
};

/** @type {import('vite').Plugin} */
export const assemblyScriptForVite = {
  name: 'assemblyscript',
  enforce: 'pre',
  resolveId: (name, importer) =>
    name.endsWith('.wasm') && importer ? path.join(path.dirname(importer), `${name}?assemblyscript`) : undefined,
  async load(id) {
    if (!id.endsWith('.wasm?assemblyscript')) return undefined;
    const binary = await compile(id.slice(0, -'?assemblyscript'.length));
    return `export default Uint8Array.from(atob('${Buffer.from(binary).toString('base64')}'), (c) => c.charCodeAt(0));`;
  },
};
