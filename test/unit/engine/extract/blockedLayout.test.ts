import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { RunnableModel } from '../../../../src/engine/checkpoints/checkpoint.ts';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { layOutInBlocks } from '../../../../src/engine/extract/blockedLayout.ts';
import { readOnnxModel } from '../../../../src/engine/onnx/readModel.ts';
import { writeLargeWeights } from '../../../helpers/largeWeights.ts';
import { densenetShapes, resnetShapes, type Shapes } from '../../../helpers/shapes.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** What the runtime makes of a network as a whole. */
async function optimisedWhole(model: RunnableModel, folder: string): Promise<string> {
  const optimizedModelFilePath = path.join(folder, 'whole.onnx');
  const session = await InferenceSession.create(model.model, {
    logSeverityLevel: 4,
    optimizedModelFilePath,
    extra: {
      session: {
        model_external_initializers_file_folder_path: model.weightsFolder,
        optimized_model_external_initializers_file_name: 'whole.bin',
      },
    },
  });
  await session.release();
  return optimizedModelFilePath;
}

/** How many convolutions an ONNX file has, and changes of layout. */
function layoutOf(file: string): Record<string, number> {
  const { nodes } = readOnnxModel(file);
  const count = (wanted: string) => nodes.filter(({ op }) => op === wanted).length;
  return {
    convolutions: count('Conv'),
    norms: count('BatchNormalization'),
    in: count('ReorderInput'),
    out: count('ReorderOutput'),
  };
}

const NETWORKS: [string, Shapes][] = [
  ['ResNet-18', resnetShapes([2, 2, 2, 2], {})],
  ['DenseNet-21', densenetShapes([2, 2, 2, 2], 32, 64)],
];

it.each(NETWORKS)(
  '%s in pieces is fused and changes its layout as it does as a whole',
  async (architecture, shapes) => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'network.safetensors');
    await writeLargeWeights(file, shapes, 'F32');
    const checkpoint = await openCheckpoint(file, folder, { modalities: ['image'] });
    expect(checkpoint.architecture).toBe(architecture);
    const model = await checkpoint.loadModel();
    if (!model.inPlace) throw new Error('no graph');
    const { network } = model.inPlace;
    const merged = path.join(folder, 'merged.onnx');
    await writeFile(merged, await layOutInBlocks(network, network.outputs, model.weightsFolder, folder));
    expect(layoutOf(merged)).toEqual(layoutOf(await optimisedWhole(model, folder)));
  },
);
