import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { listSupportedBackends } from 'onnxruntime-node';
import * as z from 'zod';
import type { Device } from '../../protocol/tasks.ts';
import { InputError } from '../errors.ts';

/** The execution provider that a ranking will use where it can, and why. */
export interface ProviderChoice {
  readonly provider: string;
  readonly reason: string;
  /** Whether a person asked for this provider, so that it is used without being compared with the CPU first. */
  readonly asked: boolean;
}

/** GPU providers, the fastest first. */
const GPU_PROVIDERS = ['cuda', 'coreml', 'dml', 'webgpu'];
const PROBE_SECONDS = 20;

const probeSchema = z.object({ works: z.boolean(), detail: z.string() });
type Probe = z.infer<typeof probeSchema>;

/**
 * Chooses where inference runs.
 * @throws InputError when a person asked for a provider that doesn't work here
 */
export async function chooseProvider(device: Device): Promise<ProviderChoice> {
  if (device === 'cpu') return { provider: 'cpu', reason: 'asked for', asked: true };
  const supported = listSupportedBackends().map(({ name }) => name);
  if (device !== 'auto') {
    const { works, detail } = supported.includes(device)
      ? await probe(device)
      : { works: false, detail: `this build of ONNX Runtime has only ${supported.join(', ')}` };
    if (!works) throw new InputError(`device ${device}: not usable here (${detail}). Use auto or cpu.`);
    return { provider: device, reason: 'asked for', asked: true };
  }
  const failures: string[] = [];
  for (const provider of GPU_PROVIDERS.filter((name) => supported.includes(name))) {
    const { works, detail } = await probe(provider);
    if (works) return { provider, reason: `${provider} works on this machine`, asked: false };
    failures.push(`${provider}: ${detail}`);
  }
  return {
    provider: 'cpu',
    reason: `no GPU provider works here (${failures.join('; ') || 'none is included'})`,
    asked: false,
  };
}

/** Tries a provider in a process of its own: a missing library makes it fail there, a bad driver may crash it. */
function probe(provider: string): Promise<Probe> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('./probe.js', import.meta.url)), [provider], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    const timer = setTimeout(
      () => finish({ works: false, detail: `no answer within ${PROBE_SECONDS} s` }),
      PROBE_SECONDS * 1000,
    );
    const finish = (answer: Probe) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve({ ...answer, detail: concise(answer.detail) });
    };
    child.once('message', (message) => {
      const answer = probeSchema.safeParse(message);
      finish(answer.success ? answer.data : { works: false, detail: 'an answer that was not understood' });
    });
    child.once('error', (error) => finish({ works: false, detail: error.message }));
    child.once('exit', (code, signal) =>
      finish({ works: false, detail: `it crashed (${signal ?? `exit code ${code}`})` }),
    );
  });
}

/** ONNX Runtime's messages start with the place in its source code; people need the end. */
function concise(detail: string): string {
  const line = detail.split('\n').find((text) => text.trim() !== '') ?? '';
  return (line.match(/was false\. (.*)$/)?.[1] ?? line).slice(0, 200);
}
