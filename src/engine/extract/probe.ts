/**
 * Run as a process of its own (see providers.ts): loads a one-node network with the execution provider named on the
 * command line and answers on the IPC channel. A driver that crashes takes this process with it, not the engine.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf } from '../errors.ts';
import { writeModel } from '../onnx/writeModel.ts';

process.once('disconnect', () => process.exit());
const provider = process.argv[2] ?? 'cpu';
const model = writeModel({
  nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
  inputs: [{ name: 'x', type: 'float32', shape: [1] }],
  outputs: ['y'],
});
try {
  const session = await InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 4 });
  await session.run({ x: new Tensor('float32', Float32Array.of(1), [1]) });
  process.send?.({ works: true, detail: '' });
} catch (error) {
  process.send?.({ works: false, detail: messageOf(error) });
}
