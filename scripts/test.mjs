// Everything that must hold before a change lands (`npm test`): lint, types, dead code, then every test. The last line
// is a count of the tests, for people and for continuous integration.
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const results = path.join(root, 'out/test-results');
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');

/** Runs a step with its output shown; gives whether it went well. */
function step(name, command, ...args) {
  console.log(`\n--- ${name}`);
  const began = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(
    `--- ${name}: ${status === 0 ? 'done' : 'FAILED'} in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  return status === 0;
}

function mustPass(name, command, ...args) {
  if (!step(name, command, ...args)) process.exit(1);
}

/** Runs the tests of some projects, and counts them. */
async function test(name, ...args) {
  const file = path.join(results, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const good = step(`${name} tests`, process.execPath, vitest, 'run', ...reporters, ...args);
  const counts = await readFile(file, 'utf8').then(JSON.parse, () => ({}));
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = counts;
  const { numPendingTests: pending = 0, numTodoTests: todo = 0 } = counts;
  // What fails outside of a test (a file that can't be loaded, a setup) counts as one failure.
  return { passed, failed: good ? failed : Math.max(failed, 1), skipped: pending + todo };
}

await rm(results, { recursive: true, force: true });
await mkdir(results, { recursive: true });
mustPass('system packages', 'bash', 'scripts/system-packages.sh');
mustPass('check', 'npm', 'run', '--silent', 'check');
mustPass('build', 'npm', 'run', '--silent', 'build');
const runs = [
  await test('unit-and-integration', '--project=unit', '--project=integration', '--coverage'),
  await test('end-to-end', '--project=e2e'),
];

const sum = (key) => runs.reduce((total, counts) => total + counts[key], 0);
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped}`);
process.exitCode = sum('failed') > 0 || runs.some(({ passed }) => passed === 0) ? 1 : 0;
