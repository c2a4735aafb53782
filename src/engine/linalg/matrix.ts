/** A dense row-major matrix in double precision: `data[row * cols + col]`. */
export interface Matrix {
  rows: number;
  cols: number;
  data: Float64Array;
}

/** A dense row-major matrix as it comes from a network or a file. */
export interface FloatMatrix {
  rows: number;
  cols: number;
  data: Float32Array | Float64Array;
}

/** A matrix of zeros. */
export function zeros(rows: number, cols: number): Matrix {
  return { rows, cols, data: new Float64Array(rows * cols) };
}

/** Rows `from` to `to` (exclusive) of `matrix`, sharing its memory. */
export function rowRange(matrix: Matrix, from: number, to: number): Matrix {
  return { rows: to - from, cols: matrix.cols, data: matrix.data.subarray(from * matrix.cols, to * matrix.cols) };
}

/** A copy of the part of `matrix` that starts at (`row`, `col`). */
export function submatrix(matrix: Matrix, row: number, col: number, rows: number, cols: number): Matrix {
  const part = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    const start = (row + i) * matrix.cols + col;
    part.data.set(matrix.data.subarray(start, start + cols), i * cols);
  }
  return part;
}

/** Writes `part` into `matrix` with its first element at (`row`, `col`). */
export function paste(matrix: Matrix, part: Matrix, row: number, col: number): void {
  for (let i = 0; i < part.rows; i++) {
    matrix.data.set(part.data.subarray(i * part.cols, (i + 1) * part.cols), (row + i) * matrix.cols + col);
  }
}

/** A copy of the given rows, and of the given columns of them, in the precision that they have. */
export function selectRows(matrix: Matrix, rows: readonly number[], cols?: readonly number[]): Matrix;
export function selectRows(matrix: FloatMatrix, rows: readonly number[], cols?: readonly number[]): FloatMatrix;
export function selectRows(matrix: FloatMatrix, rows: readonly number[], cols?: readonly number[]): FloatMatrix {
  const width = cols?.length ?? matrix.cols;
  const size = rows.length * width;
  const data = matrix.data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
  rows.forEach((row, i) => {
    const source = matrix.data.subarray(row * matrix.cols, (row + 1) * matrix.cols);
    data.set(cols ? cols.map((col) => source[col] as number) : source, i * width);
  });
  return { rows: rows.length, cols: width, data };
}

/** A copy of the given columns. */
export function selectColumns({ rows, cols, data }: Matrix, picked: readonly number[]): Matrix {
  const result = zeros(rows, picked.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < picked.length; j++) {
      result.data[i * picked.length + j] = data[i * cols + (picked[j] as number)] as number;
    }
  }
  return result;
}

/** Blocks of columns side by side. */
export function joinColumns(blocks: readonly Matrix[]): Matrix {
  const cols = blocks.reduce((sum, block) => sum + block.cols, 0);
  const joined = zeros(blocks[0]?.rows ?? 0, cols);
  let first = 0;
  for (const block of blocks) {
    paste(joined, block, 0, first);
    first += block.cols;
  }
  return joined;
}

/** Blocks of rows below each other. */
export function joinRows(...blocks: readonly Matrix[]): Matrix {
  const joined = zeros(
    blocks.reduce((sum, block) => sum + block.rows, 0),
    blocks[0]?.cols ?? 0,
  );
  let first = 0;
  for (const { data } of blocks) {
    joined.data.set(data, first);
    first += data.length;
  }
  return joined;
}

/** The transpose, in tiles that fit the first-level cache. */
export function transpose(matrix: Matrix): Matrix {
  const { rows, cols, data } = matrix;
  const result = zeros(cols, rows);
  const tile = 32;
  for (let i0 = 0; i0 < rows; i0 += tile) {
    for (let j0 = 0; j0 < cols; j0 += tile) {
      const iEnd = Math.min(i0 + tile, rows);
      const jEnd = Math.min(j0 + tile, cols);
      for (let j = j0; j < jEnd; j++) {
        for (let i = i0; i < iEnd; i++) {
          result.data[j * rows + i] = data[i * cols + j] as number;
        }
      }
    }
  }
  return result;
}

/** Σ of the diagonal. */
export function trace({ rows, cols, data }: Matrix): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i * cols + i] as number;
  return sum;
}

