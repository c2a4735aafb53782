import type { Task } from '../../protocol/tasks.ts';
import type { Modality } from '../checkpoints/checkpoint.ts';

/**
 * What kinds of networks can be fine-tuned on a task, by what its samples hold; of a network that can be used in several
 * ways the first is taken. Captioning takes image encoders beside captioners: a decoder is put on top of them.
 */
const MODALITIES: Record<Task, readonly Modality[]> = {
  'image-classification': ['image'],
  'image-captioning': ['image-to-text', 'image'],
  'visual-question-answering': ['image-text'],
  'text-question-answering': ['text'],
  'referring-expression-comprehension': ['image-text'],
  'text-classification': ['text'],
};

const WANTED: Record<Modality, string> = {
  image: 'an image',
  text: 'text',
  'image-text': 'an image with text',
  'image-to-text': 'an image with its caption',
};

export function modalitiesFor(task: Task): readonly Modality[] {
  return MODALITIES[task];
}

/** Why a network can't serve the task; undefined when it can. */
export function whyUnfitForTask(modality: string, task: Task): string | undefined {
  const modalities = MODALITIES[task];
  if (modalities.some((fitting) => fitting === modality)) return undefined;
  const wanted = modalities.map((fitting) => WANTED[fitting]).join(' or ');
  return `A network of modality ${modality} can't serve ${task}, which needs one that takes ${wanted}.`;
}
