import * as z from 'zod';

/** The tasks a dataset can pose, under the names that the command line, the settings and the report use. */
export const taskSchema = z.enum([
  'image-classification',
  'image-captioning',
  'visual-question-answering',
  'text-question-answering',
  'referring-expression-comprehension',
  'text-classification',
]);
export type Task = z.infer<typeof taskSchema>;

/** For people. */
export const TASK_TITLES: Readonly<Record<Task, string>> = {
  'image-classification': 'Image classification',
  'image-captioning': 'Image captioning',
  'visual-question-answering': 'Visual question answering',
  'text-question-answering': 'Text question answering',
  'referring-expression-comprehension': 'Referring expression comprehension',
  'text-classification': 'Text classification',
};

/** Where inference runs. `auto` is the GPU provider that works and agrees with the CPU, else the CPU. */
export const deviceSchema = z.enum(['auto', 'cpu', 'webgpu', 'cuda', 'coreml', 'dml']);
export type Device = z.infer<typeof deviceSchema>;
