import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, keyOf, placeIn, textOf } from '../annotatedSamples.ts';
import { namesOf, readTogether } from '../annotationFiles.ts';
import { mostFrequent } from '../annotationKinds.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, locate } from '../folders.ts';
import { splitWithin } from '../splitNames.ts';
import { indexJsonList, type JsonIndex, readJsonList } from '../tables/json.ts';
import { isRecord } from '../tables/jsonl.ts';

const QUESTIONS = /^(v2_)?OpenEnded_.*_questions\.json$/i;
const ANNOTATIONS = /^(v2_)?mscoco_.*_annotations\.json$/i;
/** `Questions`, or those of the archives, `v2_Questions_Train_mscoco`. */
const ANNOTATION_FOLDER = /^(v2_)?(questions|annotations)/i;
/** COCO's years: `mscoco_train2014`. */
const SUBSET = /(train|val|test)\d{4}/i;
const QUESTION_MEMBERS = ['question_id', 'image_id', 'question'];
/** COCO pads the number of an image to twelve digits. */
const DIGITS = 12;

/**
 * VQA v2 (https://visualqa.org/download.html): `v2_OpenEnded_mscoco_train2014_questions.json` with the questions,
 * `v2_mscoco_train2014_annotations.json` with the answers, pictures `train2014/COCO_train2014_000000458752.jpg`. The
 * classes are the answers that most people gave. The first version, without `v2_`, is a choice where both are there.
 * OK-VQA (https://okvqa.allenai.org) has the same structure.
 */
export const vqaV2: DatasetLayout = {
  format: 'vqa-v2',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => pairsIn(candidate).length > 0 && countImages(candidate) > 0);
    if (!root) return undefined;
    const newestFirst = readTogether(pairsIn(root)).sort((a, b) => Number(isSecond(b.path)) - Number(isSecond(a.path)));
    return newestFirst.map((set) => ({
      task: 'visual-question-answering',
      path: set.path,
      reason: `VQA: ${namesOf(set.files)} with answers and ${formatCount(countImages(root))} images`,
      open: async (signal, counting) => {
        const folders = set.files.flatMap(({ subset }) => [subset, `images/${subset}`]);
        const samples = new AnnotatedSamples(root, this.format, 'visual-question-answering', folders, counting);
        for (const { file, annotations, subset, split } of set.files) {
          if (annotations === undefined) {
            throw new InputError(
              `${file}: the file with its answers, mscoco_${subset}_annotations.json, is not there; put it beside. Those of test images are not published.`,
            );
          }
          const answers = await answersIn(annotations, signal);
          // Questions on one image stand together.
          let [last, name] = ['', ''];
          for await (const entries of readJsonList(file, 'questions', { members: QUESTION_MEMBERS, signal })) {
            for (const { entry, value } of entries) {
              const where = placeIn(file, entry);
              const [id, image, text] = isRecord(value)
                ? [keyOf(value.question_id), keyOf(value.image_id), textOf(value.question)]
                : [];
              const label = isRecord(value) ? answers.get(value.question_id) : undefined;
              if (id === undefined || image === undefined || text === undefined)
                samples.skip('have no question', where);
              else if (label === undefined) samples.skip('have no answer', where);
              else {
                if (image !== last) [last, name] = [image, `COCO_${subset}_${image.padStart(DIGITS, '0')}.jpg`];
                samples.add({ split, file, where, id, image: name, text, label });
              }
            }
          }
        }
        return samples.dataset();
      },
    }));
  },
};

/** By question. OK-VQA's file has no more than what each of ten people said. */
async function answersIn(file: string, signal: AbortSignal | undefined): Promise<JsonIndex<string>> {
  const chosen = ['question_id', 'multiple_choice_answer'];
  const answers = await indexJsonList(file, 'annotations', chosen, answerOf, signal);
  if (answers.size > 0) return answers;
  return indexJsonList(file, 'annotations', ['question_id', 'answers'], mostGiven, signal);
}

function mostGiven(value: Record<string, unknown>): [question: unknown, answer: string] | undefined {
  const said = Array.isArray(value.answers) ? value.answers : [];
  const answer = mostFrequent(said.flatMap((one) => (isRecord(one) ? (textOf(one.answer) ?? []) : [])));
  return answer === undefined ? undefined : [value.question_id, answer];
}

function answerOf(value: Record<string, unknown>): [question: unknown, answer: string] | undefined {
  const answer = textOf(value.multiple_choice_answer);
  return answer === undefined ? undefined : [value.question_id, answer];
}

interface Questions {
  readonly file: string;
  /** The answers. */
  readonly annotations: string | undefined;
  readonly subset: string;
  readonly split: string;
}

/** Questions and their answers; those without, to say so, where there are no others. */
function pairsIn(folder: Folder): Questions[] {
  const files = [folder, ...folder.folders.filter(({ name }) => ANNOTATION_FOLDER.test(name))].flatMap((place) =>
    place.files.map((name) => ({ name, file: path.join(place.path, name) })),
  );
  const questions = files.flatMap(({ name, file }): Questions[] => {
    const subset = QUESTIONS.test(name) ? SUBSET.exec(name)?.[0] : undefined;
    if (subset === undefined) return [];
    const answers = files.find(
      (other) => ANNOTATIONS.test(other.name) && other.name.includes(subset) && isSecond(other.name) === isSecond(name),
    );
    return [{ file, annotations: answers?.file, subset, split: splitWithin(subset) ?? subset }];
  });
  const answered = questions.filter(({ annotations }) => annotations !== undefined);
  return answered.length > 0 ? answered : questions;
}

function isSecond(file: string): boolean {
  return /^v2_/i.test(path.basename(file));
}
