// What each opcode does: https://github.com/python/cpython/blob/main/Lib/pickletools.py.

/** Opcodes of protocols 0 to 5 that plain values, and objects described by plain values, are written with. */
export enum Op {
  Mark = 0x28, // (
  Stop = 0x2e, // .
  Pop = 0x30, // 0
  PopMark = 0x31, // 1
  Float = 0x46, // F, a line
  Int = 0x49, // I, a line
  BinInt = 0x4a, // J
  BinInt1 = 0x4b, // K
  Long = 0x4c, // L, a line
  BinInt2 = 0x4d, // M
  None = 0x4e, // N
  PersistentLine = 0x50, // P, a line
  Persistent = 0x51, // Q
  Reduce = 0x52, // R
  String = 0x53, // S, a line
  BinString = 0x54, // T
  ShortBinString = 0x55, // U
  Unicode = 0x56, // V, a line
  BinUnicode = 0x58, // X
  EmptyList = 0x5d, // ]
  Append = 0x61, // a
  Build = 0x62, // b
  Global = 0x63, // c, two lines
  Dict = 0x64, // d
  Appends = 0x65, // e
  Get = 0x67, // g, a line
  BinGet = 0x68, // h
  Inst = 0x69, // i, two lines
  LongBinGet = 0x6a, // j
  List = 0x6c, // l
  Obj = 0x6f, // o
  Put = 0x70, // p, a line
  BinPut = 0x71, // q
  LongBinPut = 0x72, // r
  SetItem = 0x73, // s
  Tuple = 0x74, // t
  SetItems = 0x75, // u
  EmptyDict = 0x7d, // }
  EmptyTuple = 0x29, // )
  BinFloat = 0x47, // G
  BinBytes = 0x42, // B
  ShortBinBytes = 0x43, // C
  Protocol = 0x80,
  NewObj = 0x81,
  Tuple1 = 0x85,
  Tuple2 = 0x86,
  Tuple3 = 0x87,
  NewTrue = 0x88,
  NewFalse = 0x89,
  Long1 = 0x8a,
  Long4 = 0x8b,
  ShortBinUnicode = 0x8c,
  BinUnicode8 = 0x8d,
  BinBytes8 = 0x8e,
  EmptySet = 0x8f,
  AddItems = 0x90,
  FrozenSet = 0x91,
  NewObjEx = 0x92,
  StackGlobal = 0x93,
  Memoize = 0x94,
  Frame = 0x95,
  ByteArray8 = 0x96,
}

/** What follows opcodes: so many lines, so many bytes, or a length in so many bytes and then as many as that says. */
export const LINES = numbered({
  1: [Op.Float, Op.Int, Op.Long, Op.PersistentLine, Op.String, Op.Unicode, Op.Get, Op.Put],
  2: [Op.Global, Op.Inst],
});
export const BYTES = numbered({
  1: [Op.BinInt1, Op.BinGet, Op.BinPut, Op.Protocol],
  2: [Op.BinInt2],
  4: [Op.BinInt, Op.LongBinGet, Op.LongBinPut],
  8: [Op.BinFloat, Op.Frame],
});
export const LENGTH_BYTES = numbered({
  1: [Op.ShortBinString, Op.ShortBinBytes, Op.ShortBinUnicode, Op.Long1],
  4: [Op.BinString, Op.BinBytes, Op.BinUnicode, Op.Long4],
  8: [Op.BinUnicode8, Op.BinBytes8, Op.ByteArray8],
});

/** The numbers by opcode, 0 where there is none. */
function numbered(opcodes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const numbers = new Uint8Array(256);
  for (const [number, those] of Object.entries(opcodes)) for (const opcode of those) numbers[opcode] = Number(number);
  return numbers;
}
