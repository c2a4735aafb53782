/**
 * Run as a process of its own (see providers.ts): loads a one-node network with the execution provider named on the
 * command line and answers on the IPC channel. A driver that crashes takes this process with it, not the engine.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PbfWriter } from 'pbf';

process.once('disconnect', () => process.exit());
const provider = process.argv[2] ?? 'cpu';
try {
  const session = await InferenceSession.create(identity(), { executionProviders: [provider], logSeverityLevel: 4 });
  await session.run({ x: new Tensor('float32', Float32Array.of(1), [1]) });
  process.send?.({ works: true, detail: '' });
} catch (error) {
  process.send?.({ works: false, detail: error instanceof Error ? error.message : String(error) });
}

/** ModelProto { ir_version 8, opset 17, graph { node Relu(x) → y, float x[1], float y[1] } } */
function identity(): Uint8Array {
  const message = (fields: (writer: PbfWriter) => void) => {
    const writer = new PbfWriter();
    fields(writer);
    return writer.finish();
  };
  const shape = message((w) =>
    w.writeBytesField(
      1,
      message((dim) => dim.writeVarintField(1, 1)),
    ),
  );
  const tensorType = message((w) => {
    w.writeVarintField(1, 1);
    w.writeBytesField(2, shape);
  });
  const value = (name: string) =>
    message((w) => {
      w.writeStringField(1, name);
      w.writeBytesField(
        2,
        message((type) => type.writeBytesField(1, tensorType)),
      );
    });
  const node = message((w) => {
    w.writeStringField(1, 'x');
    w.writeStringField(2, 'y');
    w.writeStringField(4, 'Relu');
  });
  const graph = message((w) => {
    w.writeBytesField(1, node);
    w.writeStringField(2, 'probe');
    w.writeBytesField(11, value('x'));
    w.writeBytesField(12, value('y'));
  });
  return message((w) => {
    w.writeVarintField(1, 8);
    w.writeBytesField(7, graph);
    w.writeBytesField(
      8,
      message((opset) => opset.writeVarintField(2, 17)),
    );
  });
}
