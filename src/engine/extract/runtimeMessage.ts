import { firstLineOf } from '../errors.ts';

/** Where in its own code the runtime gave up: a file, a line, a signature. */
const PLACE = /^.*?\.(?:cc|h):\d+ .*?\) (?=[A-Z])/;

/** What the runtime says where the person can do something about it, and what that is. */
const REMEDIES: readonly [RegExp, (...found: string[]) => string][] = [
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    (version, most) =>
      `its IR version ${version} is newer than the runtime. Set model.ir_version = ${most} with onnx, and save it again.`,
  ],
  [
    /Opset (\d+) is under development.* domain (\S+) is till opset (\d+)/,
    (version, domain, most) =>
      `opset ${version} of ${domain} is newer than the runtime. Export it with opset ${most} or an older one.`,
  ],
  [
    /(?:No Op registered for (\S+)|(\S+)\(-?\d+\) is not a registered function\/op)/,
    (standard, custom) =>
      `the runtime has no operator ${standard ?? custom}. Export the network with the operators of ONNX alone.`,
  ],
];

/** What ONNX Runtime says of a network that it can't load or run: what would help where that is known, else its own words. */
export function runtimeMessage(error: unknown): string {
  const whole = error instanceof Error ? error.message : '';
  for (const [pattern, remedy] of REMEDIES) {
    const found = pattern.exec(whole);
    if (found) return remedy(...found.slice(1));
  }
  return firstLineOf(whole === '' ? error : whole.replace(PLACE, ''));
}
