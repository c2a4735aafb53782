import type { EvidenceInput } from './evidenceInput.ts';

/**
 * The samples that aren't labelled as more than half are; where no label is that common, those unlike some other sample. No score
 * is defined without all of them. By Boyer and Moore's vote ("MJRTY", 1991), which compares n pairs of samples.
 */
export function unlikeMost({ features, labels, multiLabels, targets, labelEmbeddings }: EvidenceInput): number[] {
  const rows = labels ? [{ cols: 1, data: labels }] : [multiLabels ?? targets ?? labelEmbeddings ?? []].flat();
  const areAlike = (a: number, b: number) =>
    rows.every(({ cols, data }) => {
      for (let j = 0; j < cols; j++) if (data[a * cols + j] !== data[b * cols + j]) return false;
      return true;
    });
  let most = 0;
  let lead = 0;
  for (let i = 0; i < features.rows; i++) {
    if (lead === 0) most = i;
    lead += areAlike(i, most) ? 1 : -1;
  }
  return Array.from({ length: features.rows }, (_, i) => i).filter((i) => !areAlike(i, most));
}
