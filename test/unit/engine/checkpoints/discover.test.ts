import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCheckpoints, openCheckpoints, resolveCheckpoints } from '../../../../src/engine/checkpoints/discover.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import { CHECKPOINT_ENDINGS, OTHER_CHECKPOINT_ENDINGS } from '../../../../src/protocol/checkpointEndings.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** Names that are taken for checkpoints among these, relative to the folder that holds them. */
async function found(...names: string[]): Promise<string[]> {
  const folder = await temporaryFolder();
  for (const name of names) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), '');
  }
  return (await resolveCheckpoints([folder])).files.map((file) =>
    path.relative(folder, file).split(path.sep).join('/'),
  );
}

describe('the checkpoints in a folder', () => {
  const published = [
    'b.pth',
    'c.PT',
    'd.ckpt',
    'e.th',
    'f.pth.tar',
    'g/pytorch_model.bin',
    'h/open_clip_pytorch_model.bin',
    'i/model.safetensors',
  ];

  it('are those of every container, at any depth', async () => {
    expect((await found('a.onnx', ...published)).sort()).toEqual(['a.onnx', ...published]);
  });

  it('are told to be incomplete where a folder holds too much to be searched, wherever they are looked for', async () => {
    const folder = await temporaryFolder();
    const deep = path.join(folder, 'd/'.repeat(33));
    await mkdir(deep, { recursive: true });
    for (const place of [folder, deep]) await writeFile(path.join(place, 'a.onnx'), '');
    const expected = {
      files: [path.join(folder, 'a.onnx')],
      skipped: [{ path: folder, reason: expect.stringContaining('only a part was searched') }],
    };
    expect(await resolveCheckpoints([folder])).toEqual(expected);
    const elsewhere = await walk(await temporaryFolder());
    expect(await findCheckpoints(await walk(folder), { checkpointFolders: [], modelCaches: false })).toEqual(expected);
    expect(await findCheckpoints(elsewhere, { checkpointFolders: [folder], modelCaches: false })).toEqual(expected);
  });

  it('end as the protocol says, so that an editor sees them come and go', () => {
    for (const name of ['a.onnx', ...published]) {
      expect(CHECKPOINT_ENDINGS.filter((ending) => name.toLowerCase().endsWith(ending))).not.toEqual([]);
    }
  });

  it('are neither what training keeps beside the weights nor the shards of an index', async () => {
    const beside = [
      'optimizer.pt',
      'scheduler.pt',
      'rng_state_0.pth',
      'training_args.bin',
      'zero_pp_rank_0_mp_rank_00_optim_states.pt',
    ];
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const index = 'model.safetensors.index.json';
    expect(await found(...beside, ...shards, index, 'data.bin', 'config.json')).toEqual([index]);
  });

  it('are one where the same weights lie in several containers', async () => {
    expect(await found('pytorch_model.bin', 'model.safetensors', 'model.onnx')).toEqual([
      'model.onnx',
      'model.safetensors',
    ]);
    expect(await found('net.pt', 'net.pth', 'other.pt')).toEqual(['net.pth', 'other.pt']);
  });

  const unread = [
    'a/tf_model.h5',
    'b/flax_model.msgpack',
    'c/vgg16_weights_tf_dim_ordering.h5',
    'd/best_model.hdf5',
    'e/net.weights.h5',
    'f/net.keras',
    'g/saved_model.pb',
    'h/frozen_inference_graph.pb',
    'i/bert_model.ckpt.index',
    'j/net.tflite',
    'k.mlpackage/Data/com.apple.CoreML/model.mlmodel',
    'l/net.torchscript',
    'm/net-00001-of-00002.gguf',
    'n/net.pt2',
    'o/__0_0.distcp',
    'p/net.engine',
    'q/net.ort',
    'r/net.pdparams',
    's/adapter_model.safetensors',
    't/adapter_model.bin',
  ];

  it('are listed where they can’t be read, once for each network', async () => {
    const data = ['train_catvnoncat.h5', 'modelnet40.h5', 'model_outputs.h5', 'keras_metadata.pb', 'data.index'];
    const later = ['m/net-00002-of-00002.gguf', 'o/__1_0.distcp', 'a/flax_model.msgpack', 'f/net.tflite'];
    expect((await found(...unread, ...data, ...later)).sort()).toEqual(unread);
    for (const name of unread) {
      expect(
        [...CHECKPOINT_ENDINGS, ...OTHER_CHECKPOINT_ENDINGS].filter((ending) => name.endsWith(ending)),
      ).not.toEqual([]);
    }
  });

  it('are not listed beside a copy that can be read', async () => {
    const others = ['tf_model.h5', 'flax_model.msgpack', 'model.keras'];
    expect(await found('model.safetensors', ...others, 'other.gguf')).toEqual(['model.safetensors', 'other.gguf']);
    const exported = ['saved_model/1/saved_model.pb', 'coreml/x/float32.mlpackage/Data/model.mlmodel', 'q4.gguf'];
    expect(await found('config.json', 'pytorch_model.bin', ...others, ...exported)).toEqual(['pytorch_model.bin']);
    expect(await found('net.onnx', 'net.tflite')).toEqual(['net.onnx']);
    expect(await found('config.json', ...exported)).toHaveLength(3);
  });

  it('are the models of the Hugging Face cache, not what its datasets hold', async () => {
    const model = 'hub/models--a--b/snapshots/0a/model.safetensors';
    expect(await found(model, 'hub/datasets--a--b/snapshots/0a/train.pt', 'hub/spaces--a--b/x.pth')).toEqual([model]);
  });

  it('say what they are and what would make them rankable', async () => {
    const folder = await temporaryFolder();
    const contents = {
      'tf_model.h5': '\x89HDF\r\n',
      'net.gguf': 'GGUF',
      'net.tflite': '\0\0\0\0TFL3',
      'adapter_model.bin': 'PK',
      'net.keras': 'version https://git-lfs.github.com/spec/v1',
    };
    const files = Object.keys(contents).map((name) => path.join(folder, name));
    for (const [name, content] of Object.entries(contents)) {
      await writeFile(path.join(folder, name), content, 'latin1');
    }
    const { checkpoints, skipped } = await openCheckpoints(files, folder, { modalities: ['image'] });
    expect(checkpoints).toEqual([]);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      'weights for TensorFlow in the names of Hugging Face. Save them as safetensors: AutoModel.from_pretrained(folder, from_tf=True).save_pretrained(folder).',
      'a GGUF file, whose weights are quantised. Get the original weights as safetensors.',
      'a model for TensorFlow Lite. Export it to ONNX: python -m tf2onnx.convert --tflite file --output model.onnx.',
      'an adapter (PEFT), which is not merged into its network. Save both as one: model.merge_and_unload().save_pretrained(folder).',
      'it is a Git LFS pointer, not the weights themselves. Run "git lfs pull".',
    ]);
  });
});
