import type { FloatMatrix } from '../linalg/matrix.ts';

/** Beyond this width, columns are repeated unevenly rather than often. */
const MAX_EVEN_WIDTH = 4096;

/**
 * Label embeddings of different widths, brought to one, as Σ t_k Z_k needs. The paper's three encoders all have 1,024
 * columns; CLIP-B, BERT-base and GPT-2 have 512, 768 and 768.
 *
 * Every column is repeated equally often: 512 and 768 become 1,536, by three and by two. Scores standardise columns, so
 * that an encoder counts by the number of its columns. Repeated, all count the same: ‖Z_k‖² = N·D2 for every k, and the
 * residual of each alone, per column, is what it was in its own width.
 *
 * Zero columns instead would stay zero after the standardisation: an encoder of 512 columns among 768 would have 2/3 of
 * the others' residual however well it fits, and λ would go to the narrowest. Rotating all into one width by a fixed
 * random matrix would be fair on average only, and would make the score depend on the draw. How columns of different
 * encoders pair up in ⟨Z_k, Z_l⟩ is arbitrary in each of the three ways, as it is in the paper's.
 *
 * Where the least common multiple is beyond 4,096, the largest width is taken: repetitions then differ by one.
 */
export function toCommonWidth(embeddings: readonly FloatMatrix[]): FloatMatrix[] {
  const widths = embeddings.map(({ cols }) => cols);
  const even = widths.reduce(leastCommonMultiple, 1);
  const width = even <= MAX_EVEN_WIDTH ? even : Math.max(...widths);
  return embeddings.map((embedding) => (embedding.cols === width ? embedding : stretch(embedding, width)));
}

/** Column j of the result is column ⌊j · cols / width⌋. */
function stretch({ rows, cols, data }: FloatMatrix, width: number): FloatMatrix {
  const stretched = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < width; j++) {
      stretched[row * width + j] = data[row * cols + Math.floor((j * cols) / width)] ?? 0;
    }
  }
  return { rows, cols: width, data: stretched };
}

function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
