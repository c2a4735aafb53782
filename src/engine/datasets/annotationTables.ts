import path from 'node:path';
import type { Task } from '../../protocol/tasks.ts';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, type Annotation, keyOf, placeIn, textOf } from './annotatedSamples.ts';
import type { DatasetLayout, ImageSource } from './dataset.ts';
import { countImages } from './folders.ts';
import { splitWithin } from './splitNames.ts';
import { isRecord } from './tables/jsonl.ts';
import { openTable, TABLE, type Table, type TableRow } from './tables/rows.ts';

const MAX_TABLES = 24;
/** Networks read some hundred words of a text. */
const MAX_CHARACTERS = 20_000;

/** Names of columns in small letters without signs, those that say most first. */
const COLUMNS = {
  image: ['image', 'imagepath', 'imagefile', 'filename', 'img', 'file', 'path', 'imageid'],
  caption: ['caption', 'captions', 'sentences', 'sentence'],
  question: ['question', 'questions'],
  answer: ['answer', 'multiplechoiceanswer', 'answers', 'label'],
  context: ['context', 'passage', 'paragraph'],
  text: ['text', 'sentence', 'review', 'content', 'comment', 'tweet', 'document', 'body', 'title'],
  label: ['label', 'labels', 'class', 'category', 'sentiment', 'target', 'emotion', 'topic', 'stars', 'rating'],
} as const;
type Role = keyof typeof COLUMNS;

/** The columns that a task needs, and what a row of them says. */
interface Kind {
  readonly format: string;
  readonly task: Task;
  readonly roles: readonly Role[];
  readonly reason: string;
  annotations(values: Readonly<Record<Role, unknown>>): Pick<Annotation, 'text' | 'context' | 'target' | 'label'>[];
}

const KINDS: readonly Kind[] = [
  {
    format: 'question-table',
    task: 'visual-question-answering',
    roles: ['image', 'question', 'answer'],
    reason: 'a table of images, questions and answers',
    annotations({ question, answer }) {
      const [text, label] = [textOf(question), answerOf(answer)];
      return text === undefined || label === undefined ? [] : [{ text, label }];
    },
  },
  {
    format: 'passage-table',
    task: 'text-question-answering',
    roles: ['question', 'context', 'answer'],
    reason: 'a table of questions, passages and answers',
    annotations({ question, context, answer }) {
      const [text, passage] = [textOf(question), textOf(context)];
      if (text === undefined || passage === undefined) return [];
      return [{ text, context: passage, target: { kind: 'text', text: answerOf(answer) ?? 'unanswerable' } }];
    },
  },
  {
    format: 'caption-table',
    task: 'image-captioning',
    roles: ['image', 'caption'],
    reason: 'a table of images and captions',
    annotations({ caption }) {
      const captions = (Array.isArray(caption) ? caption : [caption]).map(textOf);
      return captions.flatMap((text) => (text === undefined ? [] : [{ target: { kind: 'text' as const, text } }]));
    },
  },
  {
    format: 'text-table',
    task: 'text-classification',
    roles: ['text', 'label'],
    reason: 'a table of texts and classes',
    annotations({ text, label }) {
      const [content, name] = [textOf(text), textOf(label) ?? keyOf(label)];
      return content === undefined || name === undefined
        ? []
        : [{ text: content.slice(0, MAX_CHARACTERS), label: name }];
    },
  },
];

/**
 * Tables with a row per sample, as CSV, TSV, JSON Lines or parquet, told by the names of their columns: captions,
 * questions on images, questions on passages (Hugging Face's `squad` among them), classes of texts. A table per split,
 * `train.csv`, `data/test-00000-of-00001.parquet`, or one for all.
 */
export const annotationTables: readonly DatasetLayout[] = KINDS.map((kind) => ({
  format: kind.format,

  async recognise(folder) {
    const tables: { table: Table; columns: Record<Role, string> }[] = [];
    for (const file of tableFiles(folder)) {
      const table = await openTable(file).catch(() => undefined);
      const columns = table && rolesIn(table.columns, kind);
      if (table && columns) tables.push({ table, columns });
    }
    const [first] = tables;
    const withImages = kind.roles.includes('image');
    if (!first || (withImages && countImages(folder) === 0 && !first.table.imageBytes)) return undefined;
    const names = tables.map(({ table }) => path.basename(table.file)).join(', ');
    const shown = kind.roles.map((role) => `${role}: ${first.columns[role]}`).join(', ');
    return {
      task: kind.task,
      reason: `${kind.reason}: ${names} (${shown})`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(folder, this.format, kind.task, ['images', 'train']);
        for (const { table, columns } of tables) {
          const split = splitWithin(path.basename(table.file)) ?? 'all';
          const read = kind.roles.filter((role) => role !== 'image' || !table.imageBytes).map((role) => columns[role]);
          for await (const row of table.rows(read, signal)) addRow(samples, kind, table, columns, row, split);
        }
        return samples.dataset();
      },
    };
  },
}));

function addRow(
  samples: AnnotatedSamples,
  kind: Kind,
  table: Table,
  columns: Readonly<Record<Role, string>>,
  { line, values }: TableRow,
  split: string,
): void {
  const where = placeIn(table.file, line);
  const cells = Object.fromEntries(Object.entries(columns).map(([role, column]) => [role, values[column]]));
  const image = kind.roles.includes('image') ? imageOf(table, columns.image, line, values) : undefined;
  if (kind.roles.includes('image') && image === undefined) {
    samples.skip('name no image', where);
    return;
  }
  const annotations = kind.annotations(cells as Record<Role, unknown>);
  if (annotations.length === 0) samples.skip(`lack a cell (${kind.roles.join(', ')})`, where);
  for (const [index, annotation] of annotations.entries()) {
    const id = `${path.basename(table.file)}:${line}:${index}`;
    samples.add({ ...annotation, split, file: table.file, where, id, ...(image !== undefined && { image }) });
  }
}

function imageOf(
  table: Table,
  column: string,
  line: number,
  values: Readonly<Record<string, unknown>>,
): string | ImageSource | undefined {
  const { imageBytes } = table;
  if (imageBytes) return { read: () => imageBytes(column, line - 1) };
  return textOf(values[column]) ?? keyOf(values[column]);
}

/** An answer, the first of several, or the first of SQuAD's `{text: […], answer_start: […]}`. */
function answerOf(value: unknown): string | undefined {
  if (isRecord(value)) return answerOf(value.text ?? value.answer);
  if (Array.isArray(value)) return answerOf(value[0]);
  return textOf(value) ?? keyOf(value);
}

/** The column of each role that the kind needs; nothing when one is missing. */
function rolesIn(columns: readonly string[], kind: Kind): Record<Role, string> | undefined {
  const taken: Partial<Record<Role, string>> = {};
  for (const role of kind.roles) {
    const named = (name: string) =>
      columns.find(
        (column) => column.toLowerCase().replace(/[^a-z]/g, '') === name && !Object.values(taken).includes(column),
      );
    const column = COLUMNS[role].map(named).find((found) => found !== undefined);
    if (column === undefined) return undefined;
    taken[role] = column;
  }
  return taken as Record<Role, string>;
}

function tableFiles(folder: Folder): string[] {
  return [folder, ...folder.folders.filter(({ name }) => /^(data|annotations|default|plain_text)$/i.test(name))]
    .flatMap((place) => place.files.filter((name) => TABLE.test(name)).map((name) => path.join(place.path, name)))
    .slice(0, MAX_TABLES);
}
