import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DownloadParams } from '../../protocol/engine.ts';
import { InputError } from '../errors.ts';
import { huggingFaceHome } from '../files/modelCaches.ts';

// What Hugging Face's libraries read from the environment, read as they read it.

const TRUE = /^(1|on|yes|true)$/i;

/** The hub, or a mirror of it. */
export function hubEndpoint(): string {
  return (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
}

/** Whether the person wants no traffic with the hub. */
export function isOffline(): boolean {
  return [process.env.HF_HUB_OFFLINE, process.env.TRANSFORMERS_OFFLINE].some((value) => TRUE.test(value ?? ''));
}

/** The person's token, from the environment or from where `hf auth login` keeps it. */
export async function hubToken(): Promise<string | undefined> {
  const { HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH } = process.env;
  const token = HF_TOKEN || HUGGING_FACE_HUB_TOKEN;
  if (token) return token.trim();
  const kept = await readFile(HF_TOKEN_PATH || path.join(huggingFaceHome(), 'token'), 'utf8').catch(() => '');
  return kept.trim() || undefined;
}

/**
 * The proxy to reach an address through: that of VS Code's settings, else from HTTP_PROXY, HTTPS_PROXY and NO_PROXY; small
 * letters win, as everywhere.
 * @throws InputError naming the setting or variable
 */
export function proxyOf({ protocol, hostname, port }: URL, setting?: DownloadParams['proxy']): string | undefined {
  const variable = protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const proxy = setting?.proxy || (process.env[variable] ?? process.env[variable.toUpperCase()]);
  const host = withoutBrackets(hostname);
  const hosts = [host, `${host}:${port || (protocol === 'https:' ? 443 : 80)}`];
  if (!proxy || exemptHosts(setting).some((exempt) => hosts.some((host) => isWithin(host, exempt)))) return undefined;
  const url = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    const name = setting?.proxy ? 'http.proxy' : variable.toUpperCase();
    throw new InputError(`${name}: no address of an HTTP proxy. Write it like http://host:port.`);
  }
  return url;
}

function exemptHosts(setting?: DownloadParams['proxy']): string[] {
  const said = setting?.noProxy.join(',') || (process.env.no_proxy ?? process.env.NO_PROXY ?? '');
  const names = said.toLowerCase().split(/[\s,]+/);
  return names.filter((name) => name !== '').map(withoutBrackets);
}

/** Whether a host is the one that NO_PROXY names, or below it: `example.com`, `.example.com` and `*.example.com` alike. */
function isWithin(host: string, exempt: string): boolean {
  const domain = exempt.replace(/^\*?\./, '');
  return exempt === '*' || host === domain || host.endsWith(`.${domain}`);
}

/** An address of IPv6 as it is written elsewhere than in URLs. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.+)\]$/, '$1');
}
