// The main job on the sample workspace: builds, ranks the sample's checkpoints for its dataset, and compares the ranking
// with the accuracies that fine-tuning gave (sample/known-accuracy.json).
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const out = path.join(root, 'out', 'sample');
const json = path.join(out, 'ranking.json');
const html = path.join(out, 'ranking.html');
mkdirSync(out, { recursive: true });

run('scripts/build.mjs');
run('dist/cli.js', 'rank', 'sample/data/fashion', `--json=${json}`, '--html', html);
process.stdout.write('\nAgreement with the accuracies after fine-tuning (sample/known-accuracy.json):\n');
run('dist/cli.js', 'evaluate', '--scores', json, '--truth', 'sample/known-accuracy.json');
process.stdout.write(`\nReport: ${html}\n        ${pathToFileURL(html)}\n`);

/** @param {string[]} args */
function run(...args) {
  try {
    execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  } catch {
    process.exit(1);
  }
}
