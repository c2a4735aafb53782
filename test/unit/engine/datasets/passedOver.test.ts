import { describe, expect, it } from 'vitest';
import { PassedOver } from '../../../../src/engine/datasets/passedOver.ts';

describe('PassedOver', () => {
  it('groups thousands and shows what was passed over in one short line', () => {
    const passedOver = new PassedOver();
    for (let row = 0; row < 8091; row += 1) passedOver.row();
    for (let row = 0; row < 3; row += 1)
      passedOver.add('name images that are not there', 'flickr.csv:17: images/\nx.jpg');
    passedOver.add('are long', 'y'.repeat(1000));
    expect(passedOver.warnings()).toEqual([
      '3 of 8,091 rows name images that are not there; the first: flickr.csv:17: images/ x.jpg',
      `1 of 8,091 rows are long; the first: ${'y'.repeat(200)}…`,
    ]);
  });
});