/** Σ aᵢ·bᵢ over two arrays of the same length. */
export function dot(a: Float64Array, b: Float64Array): number {
  // Four running sums: independent additions overlap in the processor, and rounding errors grow more slowly.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const end = a.length - (a.length % 4);
  for (let i = 0; i < end; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (let i = end; i < a.length; i++) {
    s0 += (a[i] as number) * (b[i] as number);
  }
  return s0 + s1 + (s2 + s3);
}

/** a + b into a. */
export function addTo(a: Matrix, b: Matrix): void {
  for (let i = 0; i < a.data.length; i++) {
    a.data[i] = (a.data[i] as number) + (b.data[i] as number);
  }
}

/** Every column times its factor, of `[cols]`, new. */
export function scaleColumns({ rows, cols, data }: Matrix, factors: Float64Array): Matrix {
  const result = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      const at = i * cols + j;
      result.data[at] = (data[at] as number) * (factors[j] as number);
    }
  }
  return result;
}

/** Every row times its factor, of `[rows]`, new. */
export function scaleRows(matrix: Matrix, factors: Float64Array): Matrix {
  const { cols } = matrix;
  return { ...matrix, data: matrix.data.map((value, at) => value * (factors[Math.floor(at / cols)] as number)) };
}

/** A + value·I into A. */
export function addToDiagonal({ rows, cols, data }: Matrix, value: number): void {
  for (let i = 0; i < rows; i++) data[i * cols + i] = (data[i * cols + i] as number) + value;
}

/** a + factor·b into a. */
export function addMultiple(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + factor * (b[i] as number);
}

/** a − b, new. */
export function difference(a: Matrix, b: Matrix): Matrix {
  return { ...a, data: a.data.map((value, i) => value - (b.data[i] as number)) };
}

/** factor·a, new. */
export function scaled(a: Matrix, factor: number): Matrix {
  const result = zeros(a.rows, a.cols);
  for (let i = 0; i < a.data.length; i++) {
    result.data[i] = factor * (a.data[i] as number);
  }
  return result;
}

/** Σₖ weightₖ·matrixₖ. */
export function mix(matrices: readonly Matrix[], weights: readonly number[]): Matrix {
  const sum = zeros(matrices[0]?.rows ?? 0, matrices[0]?.cols ?? 0);
  matrices.forEach(({ data }, k) => {
    const weight = weights[k] as number;
    for (let i = 0; i < data.length; i++) {
      sum.data[i] = (sum.data[i] as number) + weight * (data[i] as number);
    }
  });
  return sum;
}

/** Per column Σ a·b. */
export function columnDots({ rows, cols, data: a }: Matrix, { data: b }: Matrix): Float64Array {
  const sums = new Float64Array(cols);
  // Four rows at a time: fewer loads and stores of what adds up.
  const end = rows - (rows % 4);
  for (let i = 0; i < end; i += 4) {
    const [row1, row2, row3] = [(i + 1) * cols, (i + 2) * cols, (i + 3) * cols];
    for (let j = 0, row = i * cols; j < cols; j++) {
      sums[j] =
        (sums[j] as number) +
        (a[row + j] as number) * (b[row + j] as number) +
        (a[row1 + j] as number) * (b[row1 + j] as number) +
        ((a[row2 + j] as number) * (b[row2 + j] as number) + (a[row3 + j] as number) * (b[row3 + j] as number));
    }
  }
  for (let i = end; i < rows; i++) {
    for (let j = 0, row = i * cols; j < cols; j++) {
      sums[j] = (sums[j] as number) + (a[row + j] as number) * (b[row + j] as number);
    }
  }
  return sums;
}

/** Per column Σ a², where row i counts `weights[i]` times. */
export function columnSquares(a: Matrix, weights?: Float64Array): Float64Array {
  if (weights === undefined) return columnDots(a, a);
  const sums = new Float64Array(a.cols);
  for (let i = 0; i < a.rows; i++) {
    const weight = weights[i] as number;
    for (let j = 0; j < a.cols; j++) {
      sums[j] = (sums[j] as number) + weight * (a.data[i * a.cols + j] as number) ** 2;
    }
  }
  return sums;
}

/** Per row Σ a², where column j counts `weights[j]` times. */
export function rowSquares(a: Matrix, weights?: Float64Array): Float64Array {
  return Float64Array.from({ length: a.rows }, (_, i) => {
    const row = rowRange(a, i, i + 1).data;
    if (weights === undefined) return dot(row, row);
    return row.reduce((sum, value, j) => sum + (weights[j] as number) * value ** 2, 0);
  });
}
