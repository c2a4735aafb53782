import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, inject, test } from 'vitest';

async function installedFiles(): Promise<string[]> {
  const entries = await readdir(inject('extensionFolder'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(inject('extensionFolder'), path.join(entry.parentPath, entry.name)));
}

describe('the VSIX', () => {
  test('is of a bearable size', async () => {
    const megabytes = (await stat(inject('vsix'))).size / 2 ** 20;
    console.log(`VSIX: ${megabytes.toFixed(1)} MB, ${(await installedFiles()).length} files`);
    expect(megabytes).toBeLessThan(60);
  });

  test('holds the native files of this platform only', async () => {
    const files = await installedFiles();
    const native = files.filter((file) => /\.(node|dll|dylib)$|\.so(\.[\d.]+)?$/.test(file));
    expect(native.length).toBeGreaterThanOrEqual(3);
    const here = [`${process.platform}/${process.arch}/`, `${process.platform}-${process.arch}/`];
    expect(native.filter((file) => !here.some((part) => file.includes(part)))).toEqual([]);
    const elsewhere = ['linux', 'darwin', 'win32', 'linuxmusl'].filter((name) => name !== process.platform);
    expect(files.filter((file) => elsewhere.some((name) => new RegExp(`\\b${name}\\b`).test(file)))).toEqual([]);
  });

  test('holds the product and nothing else', async () => {
    const files = await installedFiles();
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'dist/extension.cjs',
        'dist/engine.js',
        'dist/cli.js',
        'dist/webview.js',
        'dist/report.js',
        'dist/THIRD_PARTY_NOTICES.txt',
        'dist/node_modules/onnxruntime-node/package.json',
        'dist/node_modules/sharp/package.json',
      ]),
    );
    expect([...new Set(files.map((file) => file.split('/')[0]?.toLowerCase()))].sort()).toEqual(
      // .vsixmanifest is VS Code's own; the other names are as vsce writes them.
      ['.vsixmanifest', 'changelog.md', 'dist', 'license.txt', 'media', 'package.json', 'readme.md'],
    );
    expect(files.filter((file) => /\.map$|\.ts$|\/install\/|adm-zip|global-agent/.test(file))).toEqual([]);
  });

  test.each(['readme.md', 'changelog.md'])(
    'refers in %s to nothing that the page of an extension does not have',
    async (name) => {
      const text = await readFile(path.join(inject('extensionFolder'), name), 'utf8');
      const targets = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? '');
      expect(targets.length).toBeGreaterThan(0);
      expect(targets.filter((target) => !/^(https:|data:image\/png;base64,)/.test(target))).toEqual([]);
    },
  );
});
