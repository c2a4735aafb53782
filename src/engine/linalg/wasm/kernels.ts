import binary from './kernels.wasm';

/**
 * The kernels of the folder beside, with the memory that they work on. Pointers are byte offsets into that memory. A caller
 * takes room for all that one call needs with `allocate`, copies its numbers in, calls, and copies the results out: nothing
 * stays in there from one call to the next.
 */
interface Exports {
  memory: WebAssembly.Memory;
  heapBase: WebAssembly.Global<'i32'>;
  chaseBand(
    band: number,
    size: number,
    width: number,
    vectors: number,
    firsts: number,
    lengths: number,
    taus: number,
    sums: number,
  ): number;
  applyReflections(
    c: number,
    cols: number,
    vectors: number,
    width: number,
    firsts: number,
    lengths: number,
    taus: number,
    count: number,
    backwards: number,
    sums: number,
  ): void;
  invertFactor(a: number, size: number): number;
  factorColumns(columns: number, width: number, length: number, v: number, t: number, sums: number): void;
  invertPivots(
    diagonal: number,
    offDiagonal: number,
    size: number,
    lanes: number,
    ridges: number,
    inverses: number,
  ): void;
  solveRidges(
    diagonal: number,
    offDiagonal: number,
    size: number,
    lanes: number,
    ridges: number,
    inverses: number,
    sides: number,
    limits: number,
    sums: number,
  ): void;
  sumRows32: SumRows;
  sumRows64: SumRows;
  sumSquares32: SumSquares;
  sumSquares64: SumSquares;
  standardiseColumns32To32: StandardiseColumns;
  standardiseColumns32To64: StandardiseColumns;
  standardiseColumns64To32: StandardiseColumns;
  standardiseColumns64To64: StandardiseColumns;
  allSmaller32: AllSmaller;
  allSmaller64: AllSmaller;
  addMoments32: AddMoments;
  addMoments64: AddMoments;
  centreRows32To32: CentreRows;
  centreRows32To64: CentreRows;
  centreRows64To32: CentreRows;
  centreRows64To64: CentreRows;
  mixRows32: MixRows;
  mixRows64: MixRows;
  addDots32: AddDots;
  addDots64: AddDots;
}

type SumRows = (data: number, rows: number, cols: number, shift: number, groups: number, sums: number) => void;

type SumSquares = (data: number, rows: number, cols: number, shift: number, squares: number) => void;

type StandardiseColumns = (
  data: number,
  rows: number,
  cols: number,
  shift: number,
  offset: number,
  scale: number,
  result: number,
  stride: number,
) => void;

type AddMoments = (
  data: number,
  size: number,
  rows: number,
  width: number,
  shift: number,
  sums: number,
  products: number,
  centred: number,
) => void;

type CentreRows = (
  data: number,
  rows: number,
  width: number,
  shift: number,
  result: number,
  weights: number,
  stride: number,
  sumCount: number,
  sums: number,
) => void;

type MixRows = (
  data: number,
  size: number,
  rows: number,
  width: number,
  shift: number,
  factors: number,
  constant: number,
  result: number,
) => void;

type AddDots = (
  data: number,
  size: number,
  rows: number,
  width: number,
  shift: number,
  others: number,
  sums: number,
) => void;

type AllSmaller = (data: number, count: number, limit: number) => number;

export const kernels = new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as unknown as Exports;

const PAGE_BYTES = 65_536;
/** Vectors are loaded fastest from multiples of this. */
const ALIGNMENT = 16;

/** Pointers to as many pieces of memory, of at least these numbers of bytes; what lay there before is lost. */
export function allocate<Sizes extends number[]>(...bytes: Sizes): Sizes {
  let end = kernels.heapBase.value;
  const pointers = bytes.map((size) => {
    const pointer = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = pointer + size;
    return pointer;
  });
  const missing = end - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE_BYTES));
  return pointers as Sizes;
}

/** `length` doubles from `pointer` on; valid until the next `allocate`. */
export function doubles(pointer: number, length: number): Float64Array<ArrayBuffer> {
  return new Float64Array(kernels.memory.buffer, pointer, length);
}

/** `length` numbers in single precision from `pointer` on; valid until the next `allocate`. */
export function singles(pointer: number, length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(kernels.memory.buffer, pointer, length);
}

/** Copies numbers to `pointer`, in their own precision. */
export function put(pointer: number, data: Float32Array | Float64Array): void {
  const target = data instanceof Float32Array ? singles(pointer, data.length) : doubles(pointer, data.length);
  target.set(data);
}

/** `length` integers from `pointer` on; valid until the next `allocate`. */
export function integers(pointer: number, length: number): Int32Array<ArrayBuffer> {
  return new Int32Array(kernels.memory.buffer, pointer, length);
}
