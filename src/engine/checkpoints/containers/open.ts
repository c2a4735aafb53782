import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../../errors.ts';
import { FileBytes } from '../../files/byteSource.ts';
import { LFS_POINTER } from '../../files/gitLfs.ts';
import { quoted, UnreadableError } from '../../files/unreadable.ts';
import type { Weights, WeightTensor } from '../weights.ts';
import { nameOf } from './checkpointName.ts';
import { isSafetensors, readSafetensors } from './safetensors.ts';
import { isIndex, readShards } from './shards.ts';
import { readTorchZip } from './torch.ts';
import { isTorchLegacy, readTorchLegacy } from './torchLegacy.ts';
import { readTorchPickle } from './torchPickle.ts';

/** Enough to tell what a file is; a tar archive says so at byte 257. */
const HEAD_BYTES = 512;

const DOWNLOAD = 'Download the file itself.';

/** What is often found in the place of weights: how it starts, in lower case and from which byte, and the remedy. */
const OTHER_CONTENT: readonly { starts: readonly string[]; at?: number; what: string; remedy: string }[] = [
  {
    starts: [LFS_POINTER],
    what: 'it is a Git LFS pointer, not the weights themselves',
    remedy: 'Run "git lfs pull".',
  },
  {
    starts: ['<!doctype', '<html', '<head', '<?xml', '<error'],
    what: 'it is a web page, not weights',
    remedy: DOWNLOAD,
  },
  { starts: ['pk\x05\x06'], what: 'it is an empty zip archive', remedy: DOWNLOAD },
  { starts: ['\x1f\x8b'], what: 'it is packed with gzip', remedy: 'Unpack it first.' },
  {
    starts: ['ustar'],
    at: 257,
    what: 'it is a tar archive',
    remedy: 'Unpack it first; if an early PyTorch wrote it, load it there and save it again.',
  },
  {
    starts: ['\x89hdf'],
    what: 'it is an HDF5 file, as TensorFlow and Keras write',
    remedy: 'Convert it to safetensors or ONNX.',
  },
  {
    starts: ['gguf'],
    what: 'it is a GGUF file, whose weights are quantised',
    remedy: 'Get the original weights as safetensors.',
  },
];

/**
 * Reads which named tensors a file of weights holds and where their values lie: `.safetensors`, files of torch.save of
 * any age, and the index of either's shards. What it is shows in its content. Nothing in it is run.
 * @throws InputError naming the file and the remedy
 */
export async function readWeights(file: string): Promise<Weights> {
  try {
    return await read(path.resolve(file), true);
  } catch (error) {
    if (error instanceof UnreadableError) throw error.about(file);
    if (isSystemError(error))
      throw new InputError(`${file}: can't be read (${error.code}). Check its path and rights.`);
    throw error;
  }
}

async function read(file: string, mayBeIndex: boolean): Promise<Weights> {
  const found = await stat(file);
  // Opening a pipe would wait for its writer.
  if (!found.isFile()) throw new UnreadableError('it is no file', 'Name the file that holds the weights.');
  const source = new FileBytes(file);
  try {
    const head = source.bytes(0, Math.min(HEAD_BYTES, source.size));
    if (mayBeIndex && isIndex(head)) return await readShards(source, readShard);
    return readSingle(source, head);
  } finally {
    source.close();
  }
}

/** A file of an index. An error says which one it is about. */
async function readShard(file: string): Promise<Weights> {
  const name = quoted(path.basename(file));
  try {
    return await read(file, false);
  } catch (error) {
    if (error instanceof UnreadableError) throw new UnreadableError(`its file ${name}: ${error.message}`, error.remedy);
    if (isSystemError(error) && error.code === 'ENOENT') {
      throw new UnreadableError(`its file ${name} is missing`, 'Put it beside the index.');
    }
    throw error;
  }
}

function readSingle(source: FileBytes, head: Buffer): Weights {
  if (head.length === 0) throw new UnreadableError('the file is empty (0 bytes)', 'Download or copy it again.');
  if (isSafetensors(head)) return single('safetensors', readSafetensors(source), source);
  if (head.toString('latin1', 0, 4) === 'PK\x03\x04') return single('torch', readTorchZip(source), source);
  if (isTorchLegacy(source)) return single('torch', readTorchLegacy(source), source);
  requireNoOther(head);
  // Its header is cut off or damaged: say how.
  if (path.extname(source.file).toLowerCase() === '.safetensors') {
    return single('safetensors', readSafetensors(source), source);
  }
  if (looksLikePickle(head)) {
    // Says so if it would call anything.
    readTorchPickle(source, 0, source.size);
    throw new UnreadableError(
      'it is a pickle that torch.save did not write',
      'Load it in Python and save its state dict with torch.save.',
    );
  }
  throw new UnreadableError(
    'it is no file of weights that can be read (safetensors, PyTorch)',
    'Convert it to safetensors or ONNX.',
  );
}

/** A pickle starts with its protocol or, before protocol 2, mostly with a container or the name of a global. */
function looksLikePickle(head: Buffer): boolean {
  const [first = 0, protocol = 0] = head;
  return (first === 0x80 && protocol <= 5) || /^([(\]}]|c[\w.]+\n[\w.]+\n)/.test(head.toString('latin1'));
}

function requireNoOther(head: Buffer): void {
  const text = head.toString('latin1').trimStart().toLowerCase();
  for (const { starts, at = 0, what, remedy } of OTHER_CONTENT) {
    if (starts.some((start) => text.startsWith(start, at))) throw new UnreadableError(what, remedy);
  }
}

function single(format: Weights['format'], tensors: Map<string, WeightTensor>, source: FileBytes): Weights {
  if (tensors.size === 0) throw new UnreadableError('it holds no tensor', DOWNLOAD);
  return { format, name: nameOf(source.file), tensors, files: [source.file] };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
