/** Pieces of weights files, right or wrong, that tests put together by hand. */

export interface TestEntry {
  readonly name: string;
  readonly data: Buffer;
  /** Whatever else the directory is to say. */
  readonly method?: number;
  readonly size?: number;
  readonly packedSize?: number;
  readonly header?: number;
  readonly flags?: number;
  /** The name that the local header has. */
  readonly localName?: string;
}

/** A zip archive of entries as they are. */
export function zipFile(entries: readonly TestEntry[], comment = ''): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const localName = Buffer.from(entry.localName ?? entry.name);
    const header = Buffer.alloc(30);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(localName.length, 26);
    locals.push(header, localName, entry.data);
    const central = Buffer.alloc(46);
    central.write('PK\x01\x02', 'latin1');
    central.writeUInt16LE(entry.flags ?? 0, 8);
    central.writeUInt16LE(entry.method ?? 0, 10);
    central.writeUInt32LE(entry.packedSize ?? entry.data.length, 20);
    central.writeUInt32LE(entry.size ?? entry.data.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(entry.header ?? offset, 42);
    directory.push(central, name);
    offset += 30 + localName.length + entry.data.length;
  }
  const directorySize = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directorySize, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, ...directory, end, Buffer.from(comment)]);
}

/** A safetensors file with any header. */
export function safetensorsFile(header: unknown, data = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** Opcodes of pickle, for putting together what no pickler writes. */
export const P = {
  text: (value: string) => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([Buffer.from('X'), length, bytes]);
  },
  /** A non-negative integer. */
  int: (value: number | bigint) => {
    const bytes = Buffer.alloc(10);
    bytes[0] = 0x8a;
    bytes[1] = 8;
    bytes.writeBigInt64LE(BigInt(value), 2);
    return bytes;
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...items: Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  dict: (...items: Buffer[]) => Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')]),
  call: (callee: Buffer, ...args: Buffer[]) => Buffer.concat([callee, P.tuple(...args), Buffer.from('R')]),
  whole: (...parts: Buffer[]) => Buffer.concat([Buffer.from('\x80\x02', 'latin1'), ...parts, Buffer.from('.')]),
};

export interface TestTensor {
  readonly key?: string;
  readonly elements?: number | bigint;
  readonly offset?: number | bigint;
  readonly shape?: readonly (number | bigint)[];
  readonly strides?: readonly (number | bigint)[];
  /** What PyTorch notes of a view whose values have other signs. */
  readonly view?: Buffer;
}

/** A float32 tensor as torch.save pickles it; by default `[2, 3]` in the storage `0`. */
export function pickledTensor({
  key = '0',
  elements = 6,
  offset = 0,
  shape = [2, 3],
  strides = [3, 1],
  view,
}: TestTensor = {}): Buffer {
  const storage = P.tuple(
    P.text('storage'),
    P.global('torch', 'FloatStorage'),
    P.text(key),
    P.text('cpu'),
    P.int(elements),
  );
  return P.call(
    P.global('torch._utils', '_rebuild_tensor_v2'),
    Buffer.concat([storage, Buffer.from('Q')]),
    P.int(offset),
    P.tuple(...shape.map(P.int)),
    P.tuple(...strides.map(P.int)),
    Buffer.from('\x89', 'latin1'),
    P.call(P.global('collections', 'OrderedDict')),
    ...(view === undefined ? [] : [view]),
  );
}

/** The archive of a state dict with one tensor `w` of six values. */
export function torchFile(tensor: TestTensor = {}, others: readonly TestEntry[] = []): Buffer {
  const pickle = P.whole(P.dict(P.text('w'), pickledTensor(tensor)));
  return zipFile([{ name: 'a/data.pkl', data: pickle }, { name: 'a/data/0', data: Buffer.alloc(24, 7) }, ...others]);
}
