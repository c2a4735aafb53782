import path from 'node:path';
import type { FileBytes } from '../../files/byteSource.ts';
import { quoted, UnreadableError } from '../../files/unreadable.ts';
import type { Weights, WeightTensor } from '../weights.ts';
import { nameOf } from './checkpointName.ts';
import { membersOf, parseObject } from './safetensors.ts';

// The index of weights in several files, `model.safetensors.index.json` or `pytorch_model.bin.index.json`:
//
//   {"metadata": {…}, "weight_map": {"<tensor>": "<file beside the index>", …}}

/** An index of 10,000 tensors takes 1 MB. */
const MAX_INDEX_BYTES = 2 * 1024 * 1024;
/** The largest published networks come in less than 200 files. Each is read in milliseconds, unless it is hostile. */
const MAX_SHARDS = 256;
/** Tensors in all files together, so that many files of too many tensors don't exhaust the memory. */
const MAX_TENSORS = 100_000;

/** Whether a file starts like an index. */
export function isIndex(head: Buffer): boolean {
  return head.toString('latin1').trimStart().startsWith('{');
}

/**
 * The tensors that an index names, out of the files beside it.
 * @param readShard opens a file that is no index
 */
export async function readShards(source: FileBytes, readShard: (file: string) => Promise<Weights>): Promise<Weights> {
  if (source.size > MAX_INDEX_BYTES)
    throw new UnreadableError(`it is no index of weights: ${source.size} bytes of JSON`);
  const index = parseObject(source.bytes(0, source.size).toString('utf8'), 'the file');
  const weightMap = membersOf(index.get('weight_map'));
  if (!weightMap || weightMap.size === 0) {
    throw new UnreadableError('it is JSON, but no index of weights', 'Name the file that holds the weights.');
  }

  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of weightMap) shardOf.set(tensor, requirePlainName(shard, tensor));
  const names = [...new Set(shardOf.values())];
  if (names.length > MAX_SHARDS) throw new UnreadableError(`it names ${names.length} files`);

  const shards = new Map<string, Weights>();
  let count = 0;
  for (const name of names) {
    const shard = await readShard(path.join(path.dirname(source.file), name));
    count += shard.tensors.size;
    if (count > MAX_TENSORS) throw new UnreadableError('its files hold far more tensors than a network');
    shards.set(name, shard);
  }

  const tensors = new Map<string, WeightTensor>();
  for (const [tensor, shard] of shardOf) {
    const weight = shards.get(shard)?.tensors.get(tensor);
    if (!weight) throw new UnreadableError(`its file ${quoted(shard)} does not hold the tensor ${quoted(tensor)}`);
    tensors.set(tensor, weight);
  }
  const [first] = shards.values();
  return {
    format: first?.format ?? 'safetensors',
    name: nameOf(source.file),
    tensors,
    files: [...shards.values()].flatMap(({ files }) => files),
  };
}

/** Files beside the index only: a name that leads elsewhere is refused. */
function requirePlainName(shard: unknown, tensor: string): string {
  if (typeof shard !== 'string') throw new UnreadableError(`it names no file for the tensor ${quoted(tensor)}`);
  if (!/^[^/\\:\0]+$/.test(shard) || /^\.+$/.test(shard)) {
    throw new UnreadableError(
      `it names the file ${quoted(shard)}, which does not lie beside it`,
      'Get it from its author.',
    );
  }
  return shard;
}
