import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

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
  const { HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
  const token = HF_TOKEN || HUGGING_FACE_HUB_TOKEN;
  if (token) return token.trim();
  const home = HF_HOME || path.join(XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'huggingface');
  const kept = await readFile(HF_TOKEN_PATH || path.join(home, 'token'), 'utf8').catch(() => '');
  return kept.trim() || undefined;
}
