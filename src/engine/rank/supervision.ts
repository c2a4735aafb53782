import type { Dataset, Sample } from '../datasets/dataset.ts';
import { type FloatMatrix, selectRows } from '../linalg/matrix.ts';
import type { LabelKind } from '../score/evidenceInput.ts';
import type { Supervision } from './scoreCandidate.ts';

/** What the samples of a dataset are labelled with. */
export function labelKindOf({ classes }: Dataset, samples: readonly Sample[]): LabelKind {
  if (classes.length === 0) return 'label embeddings';
  return samples.some(({ labels }) => labels !== undefined) ? 'several labels per sample' : 'class labels';
}

/**
 * What a candidate's rows are labelled with: class labels, several labels per sample, or label embeddings.
 * @param rows index of each row's sample
 * @param labelEmbeddings K matrices, `[C, d2]` of a dataset with classes, else `[samples, d2]`; undefined for one-hot
 */
export function superviseRows(
  dataset: Dataset,
  samples: readonly Sample[],
  rows: readonly number[],
  labelEmbeddings: readonly FloatMatrix[] | undefined,
): Supervision {
  const kind = labelKindOf(dataset, samples);
  if (kind === 'label embeddings')
    return { labelEmbeddings: labelEmbeddings?.map((embedding) => selectRows(embedding, rows)) };
  const classCount = dataset.classes.length;
  if (kind === 'class labels') {
    const labels = Int32Array.from(rows, (row) => samples[row]?.label ?? 0);
    return { labels, classCount, labelEmbeddings };
  }
  const data = new Float64Array(rows.length * classCount);
  for (const [place, row] of rows.entries()) {
    for (const label of samples[row]?.labels ?? []) data[place * classCount + label] = 1;
  }
  return { multiLabels: { rows: rows.length, cols: classCount, data }, labelEmbeddings };
}
