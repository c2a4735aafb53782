import type { Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';

/** The label embedding that knows nothing but which label is which: the identity `[C, C]`. */
export function oneHot(classCount: number): Matrix {
  const embedding = zeros(classCount, classCount);
  for (let c = 0; c < classCount; c++) {
    embedding.data[c * classCount + c] = 1;
  }
  return embedding;
}
