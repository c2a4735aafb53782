import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/engine/datasets/open.ts';
import { miniature, pixelOf } from '../../../helpers/miniatures.ts';
import { opened, TWO } from '../../../helpers/tables.ts';

describe('boxes in tables', () => {
  const rows = (...boxes: string[]) => ['image,expression,bbox', ...boxes.map((box, n) => `a.png,part ${n},"${box}"`)];
  const boxesOf = async (lines: string[]) => {
    const dataset = await opened({ ...TWO, 'a.csv': lines.join('\n') });
    expect(dataset.task).toBe('referring-expression-comprehension');
    const targets = (dataset.splits.get('all') ?? []).map(({ target }) => target?.kind === 'box' && target.box);
    return { targets, warnings: dataset.warnings };
  };

  it('are taken as COCO has them, or for two corners where these fit better', async () => {
    // The images have 8 x 8 pixels.
    const sized = await boxesOf(rows('[4, 2, 4, 6]', '(0, 0, 8, 4)', '[2, 4, 2, 2]'));
    expect(sized.targets).toEqual([
      [0.5, 0.25, 0.5, 0.75],
      [0, 0, 1, 0.5],
      [0.25, 0.5, 0.25, 0.25],
    ]);
    expect(sized.warnings).toEqual(['The numbers of boxes are taken for left, top, width, height.']);
    const cornered = await boxesOf(rows('[4, 2, 8, 8]', '[0, 0, 8, 4]', '[2, 4, 6, 8]'));
    expect(cornered.targets).toEqual([
      [0.5, 0.25, 0.5, 0.75],
      [0, 0, 1, 0.5],
      [0.25, 0.5, 0.5, 0.5],
    ]);
    expect(cornered.warnings).toEqual(['The numbers of boxes are taken for left, top, right, bottom.']);
    const shares = await boxesOf(rows('[0.5, 0.25, 0.5, 0.75]', '[0, 0, 1, 0.5]'));
    expect(shares.targets).toEqual(sized.targets.slice(0, 2));
    expect(shares.warnings).toEqual([
      'The numbers of boxes are taken for left, top, width, height, as shares of the image.',
    ]);
  });

  it('have the sentences of RefCOCO’s own files', async () => {
    const sentences = [{ raw: 'Left, one!', sent: 'left one', tokens: [] }];
    const row = { image_path: 'a.png', bbox: [0, 0, 4, 4], sentences };
    expect((await opened({ ...TWO, 'a.jsonl': JSON.stringify(row) })).splits.get('all')?.[0]?.text).toBe('left one');
  });

  it('are passed over, and counted, where they have no size, no image or no four numbers', async () => {
    const lines = [...rows('[4, 2, 4, 6]', '[4, 2, 0, 6]', '[4, 2, 6]'), 'c.png,part,"[0, 0, 1, 2]"'];
    const { targets, warnings } = await boxesOf([...lines, 'd.png,part,"[0, 0, 1, 2]"']);
    expect(targets).toHaveLength(1);
    expect(warnings.slice(1)).toEqual([
      '1 of 5 rows lack a cell (image, box, expression); the first: a.csv:4',
      '2 of 5 rows name images that are not there; the first: a.csv:5: c.png',
      '1 of 5 rows have a box of no size; the first: a.csv:3',
    ]);
  });

  it('are those of each of the expressions, in parquet files with the images, too', async () => {
    const dataset = await openDataset(miniature('RefCOCO'), 'auto');
    const samples = dataset.splits.get('val') ?? [];
    expect(samples.map(({ text }) => text)).toEqual([
      'left, dark',
      'right one',
      'the right half',
      'middle',
      'bottom',
      'lower "strip"',
    ]);
    expect(samples[2]?.target).toEqual({ kind: 'box', box: [0.5, 0.25, 0.5, 0.5] });
    expect(await pixelOf(samples[3])).toEqual({ width: 8, height: 8, pixel: [80, 40, 100] });
  });
});
