import type { Task } from '../../protocol/tasks.ts';
import { type Annotation, textOf } from './annotatedSamples.ts';
import type { Role } from './columnNames.ts';
import { classesIn } from './huggingFaceFeatures.ts';
import { boxIn, type Numbers } from './pixelBoxes.ts';
import { isRecord } from './tables/jsonl.ts';
import { listedIn } from './tables/pythonLiterals.ts';

/** What a row holds. */
interface Cells {
  /** The cells of a role's columns. */
  of(role: Role): readonly unknown[];
  /** The names of the classes that the numbers in a role's column stand for, or that each of its columns does. */
  namesOf(role: Role): readonly string[] | undefined;
}

/** A kind of tables: the columns that a task needs, and what a row of them says. */
export interface AnnotationKind {
  readonly format: string;
  readonly task: Task;
  readonly roles: readonly Role[];
  readonly reason: string;
  /** The role whose cells may hold separators without quotes around them. */
  readonly freeText?: Role;
  /** Empty where a cell that is needed is empty. A box is told by its numbers. */
  annotations(cells: Cells): (Pick<Annotation, 'text' | 'context' | 'target' | 'label'> & { box?: Numbers })[];
}

/** Networks read some hundred words of a text. */
const MAX_CHARACTERS = 20_000;
/** What a question without an answer in its passage is labelled with, as in SQuAD 2.0's own files. */
export const UNANSWERABLE = 'unanswerable';

/** Where a table fits several, the first is meant. */
export const KINDS: readonly AnnotationKind[] = [
  {
    format: 'expression-table',
    task: 'referring-expression-comprehension',
    roles: ['image', 'box', 'expression'],
    reason: 'a table of images, boxes and expressions',
    annotations(cells) {
      const box = boxIn(cells.of('box')[0]);
      return box ? captionsIn(cells.of('expression')).map((text) => ({ text, box })) : [];
    },
  },
  {
    format: 'question-table',
    task: 'visual-question-answering',
    roles: ['image', 'question', 'answer'],
    reason: 'a table of images, questions and answers',
    annotations(cells) {
      const text = textIn(cells.of('question'));
      const answer = chosenAmong(cells.of('choices')[0], cells.of('answer')[0]);
      const label = mostFrequent(answersIn(answer, cells.namesOf('answer')));
      return text === undefined || label === undefined ? [] : [{ text, label }];
    },
  },
  {
    format: 'passage-table',
    task: 'text-question-answering',
    roles: ['question', 'context', 'answer'],
    reason: 'a table of questions, passages and answers',
    annotations(cells) {
      const [text, context] = [textIn(cells.of('question')), textIn(cells.of('context'))];
      const value = unlisted(cells.of('answer')[0]);
      const answer =
        answersIn(value, undefined)[0] ?? (isRecord(value) || Array.isArray(value) ? UNANSWERABLE : undefined);
      if (text === undefined || context === undefined || answer === undefined) return [];
      return [{ text, context, target: { kind: 'text', text: answer } }];
    },
  },
  {
    format: 'caption-table',
    task: 'image-captioning',
    roles: ['image', 'caption'],
    reason: 'a table of images and captions',
    freeText: 'caption',
    annotations(cells) {
      return captionsIn(cells.of('caption')).map((text) => ({ target: { kind: 'text', text } }));
    },
  },
  {
    format: 'text-table',
    task: 'text-classification',
    roles: ['text', 'label'],
    reason: 'a table of texts and classes',
    freeText: 'text',
    annotations(cells) {
      const text = textIn(cells.of('text'));
      const marks = cells.of('label');
      const names = cells.namesOf('label');
      const labels = marks.length > 1 ? markedAmong(marks, names) : labelsIn(marks[0], names);
      const [label, ...others] = labels;
      const context = textIn(cells.of('context'));
      return text === undefined || label === undefined
        ? []
        : [{ text, label: others.length > 0 ? labels : label, context }];
    },
  },
];

/** The texts of cells, one after the other; line breaks that are written `\n`, as in AG News, are spaces. */
function textIn(cells: readonly unknown[]): string | undefined {
  const texts = cells.flatMap((cell) => textOf(cell)?.slice(0, MAX_CHARACTERS) ?? []);
  return textOf(texts.join(' ').replaceAll('\\n', ' '));
}

/** A caption, a list of some, which is a text in CSV, or `{raw}` as in Karpathy's files, `{sent}` as in RefCOCO's. */
function captionsIn(cells: readonly unknown[]): string[] {
  return cells.flatMap((cell) => {
    const list = typeof cell === 'string' ? listedIn(cell) : cell;
    if (Array.isArray(list)) return captionsIn(list);
    return textOf(isRecord(cell) ? (cell.sent ?? cell.raw ?? cell.caption) : cell) ?? [];
  });
}

/** What a cell holds, which may be a text of a list or dict. */
function unlisted(cell: unknown): unknown {
  return typeof cell === 'string' ? (listedIn(cell) ?? cell) : cell;
}

/**
 * The different classes of a text; those of GoEmotions are numbers with commas between them, `3,10`, and in CSV the number
 * of a class with a name is a text.
 */
function labelsIn(cell: unknown, names: readonly string[] | undefined): string[] {
  const areNumbers =
    typeof cell === 'string' && (names ? /^\d{1,4}(,\d{1,4})*$/ : /^\d{1,4}(,\d{1,4})+$/).test(cell.trim());
  const numbers = areNumbers ? cell.split(',').map((number) => (names ? Number(number) : number)) : undefined;
  const listed = numbers ?? unlisted(cell);
  // What annotators did not agree on is marked so in SNLI and MNLI.
  return [...new Set(classesIn(listed, names))].filter((name) => name !== '-');
}

/** The classes whose columns have a 1; none where another one has more than a mark. */
function markedAmong(cells: readonly unknown[], names: readonly string[] = []): string[] {
  const marks = cells.map(Number);
  return marks.every((mark) => mark === 0 || mark === 1) ? names.filter((_, index) => marks[index] === 1) : [];
}

/**
 * An answer, or those of several people: `[{answer}, …]` as in VQA v2, `{text: […], answer_start: […]}` as in SQuAD,
 * `{ids: [answer, …], weights: […]}` as copies of VQA v2 for ViLT have them.
 */
function answersIn(cell: unknown, names: readonly string[] | undefined): string[] {
  const value = unlisted(cell);
  if (Array.isArray(value)) return value.flatMap((item) => answersIn(item, names));
  if (isRecord(value)) return answersIn(value.text ?? value.answer ?? mostWeighted(value), names);
  return classesIn(value, names);
}

/** The answer that is told by its place among the choices of a question: `1` as in ScienceQA, `B` as in MMMU. */
function chosenAmong(choices: unknown, answer: unknown): unknown {
  const listed = unlisted(choices);
  const told = String(answer).trim();
  const place = /^[A-Z]$/.test(told) ? told.charCodeAt(0) - 'A'.charCodeAt(0) : /^\d+$/.test(told) ? Number(told) : -1;
  return (Array.isArray(listed) ? listed[place] : undefined) ?? answer;
}

function mostWeighted({ ids, weights }: Record<string, unknown>): unknown {
  if (!Array.isArray(ids) || !Array.isArray(weights)) return undefined;
  const shares = weights.map(Number);
  return ids[shares.indexOf(Math.max(...shares))];
}

/** The first of those that most people gave. */
export function mostFrequent(answers: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts].reduce<[string, number] | undefined>(
    (best, entry) => (best && best[1] >= entry[1] ? best : entry),
    undefined,
  )?.[0];
}
