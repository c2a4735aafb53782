import { IMAGE, IMAGE_ENDING } from '../../files/imageNames.ts';
import { readJsonMembers } from './json.ts';
import { isRecord, type JsonRows } from './jsonl.ts';
import { areTexts } from './texts.ts';

/** `{"a.jpg": "cat", …}`, `{"images/1.jpg": ["a caption", …], …}`, up to the first text that is said of an image. */
const HEAD = new RegExp(
  String.raw`^\s*\{\s*"[^"]+${IMAGE_ENDING}"\s*:\s*(\{|\d|\[\s*\d|(?:\[\s*)?"((?:[^"\\]|\\.)*))`,
  'i',
);

/**
 * A JSON object of what is said of images by their names, as rows with a column `image`: beside it stand the members of what
 * is said where these are objects, else a column `label` or `caption`.
 * @param head the first kilobytes of the file, which tell whether it is one, and what it says of the images
 */
export function imageMapIn(file: string, head: string): JsonRows | undefined {
  const [, first, text] = HEAD.exec(head) ?? [];
  // Where the files of a web page are listed, one stands for the other.
  if (first === undefined || IMAGE.test(text ?? '')) return undefined;
  const column = text !== undefined && areTexts([text]) ? 'caption' : 'label';
  return async function* rows(signal) {
    for await (const members of readJsonMembers(file, { signal })) {
      for (const { entry: line, name: image, value } of members) {
        const said = isRecord(value) ? value : { [column]: value };
        yield { line, value: { ...said, image } };
      }
    }
  };
}
