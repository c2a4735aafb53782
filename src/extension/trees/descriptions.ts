import type { CheckpointSummary, DatasetSummary } from '../../protocol/discovery.ts';
import { formatBytes, formatParameters, formatQuantity } from '../../protocol/format.ts';
import { TASK_TITLES } from '../../protocol/tasks.ts';

/** What the samples of a task are, where it isn't told by the number of classes. */
const SAMPLES: Partial<Record<DatasetSummary['task'], string>> = {
  'image-captioning': 'captions',
  'visual-question-answering': 'questions on images',
  'text-question-answering': 'questions on texts',
  'referring-expression-comprehension': 'referring expressions',
};

/**
 * For instance "10 classes · 1,500 samples", "captions · 8,091 samples"; the task alone where nothing was counted.
 * @param folder of the workspace, to tell datasets of the same name apart; none where there is only one
 */
export function datasetDescription({ task, classes, samples }: DatasetSummary, folder?: string): string {
  const ofClasses = classes === null || classes === 0 ? TASK_TITLES[task] : formatQuantity(classes, 'class', 'classes');
  return [
    SAMPLES[task] ?? ofClasses,
    ...(samples === null ? [] : [formatQuantity(samples, 'sample')]),
    ...(folder === undefined ? [] : [folder]),
  ].join(' · ');
}

/** For instance "#2 · residual CNN · 200 K · 800 KB"; without the rank while there is none. */
export function checkpointDescription(checkpoint: CheckpointSummary, rank: number | undefined): string {
  return [
    ...(rank === undefined ? [] : [`#${rank}`]),
    checkpoint.architecture,
    formatParameters(checkpoint.parameters),
    formatBytes(checkpoint.bytes),
  ].join(' · ');
}
