import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { requireTensor } from '../../../../src/engine/checkpoints/requireTensor.ts';
import { classifier, onnxFile } from '../../../helpers/onnxGraph.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const blocks = (count: number) => Array.from({ length: count }, (_, block) => `blocks.${block}`);

/** What is said of a tensor that is not there. */
function messageAbout(tensor: string, names: readonly string[]): string {
  try {
    requireTensor(names, tensor, 'm.pth');
  } catch (error) {
    return String(error);
  }
  return 'nothing';
}

test('a tensor that is there is no error', () => {
  expect(messageAbout('blocks.1', blocks(2))).toBe('nothing');
});

test('of one that is not there, the names that are there are listed, in both kinds of files', async () => {
  expect(messageAbout('layer2', blocks(2))).toBe(
    'InputError: m.pth: there is no tensor "layer2" to read the features from. Name one of these: "blocks.0", "blocks.1".',
  );
  const folder = await temporaryFolder();
  const file = path.join(folder, 'm.onnx');
  await writeFile(file, onnxFile(classifier));
  await expect(openCheckpoint(file, folder, { modalities: ['image'], featurePoint: 'layer2' })).rejects.toThrow(
    'Name one of these: "conv", "relu", "pool", "flat", "y".',
  );
});

test('of many, those are listed that contain what was named, else the last ones', () => {
  expect(messageAbout('s.4', blocks(100))).toMatch(
    /one of its 100, such as "blocks\.4", "blocks\.40", .*"blocks\.49"\.$/,
  );
  const message = messageAbout('layer2', blocks(100_000));
  expect(message).toMatch(/one of its 100000, such as .*"blocks\.99999"\.$/);
  expect(message.length).toBeLessThan(600);
});

test('names out of a hostile file are cut short, and steer no terminal', () => {
  const message = messageAbout('x', [`\u001b[2J${'long'.repeat(100_000)}`]);
  expect(message).toContain('\\u001b');
  expect(message.length).toBeLessThan(300);
});
