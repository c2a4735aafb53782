import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { defaultCacheFolder } from '../../../../src/engine/cache/location.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it.skipIf(process.platform !== 'linux').each([
  ['/var/tmp/caches', '/var/tmp/caches/emms'],
  ['', path.join(os.homedir(), '.cache/emms')],
  ['caches', path.join(os.homedir(), '.cache/emms')],
])('XDG_CACHE_HOME %j puts the cache into %s, never into the workspace', (value, expected) => {
  vi.stubEnv('XDG_CACHE_HOME', value);
  expect(defaultCacheFolder()).toBe(expected);
});
