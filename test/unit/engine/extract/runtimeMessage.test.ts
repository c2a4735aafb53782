import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { runtimeMessage } from '../../../../src/engine/extract/runtimeMessage.ts';
import { classifier, onnxFile, type TestGraph } from '../../../helpers/onnxGraph.ts';

const FANCY = { op: 'FancyOp', inputs: ['x'], output: 'y' };

test.each<[string, Partial<TestGraph>, RegExp]>([
  ['a newer format', { irVersion: 99 }, /^its IR version 99 is newer .* Set model.ir_version = \d+ with onnx/],
  ['a newer opset', { opset: 99 }, /^opset 99 of ai.onnx is newer .* Export it with opset \d+ or an older one/],
  ['an unknown operator', { nodes: [FANCY] }, /^the runtime has no operator FancyOp\. Export/],
  [
    'an operator of another library',
    { nodes: [{ ...FANCY, domain: 'com.acme' }] },
    /no operator com\.acme:FancyOp\. Export/,
  ],
  ['weights that are missing', { weights: {} }, /^Invalid model\. Node input 'conv\.w' is not/],
])('%s is told without the places in the runtime', async (_, change, expected) => {
  const error = await InferenceSession.create(onnxFile({ ...classifier, ...change }), { logSeverityLevel: 4 }).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(Error);
  expect(runtimeMessage(error)).toMatch(expected);
  expect(runtimeMessage(error)).not.toMatch(/onnxruntime_src|\n/);
});
