// What the kernels share. Pointers are in bytes, strides and counts in elements.

/** Two doubles per vector instruction. */
export const PAIR: usize = 16;

/** Where double number `index` of those at `pointer` lies. */
export function doubleAt(pointer: usize, index: i32): usize {
  return pointer + ((<usize>index) << 3);
}

/** Where single or integer number `index` of those at `pointer` lies. */
export function singleAt(pointer: usize, index: i32): usize {
  return pointer + ((<usize>index) << 2);
}

/** The sum of the two doubles. */
export function horizontalSum(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}
