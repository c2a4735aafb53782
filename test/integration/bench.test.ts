import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from './engine.ts';

it('refuses to time a case that there is not, and names those that there are', () => {
  const args = ['scripts/bench.mjs', 'score', '--json', '--only', 'logme d=5012'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^--only logme d=5012: no such case\. .*logme d=512, .*all scores\.\n$/);
});
