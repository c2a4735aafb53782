import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { npyLabels, npyMatrix, readNpy, writeNpy } from '../../src/engine/npy.ts';
import { discoverySchema } from '../../src/protocol/discovery.ts';
import { rankingReportSchema } from '../../src/protocol/report.ts';
import { scoreIdSchema } from '../../src/protocol/scores.ts';
import { miniature } from '../helpers/miniatures.ts';
import { candidate, report } from '../helpers/report.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';
import { dataset, root, sample } from './engine.ts';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const CLI = path.join(root, 'dist', 'cli.js');

/** Runs `emms` with a cache of its own. */
async function emms(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
  const env = { ...process.env, XDG_CACHE_HOME: await temporaryFolder(), ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const golden = path.join(root, 'test', 'fixtures', 'golden');
const relative = (actual: number, expected: number) => Math.abs(actual - expected) / Math.abs(expected);

describe('emms', () => {
  it('shows its commands, and ends with 2 when it is called in a wrong way', async () => {
    expect(await emms(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('emms rank <dataset>') });
    expect(await emms([])).toMatchObject({ code: 2 });
    expect(await emms(['rink'])).toMatchObject({ code: 2, stderr: expect.stringContaining('no such command') });
    expect(await emms(['rank'])).toMatchObject({ code: 2 });
    expect(await emms(['rank', dataset, '--limit', 'many'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--limit many'),
    });
    expect(await emms(['rank', dataset, '--colour'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--colour'),
    });
    expect(await emms(['rank', dataset, '--metric', 'luck'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('luck'),
    });
  });

  it('ends with 3 and one line that names file and remedy when there is nothing to rank', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'notes.txt');
    await writeFile(file, '');
    for (const args of [
      ['rank', folder],
      ['rank', file],
      ['rank', path.join(folder, 'gone')],
      ['rank', dataset, '--checkpoints', folder],
      ['rank', dataset, '--checkpoints', path.join(folder, 'gone.onnx')],
      ['discover', path.join(folder, 'gone')],
      ['discover', file],
    ]) {
      const { code, stdout, stderr } = await emms(args);
      expect(code).toBe(3);
      expect(stdout).toBe('');
      expect(stderr).toContain(folder);
      expect(stderr.trim().split('\n').at(-1)).toMatch(/^emms: /);
    }
    const { stderr } = await emms(['rank', dataset, '--checkpoints', folder]);
    expect(stderr).toMatch(/no checkpoints .* name their folder with --checkpoints\.$/m);
  });
});

describe('emms discover', () => {
  it('prints one JSON document', async () => {
    const { code, stdout } = await emms(['discover', sample, '--json']);
    expect(code).toBe(0);
    expect(discoverySchema.parse(JSON.parse(stdout)).datasets[0]?.splits).toMatchObject({ train: expect.any(Number) });
  });
});

describe('emms rank', () => {
  it('writes the same ranking as table, JSON, CSV and HTML', async () => {
    const out = await temporaryFolder();
    const [json, csv, html] = ['r.json', 'r.csv', 'r.html'].map((name) => path.join(out, name));
    const args = [
      'rank',
      dataset,
      '--limit',
      '300',
      '--device',
      'cpu',
      `--json=${json}`,
      '--csv',
      `${csv}`,
      '--html',
      `${html}`,
    ];
    const { code, stdout } = await emms([...args, '--also', 'emms:exact']);
    expect(code).toBe(0);
    const report = rankingReportSchema.parse(JSON.parse(await readFile(`${json}`, 'utf8')));
    const names = report.candidates.map(({ name }) => name);
    const rows = stdout.split('\n').flatMap((line) => line.match(/^ +\d+ {2}(\S+)/)?.[1] ?? []);
    expect(rows).toEqual(names);
    expect(stdout).toMatch(/^rank .* emms:exact$/m);
    expect(
      (await readFile(`${csv}`, 'utf8'))
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.split(',')[2]),
    ).toEqual(names);
    expect(await readFile(`${html}`, 'utf8')).toContain(JSON.stringify(names[0]));
    expect(Object.keys(report.candidates[0]?.metrics ?? {})).toEqual(['emms', 'emms:exact']);
  });

  it('prints JSON and nothing else, and the same for checkpoints that are named', async () => {
    const checkpoints = ['resnet-digits.onnx', 'cnn-digits.onnx'].map((name) => path.join(sample, 'checkpoints', name));
    const { stdout } = await emms([
      'rank',
      dataset,
      '--checkpoints',
      ...checkpoints,
      '--limit',
      '200',
      '--device',
      'cpu',
      '--json',
    ]);
    const report = rankingReportSchema.parse(JSON.parse(stdout));
    expect(report.candidates.map(({ path: file }) => file).sort()).toEqual(checkpoints.sort());
    expect(report.dataset).toMatchObject({ samples: 200, split: 'train' });
  });

  it('finds the checkpoints of the workspace that the dataset lies in', async () => {
    const workspace = await temporaryFolder();
    await mkdir(path.join(workspace, 'models'));
    await writeFile(path.join(workspace, 'requirements.txt'), '');
    for (const name of ['cnn-digits.onnx', 'preprocessor_config.json']) {
      await cp(path.join(sample, 'checkpoints', name), path.join(workspace, 'models', name));
    }
    for (const name of ['Bag', 'Coat']) {
      await cp(path.join(dataset, 'test', name), path.join(workspace, 'data', 'two', name), { recursive: true });
    }
    const { stdout } = await emms(['rank', path.join(workspace, 'data', 'two'), '--json', '--device', 'cpu']);
    const report = rankingReportSchema.parse(JSON.parse(stdout));
    expect(report).toMatchObject({ workspace, dataset: { id: 'data/two', classes: 2, split: null } });
    expect(report.candidates.map(({ id }) => id)).toEqual(['models/cnn-digits.onnx']);
  });

  // A busy machine can be late; what is broken is late three times.
  it('is cancelled by an interrupt within a second, with exit code 130', { retry: 2 }, async () => {
    const child = spawn(process.execPath, [CLI, 'rank', dataset, '--no-cache', '--device', 'cpu'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'exit');
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (chunk) => String(chunk).includes('Extracting features: ') && resolve());
    });
    const began = performance.now();
    child.kill('SIGINT');
    const [code] = await exited;
    expect(code).toBe(130);
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('runs on WebGPU where its features agree with the CPU’s, and says so', async () => {
    // Chromium's software Vulkan driver stands in for a graphics card.
    const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
    const environment = { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver };
    const { stdout, stderr } = await emms(['rank', dataset, '--limit', '20', '--json'], environment);
    const report = rankingReportSchema.parse(JSON.parse(stdout), { error: () => stderr });
    expect(report.device).toMatchObject({ requested: 'auto', used: 'webgpu' });
    expect(report.device.reason).toContain('agrees with the CPU');
    const cpu = await emms(['rank', dataset, '--limit', '20', '--json', '--device', 'cpu']);
    const expected = new Map(
      rankingReportSchema.parse(JSON.parse(cpu.stdout)).candidates.map(({ id, score }) => [id, score]),
    );
    for (const { id, score } of report.candidates) expect(score).toBeCloseTo(expected.get(id) ?? Number.NaN, 2);
  }, 600_000);

  it('says why, when a GPU that was asked for is not there', async () => {
    const environment = { VK_DRIVER_FILES: '/dev/null', VK_ICD_FILENAMES: '/dev/null' };
    const forced = await emms(['rank', dataset, '--device', 'webgpu'], environment);
    expect(forced).toMatchObject({ code: 3, stderr: expect.stringContaining('device webgpu: not usable here') });
    const { stdout } = await emms(['rank', dataset, '--limit', '50', '--json'], environment);
    expect(rankingReportSchema.parse(JSON.parse(stdout)).device).toMatchObject({
      used: 'cpu',
      reason: expect.stringContaining('webgpu'),
    });
  });
});

describe('scores by name', () => {
  it('are listed in the help of the commands that take them, with what they need', async () => {
    for (const command of ['rank', 'score']) {
      const { code, stdout } = await emms([command, '--help']);
      expect(code).toBe(0);
      for (const id of scoreIdSchema.options)
        expect(stdout).toMatch(new RegExp(`^  ${id}: .*\\n      Needs class labels`, 'm'));
      expect(stdout).toContain('pactran: gaussian, dirichlet (needs source probabilities)');
    }
  });

  it('are refused before any network runs where they are not defined for the labels', async () => {
    const voc = miniature('VOCdevkit/VOC2007');
    const checkpoints = path.join(sample, 'checkpoints');
    const refused = await emms(['rank', voc, '--checkpoints', checkpoints, '--metric', 'transrate']);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('Scores for these: emms, logme, knn,') });
    expect(refused.stderr).not.toContain('Extracting');
    const served = await emms(['rank', voc, '--checkpoints', checkpoints, '--also', 'gbc,knn', '--json']);
    const { warnings, candidates } = rankingReportSchema.parse(JSON.parse(served.stdout));
    expect(warnings).toContain('gbc: GBC needs class labels; these are several labels per sample.');
    for (const candidate of candidates) {
      expect(Object.keys(candidate.metrics)).toEqual(['emms', 'knn']);
      expect(candidate.warnings.join()).not.toContain('GBC');
    }
  });
});

