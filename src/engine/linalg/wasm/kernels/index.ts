// AssemblyScript, compiled to one WebAssembly module: loops over numbers that ONNX Runtime has no operator for, with vector
// instructions, several times as fast as the same loops in JavaScript. Those that read single or double precision come as
// two functions. `../kernels.ts` is the only caller.

import { addDots, addMoments, centreRows, mixRows } from './labels';
import { standardiseColumns, sumRows, sumSquares } from './samples';

export { applyReflections, chaseBand } from './chase';
export { invertFactor } from './cholesky';
export { factorColumns } from './panel';
export { invertPivots, solveRidges } from './ridge';
export { allSmaller32, allSmaller64 } from './samples';

/** From here on memory is free. */
export const heapBase: usize = __heap_base;

export function sumRows32(data: usize, rows: i32, cols: i32, shift: usize, groups: usize, sums: usize): void {
  sumRows<f32>(data, rows, cols, shift, groups, sums);
}

export function sumRows64(data: usize, rows: i32, cols: i32, shift: usize, groups: usize, sums: usize): void {
  sumRows<f64>(data, rows, cols, shift, groups, sums);
}

export function sumSquares32(data: usize, rows: i32, cols: i32, shift: usize, squares: usize): void {
  sumSquares<f32>(data, rows, cols, shift, squares);
}

export function sumSquares64(data: usize, rows: i32, cols: i32, shift: usize, squares: usize): void {
  sumSquares<f64>(data, rows, cols, shift, squares);
}

export function standardiseColumns32To32(
  data: usize,
  rows: i32,
  cols: i32,
  shift: usize,
  offset: usize,
  scale: usize,
  result: usize,
  stride: i32,
): void {
  standardiseColumns<f32, f32>(data, rows, cols, shift, offset, scale, result, stride);
}

export function standardiseColumns32To64(
  data: usize,
  rows: i32,
  cols: i32,
  shift: usize,
  offset: usize,
  scale: usize,
  result: usize,
  stride: i32,
): void {
  standardiseColumns<f32, f64>(data, rows, cols, shift, offset, scale, result, stride);
}

export function standardiseColumns64To32(
  data: usize,
  rows: i32,
  cols: i32,
  shift: usize,
  offset: usize,
  scale: usize,
  result: usize,
  stride: i32,
): void {
  standardiseColumns<f64, f32>(data, rows, cols, shift, offset, scale, result, stride);
}

export function standardiseColumns64To64(
  data: usize,
  rows: i32,
  cols: i32,
  shift: usize,
  offset: usize,
  scale: usize,
  result: usize,
  stride: i32,
): void {
  standardiseColumns<f64, f64>(data, rows, cols, shift, offset, scale, result, stride);
}

export function addMoments32(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  sums: usize,
  products: usize,
  centred: usize,
): void {
  addMoments<f32>(data, size, rows, width, shift, sums, products, centred);
}

export function addMoments64(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  sums: usize,
  products: usize,
  centred: usize,
): void {
  addMoments<f64>(data, size, rows, width, shift, sums, products, centred);
}

// The second precision is that of the result.

export function centreRows32To32(
  data: usize,
  rows: i32,
  width: i32,
  shift: usize,
  result: usize,
  weights: usize,
  stride: i32,
  sumCount: i32,
  sums: usize,
): void {
  centreRows<f32, f32>(data, rows, width, shift, result, weights, stride, sumCount, sums);
}

export function centreRows32To64(
  data: usize,
  rows: i32,
  width: i32,
  shift: usize,
  result: usize,
  weights: usize,
  stride: i32,
  sumCount: i32,
  sums: usize,
): void {
  centreRows<f32, f64>(data, rows, width, shift, result, weights, stride, sumCount, sums);
}

export function centreRows64To32(
  data: usize,
  rows: i32,
  width: i32,
  shift: usize,
  result: usize,
  weights: usize,
  stride: i32,
  sumCount: i32,
  sums: usize,
): void {
  centreRows<f64, f32>(data, rows, width, shift, result, weights, stride, sumCount, sums);
}

export function centreRows64To64(
  data: usize,
  rows: i32,
  width: i32,
  shift: usize,
  result: usize,
  weights: usize,
  stride: i32,
  sumCount: i32,
  sums: usize,
): void {
  centreRows<f64, f64>(data, rows, width, shift, result, weights, stride, sumCount, sums);
}

export function mixRows32(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  factors: usize,
  constant: usize,
  result: usize,
): void {
  mixRows<f32>(data, size, rows, width, shift, factors, constant, result);
}

export function mixRows64(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  factors: usize,
  constant: usize,
  result: usize,
): void {
  mixRows<f64>(data, size, rows, width, shift, factors, constant, result);
}

export function addDots32(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  others: usize,
  sums: usize,
): void {
  addDots<f32>(data, size, rows, width, shift, others, sums);
}

export function addDots64(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  others: usize,
  sums: usize,
): void {
  addDots<f64>(data, size, rows, width, shift, others, sums);
}
