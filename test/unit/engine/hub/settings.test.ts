import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { hubToken, proxyOf } from '../../../../src/engine/hub/settings.ts';
import { emptyHubHome } from '../../../helpers/hubServer.ts';

let home: string;

beforeEach(async () => {
  home = await emptyHubHome();
});

test('reads the token as the hub’s own tools do', async () => {
  expect(await hubToken()).toBeUndefined();
  await writeFile(path.join(home, 'token'), 'hf_kept\n');
  expect(await hubToken()).toBe('hf_kept');
  vi.stubEnv('HF_TOKEN', 'hf_said');
  expect(await hubToken()).toBe('hf_said');
});

test.each([
  [{}, undefined],
  [{ HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128'],
  [{ HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128'],
  [{ HTTPS_PROXY: 'https://me:secret@proxy' }, 'https://me:secret@proxy'],
  [{ HTTP_PROXY: 'http://proxy:3128' }, undefined],
  [{ HTTPS_PROXY: 'http://proxy', https_proxy: 'http://other' }, 'http://other'],
  [{ HTTPS_PROXY: 'http://proxy', https_proxy: '' }, undefined],
])('takes the proxy that %o names to https://hub.example.com', (environment, proxy) => {
  stubEnvironment(environment);
  expect(proxyOf(new URL('https://hub.example.com/model'))).toBe(proxy);
});

test('what the settings say comes before the environment, each by itself', () => {
  stubEnvironment({ HTTPS_PROXY: 'http://proxy', NO_PROXY: 'example.org' });
  const proxyTo = (host: string, proxy: string, noProxy: string[] = []) =>
    proxyOf(new URL(`https://${host}`), { proxy, noProxy });
  expect(proxyTo('example.com', 'http://other')).toBe('http://other');
  expect(proxyTo('example.com', '')).toBe('http://proxy');
  expect(proxyTo('example.org', 'http://other')).toBeUndefined();
  expect(proxyTo('example.org', 'http://other', ['example.com'])).toBe('http://other');
  expect(proxyTo('example.com', 'http://other', ['example.com'])).toBeUndefined();
  expect(() => proxyTo('example.com', 'socks5://me:secret@other')).toThrow(/^http\.proxy: no address of an HTTP proxy/);
});

test.each([
  ['*', 'http://hub.example.com', true],
  ['hub.example.com', 'http://HUB.example.com', true],
  ['EXAMPLE.com', 'http://hub.example.com', true],
  ['.example.com', 'http://hub.example.com', true],
  ['*.example.com', 'http://hub.example.com', true],
  ['ample.com', 'http://hub.example.com', false],
  ['hub.example.com.org, elsewhere', 'http://hub.example.com', false],
  ['elsewhere, example.com', 'http://hub.example.com', true],
  ['hub.example.com:80', 'http://hub.example.com', true],
  ['hub.example.com:80', 'http://hub.example.com:8080', false],
  ['hub.example.com:8080', 'http://hub.example.com:8080', true],
  ['127.0.0.1', 'http://127.0.0.1:5000', true],
  ['::1', 'http://[::1]:5000', true],
  ['[::1]', 'http://[::1]', true],
  ['', 'http://hub.example.com', false],
])('NO_PROXY=%s exempts %s: %s', (exempt, url, isExempt) => {
  stubEnvironment({ HTTP_PROXY: 'http://proxy', NO_PROXY: exempt });
  expect(proxyOf(new URL(url))).toBe(isExempt ? undefined : 'http://proxy');
});

function stubEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
}
