import type { FloatMatrix } from '../../src/engine/linalg/matrix.ts';
import type { EvidenceInput } from '../../src/engine/score/evidenceInput.ts';
import { generator } from '../../test/helpers/random.ts';

export interface Shape {
  n: number;
  d: number;
  /** 0: label embeddings per sample, as for captions. */
  classes: number;
  d2: number;
  k: number;
}

export type Data = EvidenceInput & { labelEmbeddings: FloatMatrix[] };

/** Classes of the source classifier. */
const SOURCE_CLASSES = 100;

/** Seeded float32 features that tell classes apart, label embeddings and, with classes, source probabilities. */
export function makeData({ n, d, classes, d2, k }: Shape): Data {
  const { uniform } = generator(1);
  const matrix = (rows: number, cols: number): FloatMatrix => ({
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, uniform),
  });
  const features = matrix(n, d);
  const labelEmbeddings = Array.from({ length: k }, () => matrix(classes || n, d2));
  if (classes === 0) return { features, labelEmbeddings };
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
  const centres = matrix(classes, d);
  features.data.forEach((value, at) => {
    const label = labels[Math.floor(at / d)] as number;
    features.data[at] = value + 0.3 * (centres.data[label * d + (at % d)] as number);
  });
  const probabilities = Float32Array.from({ length: n * SOURCE_CLASSES }, uniform);
  for (let i = 0; i < n; i++) {
    const row = probabilities.subarray(i * SOURCE_CLASSES, (i + 1) * SOURCE_CLASSES);
    const sum = row.reduce((total, value) => total + value, 0);
    row.set(row.map((value) => value / sum));
  }
  const sourceProbabilities: FloatMatrix = { rows: n, cols: SOURCE_CLASSES, data: probabilities };
  return { features, labels, labelEmbeddings, sourceProbabilities };
}
