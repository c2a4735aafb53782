import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from '../annotatedSamples.ts';
import { lookedThrough, namesOf, readTogether, withSplit } from '../annotationFiles.ts';
import { UNANSWERABLE } from '../annotationKinds.ts';
import type { DatasetLayout } from '../dataset.ts';
import { filesNamed, locate } from '../folders.ts';
import { headOf } from '../tables/csv.ts';
import { readJsonList } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

const PARAGRAPHS = /"paragraphs"\s*:/;
const CONTEXT = /"(context|qas)"\s*:/;

/** A folder of more JSON files holds one per sample or the like; so many are looked into. */
const MAX_FILES = 64;

/**
 * SQuAD 1.1 and 2.0 (https://rajpurkar.github.io/SQuAD-explorer): `train-v1.1.json`, `dev-v2.0.json`, and what shares
 * their structure, `data[].paragraphs[].{context, qas[].{id, question, answers[].text}}`. The label of a question is its
 * first answer as a text. Versions that lie side by side are a choice.
 */
export const squad: DatasetLayout = {
  format: 'squad',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => jsonFiles(candidate).length > 0);
    if (!root) return undefined;
    const files = await lookedThrough(jsonFiles(root), async (file) => {
      const head = await headOf(file);
      return PARAGRAPHS.test(head) && CONTEXT.test(head);
    });
    return readTogether(files.map(withSplit)).map((set) => ({
      task: 'text-question-answering',
      path: set.path,
      reason: `questions on passages as SQuAD has them: ${namesOf(set.files)}`,
      open: async (signal, counting) => {
        const samples = new AnnotatedSamples(root, this.format, 'text-question-answering', [], counting);
        for (const { file, split } of set.files) {
          for await (const entries of readJsonList(file, 'data', { members: ['paragraphs'], signal })) {
            for (const { entry, value } of entries) {
              const where = placeIn(file, entry);
              const paragraphs = isRecord(value) && Array.isArray(value.paragraphs) ? value.paragraphs : undefined;
              if (!paragraphs) samples.skip('are no articles with paragraphs', where);
              for (const paragraph of paragraphs ?? []) addParagraph(samples, paragraph, { file, entry, where, split });
            }
          }
        }
        return samples.dataset();
      },
    }));
  },
};

interface Place {
  readonly file: string;
  readonly entry: number;
  readonly where: string;
  readonly split: string;
}

function addParagraph(samples: AnnotatedSamples, paragraph: unknown, place: Place): void {
  const context = isRecord(paragraph) ? textOf(paragraph.context) : undefined;
  if (!isRecord(paragraph) || context === undefined || !Array.isArray(paragraph.qas)) {
    samples.skip('are no passages with questions', place.where);
    return;
  }
  for (const question of paragraph.qas) addQuestion(samples, question, context, place);
}

function addQuestion(samples: AnnotatedSamples, question: unknown, context: string, place: Place): void {
  const { file, entry, where, split } = place;
  const text = isRecord(question) ? textOf(question.question) : undefined;
  if (!isRecord(question) || text === undefined) {
    samples.skip('have no question', where);
    return;
  }
  const [first] = Array.isArray(question.answers) ? question.answers : [];
  const answer = isRecord(first) ? textOf(first.text) : undefined;
  if (answer === undefined && question.is_impossible !== true) samples.skip('have no answer', where);
  else {
    const id = keyOf(question.id) ?? `${entry}:${text}`;
    samples.add({ split, file, where, id, text, context, target: { kind: 'text', text: answer ?? UNANSWERABLE } });
  }
}

function jsonFiles(folder: Folder): string[] {
  return filesNamed(folder, /\.json$/i).slice(0, MAX_FILES);
}
