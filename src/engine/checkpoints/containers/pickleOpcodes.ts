// What each opcode does: https://github.com/python/cpython/blob/main/Lib/pickletools.py.

/** Opcodes of protocols 0 to 5 that plain values, and objects described by plain values, are written with. */
export const OPCODES = {
  mark: 0x28, // (
  stop: 0x2e, // .
  pop: 0x30, // 0
  popMark: 0x31, // 1
  float: 0x46, // F, a line
  int: 0x49, // I, a line
  binInt: 0x4a, // J
  binInt1: 0x4b, // K
  long: 0x4c, // L, a line
  binInt2: 0x4d, // M
  none: 0x4e, // N
  persistentLine: 0x50, // P, a line
  persistent: 0x51, // Q
  reduce: 0x52, // R
  string: 0x53, // S, a line
  binString: 0x54, // T
  shortBinString: 0x55, // U
  unicode: 0x56, // V, a line
  binUnicode: 0x58, // X
  emptyList: 0x5d, // ]
  append: 0x61, // a
  build: 0x62, // b
  global: 0x63, // c, two lines
  dict: 0x64, // d
  appends: 0x65, // e
  get: 0x67, // g, a line
  binGet: 0x68, // h
  inst: 0x69, // i, two lines
  longBinGet: 0x6a, // j
  list: 0x6c, // l
  obj: 0x6f, // o
  put: 0x70, // p, a line
  binPut: 0x71, // q
  longBinPut: 0x72, // r
  setItem: 0x73, // s
  tuple: 0x74, // t
  setItems: 0x75, // u
  emptyDict: 0x7d, // }
  emptyTuple: 0x29, // )
  binFloat: 0x47, // G
  binBytes: 0x42, // B
  shortBinBytes: 0x43, // C
  protocol: 0x80,
  newObj: 0x81,
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  newTrue: 0x88,
  newFalse: 0x89,
  long1: 0x8a,
  long4: 0x8b,
  shortBinUnicode: 0x8c,
  binUnicode8: 0x8d,
  binBytes8: 0x8e,
  emptySet: 0x8f,
  addItems: 0x90,
  frozenSet: 0x91,
  newObjEx: 0x92,
  stackGlobal: 0x93,
  memoize: 0x94,
  frame: 0x95,
  byteArray8: 0x96,
} as const;

const Op = OPCODES;

/** What follows opcodes: so many lines, so many bytes, or a length in so many bytes and then as many as that says. */
export const LINES = numbered({
  1: [Op.float, Op.int, Op.long, Op.persistentLine, Op.string, Op.unicode, Op.get, Op.put],
  2: [Op.global, Op.inst],
});
export const BYTES = numbered({
  1: [Op.binInt1, Op.binGet, Op.binPut, Op.protocol],
  2: [Op.binInt2],
  4: [Op.binInt, Op.longBinGet, Op.longBinPut],
  8: [Op.binFloat, Op.frame],
});
export const LENGTH_BYTES = numbered({
  1: [Op.shortBinString, Op.shortBinBytes, Op.shortBinUnicode, Op.long1],
  4: [Op.binString, Op.binBytes, Op.binUnicode, Op.long4],
  8: [Op.binUnicode8, Op.binBytes8, Op.byteArray8],
});

/** The numbers by opcode, 0 where there is none. */
function numbered(opcodes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const numbers = new Uint8Array(256);
  for (const [number, those] of Object.entries(opcodes)) for (const opcode of those) numbers[opcode] = Number(number);
  return numbers;
}
