import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { requests } from '../../src/protocol/engine.ts';
import { classifier, onnxFile } from '../helpers/onnxGraph.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';
import { rankSample, sample, startEngine } from './engine.ts';

const CLASSES = ['<img src=x onerror=alert(1)>', 'it\'s "quoted" & more', '猫 и собака'];
const CHECKPOINT = '<img src=x onerror=alert(2)>.onnx';

/** A workspace with everything that goes wrong on people's disks, beside a dataset and a checkpoint that are fine. */
async function hostileWorkspace(): Promise<string> {
  const workspace = await temporaryFolder();
  for (const [index, name] of CLASSES.entries()) {
    const folder = path.join(workspace, 'data', name);
    await mkdir(folder, { recursive: true });
    for (let image = 0; image < 12; image += 1) {
      const noise = Buffer.from(
        Array.from({ length: 28 * 28 }, (_, pixel) => (pixel * (index + 2) * 7 + image * 31) % 256),
      );
      await sharp(noise, { raw: { width: 28, height: 28, channels: 1 } })
        .png()
        .toFile(path.join(folder, `${image}.png`));
    }
  }
  const [first = ''] = CLASSES;
  const whole = await readFile(path.join(workspace, 'data', first, '0.png'));
  await writeFile(path.join(workspace, 'data', first, 'truncated.png'), whole.subarray(0, whole.length / 2));
  await writeFile(path.join(workspace, 'data', first, 'text.png'), 'this is no image');
  await writeFile(path.join(workspace, 'data', first, 'nothing.png'), '');
  await symlink(path.join(workspace, 'data'), path.join(workspace, 'data', first, 'loop'));

  const models = path.join(workspace, 'models');
  await mkdir(models);
  const good = path.join(sample, 'checkpoints', 'resnet-digits.onnx');
  await cp(path.join(sample, 'checkpoints', 'preprocessor_config.json'), path.join(models, 'preprocessor_config.json'));
  await cp(good, path.join(models, CHECKPOINT));
  const bytes = await readFile(good);
  await writeFile(path.join(models, 'truncated.onnx'), bytes.subarray(0, bytes.length / 2));
  await writeFile(path.join(models, 'empty.onnx'), '');
  await writeFile(
    path.join(models, 'tokens.onnx'),
    onnxFile({ ...classifier, input: { name: 'ids', type: 7, shape: ['N', 'T'] } }),
  );
  await writeFile(
    path.join(models, 'broken-weights.onnx'),
    onnxFile({ ...classifier, weights: { ...classifier.weights, 'head.w': [5, 4] } }),
  );
  const zeroOverZero = { op: 'Div', inputs: ['conv', 'conv'], output: 'relu' };
  await writeFile(
    path.join(models, 'not-a-number.onnx'),
    onnxFile({ ...classifier, nodes: classifier.nodes.map((node) => (node.op === 'Relu' ? zeroOverZero : node)) }),
  );
  return workspace;
}

it('a dataset without one readable image is refused with the first reason, not skipped model by model', async () => {
  const folder = path.join(await temporaryFolder(), 'data');
  for (const name of ['cat', 'dog']) {
    await mkdir(path.join(folder, name), { recursive: true });
    for (const image of ['1.png', '2.png']) await writeFile(path.join(folder, name, image), 'this is no image');
  }
  const ranking = startEngine().connection.sendRequest(requests.rank.method, rankSample(null, { dataset: folder }));
  await expect(ranking).rejects.toThrow(`${folder}: none of its 4 samples can be read.`);
});

describe('a workspace in which much is broken', () => {
  it('is ranked as far as it goes, and every broken thing is named with the reason', async () => {
    const workspace = await hostileWorkspace();
    const engine = startEngine();
    const params = rankSample(await temporaryFolder(), { workspace, dataset: path.join(workspace, 'data') });
    const report = requests.rank.result.parse(await engine.connection.sendRequest(requests.rank.method, params));

    expect(report.candidates.map(({ id }) => id)).toEqual([`models/${CHECKPOINT}`]);
    expect(report.dataset).toMatchObject({ classes: 3, samples: 36 });
    const reasons = Object.fromEntries(report.skipped.map(({ path: file, reason }) => [path.basename(file), reason]));
    expect(reasons).toEqual({
      'truncated.onnx': expect.stringContaining('not a whole ONNX file'),
      'empty.onnx': expect.stringContaining('empty (0 bytes)'),
      'tokens.onnx': expect.stringContaining('is no image'),
      'broken-weights.onnx': expect.stringMatching(/\w+/),
      'not-a-number.onnx': expect.stringMatching(/^feature 0 of sample \d+, .+\.png, is NaN\. The weights/),
      'truncated.png': expect.stringContaining("can't be read"),
      'text.png': expect.stringContaining("can't be read"),
      'nothing.png': expect.stringContaining("can't be read"),
    });
    expect(report.warnings).toEqual(['3 of 39 samples could not be read and were left out.']);
  });
});
