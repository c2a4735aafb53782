import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { embedLabels } from '../../../../src/engine/embed/embedLabels.ts';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';

const ENCODERS = path.join(import.meta.dirname, '../../../fixtures/encoders');
const vectors = z.array(z.array(z.number()));
const { texts, expected } = z
  .object({ texts: z.array(z.string()), expected: z.record(z.string(), z.record(z.string(), vectors)) })
  .parse(JSON.parse(readFileSync(path.join(ENCODERS, 'embeddings.json'), 'utf8')));

describe('label embeddings', () => {
  it.each(
    ['bert', 'roberta', 'gpt2'].flatMap((name) =>
      (['tokens', 'padding'] as const).map((pooling) => ({ name, pooling })),
    ),
  )('of $name with the pooling over $pooling equal PyTorch’s', async ({ name, pooling }) => {
    const embeddings = await embedLabels(texts, { folder: path.join(ENCODERS, name) }, { pooling });
    expect(relativeError(embeddings, expected[name]?.[pooling])).toBeLessThan(1e-4);
  });

  it.each(['tokens', 'padding'] as const)(
    'of CLIP are its projected text feature, whatever the pooling (%s)',
    async (pooling) => {
      const embeddings = await embedLabels(texts, { folder: path.join(ENCODERS, 'clip') }, { pooling });
      expect(relativeError(embeddings, expected.clip?.features)).toBeLessThan(1e-4);
    },
  );

  it('don’t depend on what else is embedded, and are put into their sentence', async () => {
    const folder = path.join(ENCODERS, 'bert');
    const alone = await embedLabels(['a photo of a dog'], { folder });
    const among = await embedLabels(['dog', texts.at(-1) ?? ''], { folder }, { template: 'a photo of a {}' });
    for (const [column, value] of alone.data.entries()) expect(among.data[column]).toBeCloseTo(value, 5);
  });
});

function relativeError({ data, cols }: FloatMatrix, rows: number[][] = []): number {
  let [difference, norm] = [0, 0];
  for (const [row, values] of rows.entries()) {
    for (const [column, value] of values.entries()) {
      difference += (value - (data[row * cols + column] ?? Number.NaN)) ** 2;
      norm += value ** 2;
    }
  }
  return Math.sqrt(difference / norm);
}