describe('emms extract and emms score', () => {
  it('give the score of the ranking, step by step', async () => {
    const out = await temporaryFolder();
    const [X = '', y = '', L = '', P = ''] = ['X', 'y', 'L', 'P'].map((name) => path.join(out, `${name}.npy`));
    const checkpoint = path.join(sample, 'checkpoints', 'resnet-digits.onnx');
    const common = [dataset, '--limit', '250', '--device', 'cpu'];
    const written = ['--out', X, '--labels', y, '--logits', L, '--probabilities', P];
    expect((await emms(['extract', ...common, '--checkpoint', checkpoint, ...written])).code).toBe(0);
    expect((await readNpy(L)).shape).toEqual((await readNpy(P)).shape);
    const arrays = ['--features', X, '--labels', y];
    const scored = await emms(['score', 'emms', ...arrays, '--variant', 'cv', '--interval', '--json']);
    const ranked = await emms(['rank', ...common, '--checkpoints', checkpoint, '--also', 'leep', '--json']);
    const { score, interval, metrics } = rankingReportSchema.parse(JSON.parse(ranked.stdout)).candidates[0] ?? {};
    expect(JSON.parse(scored.stdout)).toMatchObject({ metric: 'emms', variant: 'cv', score, interval });
    const plain = await emms(['score', 'emms', ...arrays]);
    expect(plain.stdout).toBe(`emms (cv): ${score}\n`);
    const leep = await emms(['score', 'leep', ...arrays, '--source-probabilities', P]);
    expect(leep.stdout).toBe(`leep (paper): ${metrics?.leep}\n`);
  });

  it('give the interval of a score that is computed anew without some of the samples', async () => {
    const folder = path.join(golden, 'plain');
    const embeddings = ['--label-embeddings', path.join(folder, 'label_embeddings.npy')];
    const arrays = ['--features', path.join(folder, 'features.npy'), '--labels', path.join(folder, 'labels.npy')];
    for (const variant of ['classification', 'regression']) {
      const chosen = ['--variant', variant, '--interval', '--json'];
      const { stdout } = await emms(['score', 'logme', ...arrays, ...embeddings, ...chosen]);
      const { score, interval } = JSON.parse(stdout);
      expect(interval[0]).toBeLessThan(score);
      expect(interval[1]).toBeGreaterThan(score);
      expect(interval[1] - interval[0]).toBeLessThan(0.5);
    }
  });

  it('write several labels per sample as 0 and 1, and none where there are no classes', async () => {
    const out = await temporaryFolder();
    const [X = '', y = ''] = ['X.npy', 'y.npy'].map((name) => path.join(out, name));
    const checkpoint = path.join(sample, 'checkpoints', 'resnet-digits.onnx');
    const written = ['--checkpoint', checkpoint, '--device', 'cpu', '--out', X, '--labels', y];
    expect(await emms(['extract', miniature('VOCdevkit/VOC2007'), ...written])).toMatchObject({ code: 0 });
    const { multiLabels } = npyLabels(await readNpy(y));
    const { rows } = npyMatrix(await readNpy(X));
    expect(multiLabels).toMatchObject({ rows, cols: 3 });
    expect([...(multiLabels?.data ?? [])].filter((value) => value === 1).length).toBeGreaterThan(rows);
    expect(await emms(['extract', miniature('coco-captions'), ...written])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no classes'),
    });
  });

  it.each(['plain', 'k1', 'caption'])('agree with the published code on the golden case %s', async (name) => {
    const expected = JSON.parse(await readFile(path.join(golden, 'golden.json'), 'utf8'))[name];
    const files = [
      '--features',
      path.join(golden, name, 'features.npy'),
      '--label-embeddings',
      path.join(golden, name, 'label_embeddings.npy'),
    ];
    if (expected.kind === 'classification') files.push('--labels', path.join(golden, name, 'labels.npy'));
    for (const variant of ['reference', 'paper'] as const) {
      const { stdout } = await emms(['score', 'emms', ...files, '--variant', variant, '--json']);
      const { score, weights, seconds } = JSON.parse(stdout);
      expect(relative(score, expected.emms[variant])).toBeLessThan(1e-6);
      for (const [k, weight] of expected.emms.lambda_.entries())
        expect(Math.abs(weights[k] - weight)).toBeLessThan(1e-6);
      expect(seconds).toBeGreaterThan(0);
    }
  });

  it('name the files of arrays that are no evidence, and the sample', async () => {
    const folder = await temporaryFolder();
    const [features, labels] = [path.join(folder, 'X.npy'), path.join(folder, 'y.npy')];
    await writeNpy(features, { shape: [4, 1], data: Float64Array.of(1, 2, Number.NaN, 4) });
    await writeNpy(labels, { shape: [4], data: Int32Array.of(0, 1, 0, 1) });
    expect(await emms(['score', 'emms', '--features', features, '--labels', labels])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`${features}, ${labels}: Sample 2 has the feature NaN`),
    });
  });

  it('name the file that can’t be read', async () => {
    const file = path.join(await temporaryFolder(), 'X.npy');
    expect(await emms(['score', 'emms', '--features', file])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(file),
    });
    await writeFile(file, 'no array');
    expect(await emms(['score', 'emms', '--features', file])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(file),
    });
  });
});

