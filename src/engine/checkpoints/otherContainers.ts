import { open } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../errors.ts';
import { readWeights } from './containers/open.ts';

/** Containers of weights that can't be read, by the names of their files; of those of one network the first counts. */
const CONTAINERS: readonly {
  readonly name: RegExp;
  /** What such a file has at one of its first bytes. */
  readonly starts?: { readonly at: number; readonly text: string };
  readonly what: string;
  readonly remedy: string;
}[] = [
  {
    name: /^tf_model\.h5$/i,
    starts: { at: 1, text: 'HDF' },
    what: 'weights for TensorFlow in the names of Hugging Face',
    remedy: 'Save them as safetensors: AutoModel.from_pretrained(folder, from_tf=True).save_pretrained(folder).',
  },
  {
    name: /^flax_model\.msgpack$/i,
    what: 'weights for Flax in the names of Hugging Face',
    remedy: 'Save them as safetensors: AutoModel.from_pretrained(folder, from_flax=True).save_pretrained(folder).',
  },
  {
    name: /\.keras$/i,
    starts: { at: 0, text: 'PK' },
    what: 'a model of Keras',
    remedy: 'Export it to ONNX: model.export("model.onnx", format="onnx").',
  },
  {
    // Datasets are HDF5 files, too.
    name: /(^|[._-])(weights([._-].*)?|(model|checkpoint|ckpt)([._-]?(\d+|best|final|last|latest|epoch.*))?)\.(h5|hdf5)$/i,
    starts: { at: 1, text: 'HDF' },
    what: 'an HDF5 file, as Keras and TensorFlow write',
    remedy: 'Load it there, and export the network to ONNX (tf2onnx).',
  },
  {
    name: /^saved_model\.pb$/i,
    what: 'a SavedModel of TensorFlow',
    remedy: 'Export it to ONNX: python -m tf2onnx.convert --saved-model folder --output model.onnx.',
  },
  {
    name: /^(frozen_.*|.*frozen|model)\.pb$/i,
    what: 'a graph of TensorFlow',
    remedy: 'Export it to ONNX: python -m tf2onnx.convert --graphdef file --output model.onnx.',
  },
  {
    name: /\.ckpt(-\d+)?\.index$/i,
    what: 'a checkpoint of TensorFlow',
    remedy: 'Load it into its network there, and export this to ONNX (tf2onnx).',
  },
  {
    name: /\.tflite$/i,
    starts: { at: 4, text: 'TFL' },
    what: 'a model for TensorFlow Lite',
    remedy: 'Export it to ONNX: python -m tf2onnx.convert --tflite file --output model.onnx.',
  },
  {
    name: /\.mlmodel$/i,
    what: 'a model for Core ML',
    remedy: 'Get the weights that it was made of, or export these to ONNX.',
  },
  {
    name: /\.(torchscript|ptl)$/i,
    starts: { at: 0, text: 'PK' },
    what: 'a TorchScript archive, a program with its weights',
    remedy: 'Save its state dict: torch.save(torch.jit.load(path).state_dict(), other).',
  },
  {
    name: /\.pt2$/i,
    starts: { at: 0, text: 'PK' },
    what: 'an exported program of PyTorch, with its weights',
    remedy: 'Save its state dict: torch.save(torch.export.load(path).state_dict, other).',
  },
  {
    // One part for each process that took part in the training.
    name: /^__0_0\.distcp$/i,
    what: 'a distributed checkpoint of PyTorch',
    remedy: 'Make one file of it: python -m torch.distributed.checkpoint.format_utils dcp_to_torch folder file.pt.',
  },
  {
    name: /\.gguf$/i,
    starts: { at: 0, text: 'GGUF' },
    what: 'a GGUF file, whose weights are quantised',
    remedy: 'Get the original weights as safetensors.',
  },
  {
    name: /\.engine$/i,
    what: 'an engine of TensorRT, made for one kind of GPU',
    remedy: 'Get the ONNX file or the weights that it was built from.',
  },
  {
    name: /\.ort$/i,
    starts: { at: 4, text: 'ORTM' },
    what: 'a model in ONNX Runtime’s own format',
    remedy: 'Get the ONNX file that it was made from.',
  },
  {
    name: /\.pdparams$/i,
    what: 'weights for PaddlePaddle',
    remedy: 'Export the network to ONNX (paddle2onnx).',
  },
  {
    name: /^adapter_model\.(safetensors|bin)$/i,
    what: 'an adapter (PEFT), which is not merged into its network',
    remedy: 'Save both as one: model.merge_and_unload().save_pretrained(folder).',
  },
];
/** Any part but the first of a model in several files. */
const LATER_PART = /-(?!0*1-)\d{5}-of-\d{5}\./;
/** Folders that a publisher of weights puts what was exported of them into. */
export const EXPORTS = /^(coreml|tflite|saved_model)$/i;

/**
 * The files of a folder that hold weights in containers that can't be read, one for each network.
 * @param read files beside them that can be: what is called as one of these is another copy of its weights
 */
export function otherContainers(files: readonly string[], read: readonly string[]): string[] {
  const networks = new Set(read.map(networkOf));
  const found: string[] = [];
  for (const { name: container } of CONTAINERS) {
    for (const file of files) {
      if (!container.test(file) || LATER_PART.test(file)) continue;
      const network = networkOf(file);
      if (networks.has(network)) continue;
      networks.add(network);
      found.push(file);
    }
  }
  return found;
}

/** The name without its ending, and without that of the library which Hugging Face's names start with. */
function networkOf(name: string): string {
  const stem = name.toLowerCase().replace(/(\.weights)?(\.index\.json|\.pth\.tar|\.[a-z0-9]+)$/, '');
  return stem.replace(/^(tf|flax|pytorch|open_clip_pytorch)_model$/, 'model');
}

export function isOtherContainer(name: string): boolean {
  return CONTAINERS.some((container) => container.name.test(name));
}

/** @throws InputError always, saying what the file is and what would make its network rankable */
export async function refuseContainer(file: string): Promise<never> {
  const found = CONTAINERS.find(({ name }) => name.test(path.basename(file)));
  if (!found || !(await startsAs(file, found.starts))) {
    // A web page, a pointer of Git LFS and the like are told by their content.
    await readWeights(file);
    throw new InputError(`${file}: not what its name says. Call it by the ending of what it is.`);
  }
  throw new InputError(`${file}: ${found.what}. ${found.remedy}`);
}

async function startsAs(file: string, starts: { at: number; text: string } | undefined): Promise<boolean> {
  if (!starts) return true;
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(starts.text.length), 0, starts.text.length, starts.at);
    return buffer.toString('latin1') === starts.text;
  } finally {
    await handle.close();
  }
}