describe('emms evaluate', () => {
  it('agrees with SciPy and the published code on the golden cases, ties included', async () => {
    const folder = await temporaryFolder();
    const cases = JSON.parse(await readFile(path.join(golden, 'golden.json'), 'utf8')).rank_correlations;
    for (const expected of cases) {
      const [scores, truth] = [expected.scores, expected.accuracies].map((values: number[]) =>
        JSON.stringify(Object.fromEntries(values.map((value, index) => [`model${index}`, value]))),
      );
      await writeFile(path.join(folder, 's.json'), `${scores}`);
      await writeFile(path.join(folder, 't.json'), `${truth}`);
      const { stdout } = await emms([
        'evaluate',
        '--scores',
        path.join(folder, 's.json'),
        '--truth',
        path.join(folder, 't.json'),
        '--json',
      ]);
      const agreement = JSON.parse(stdout);
      for (const measure of ['weightedTau', 'kendallTau', 'pearson', 'weightedPearson']) {
        expect(Math.abs(agreement[measure] - expected[measure])).toBeLessThan(1e-9);
      }
    }
  });

  it('keeps candidates of one name apart by their ids, and names the files whose models differ', async () => {
    const folder = await temporaryFolder();
    const [scores = '', truth = ''] = ['report.json', 'truth.json'].map((name) => path.join(folder, name));
    const candidates = [
      candidate(1, 'model', { id: 'a/model.onnx' }),
      candidate(2, 'other'),
      candidate(3, 'model', { id: 'b/model.onnx' }),
    ];
    await writeFile(scores, JSON.stringify(report(candidates)));
    await writeFile(truth, JSON.stringify({ 'a/model.onnx': 3, other: 2, 'b/model.onnx': 1 }));
    const { stdout } = await emms(['evaluate', '--scores', scores, '--truth', truth, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ kendallTau: 1, models: 3, missingScores: [], missingTruth: [] });
    await writeFile(truth, JSON.stringify({ other: 2 }));
    expect(await emms(['evaluate', '--scores', scores, '--truth', truth])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`${scores}, ${truth}: Scores and known accuracies have 1 model in common`),
    });
  });
});
