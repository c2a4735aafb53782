import { describe, expect, it } from 'vitest';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { beitShapes, layer, type Shapes, weightsOf } from '../../../../helpers/shapes.ts';

const detect = (shapes: Shapes, file?: string, config?: Record<string, unknown>) =>
  detectArchitecture(weightsOf(shapes, file), config && new Map(Object.entries(config)));

const base = beitShapes(768, 12, 16, 224, 1000);

describe('BEiT of published size', () => {
  it.each<[name: string, shapes: Shapes, millions: number, size: number, resize: number]>([
    ['BEiT-B/16', base, 86.530984, 224, 256],
    ['BEiT-B/16', beitShapes(768, 12, 16, 384, 1000), 86.744104, 384, 384],
    ['BEiT-L/16', beitShapes(1024, 24, 16, 224, 1000), 304.430568, 224, 256],
  ])('%s by names and shapes alone', (name, shapes, millions, size, resize) => {
    const counts = Object.values(shapes).map((shape) => shape.reduce((product, length) => product * length, 1));
    expect(counts.reduce((sum, count) => sum + count)).toBe(Math.round(millions * 1e6));
    const network = detect(shapes);
    expect(network?.architecture).toBe(name);
    expect(network?.hasLogits).toBe(true);
    expect(network?.image?.input).toMatchObject({ height: size, width: size });
    expect(network?.image?.published).toMatchObject({ resize, kernel: 'cubic', mean: [0.5, 0.5, 0.5] });
  });

  it('is told from BEiT v2, whose images are normalised otherwise, by its name, or is a guess', () => {
    expect(detect(base)?.image?.published.guessed).toBe(true);
    const second = detect(base, '/hub/beitv2_base_patch16_224_pt1k_ft21k.pth');
    expect(second?.architecture).toBe('BEiT v2-B/16');
    expect(second?.image?.published.mean).toEqual([0.485, 0.456, 0.406]);
    const first = detect(base, '/hub/beit_base_patch16_224_pt22k_ft22k.pth');
    expect(first?.image?.published.mean).toEqual([0.5, 0.5, 0.5]);
    const configured = detect(base, undefined, { architecture: 'beitv2_base_patch16_224' });
    expect(configured?.architecture).toBe('BEiT v2-B/16');
    for (const network of [first, second, configured]) expect(network?.image?.published.guessed).toBe(false);
    expect(first?.assumed).toBeUndefined();
    expect(detect(beitShapes(768, 11, 16, 224), '/hub/beit.pth')?.assumed).toContain('put its config.json beside it');
  });

  it('is for the images that its biases are for', () => {
    const timm = { architecture: 'beit_base_patch16_384', pretrained_cfg: { input_size: [3, 384, 384] } };
    expect(detect(base, undefined, timm)?.image?.input.height).toBe(224);
    expect(() => detect(base, undefined, { model_type: 'beit', image_size: 384 })).toThrow('images of 384×384 pixels');
  });
});

describe('what is no BEiT that can be built', () => {
  const table = 'blocks.0.attn.relative_position_bias_table';

  it.each<[what: string, shapes: Shapes, config: Record<string, unknown>, message: string]>([
    ['other parts', { ...base, ...layer('decode_head.classifier', 150, 768) }, {}, '"decode_head.classifier.weight"'],
    ['windows that are no squares', { ...base, [table]: [27 * 29 + 3, 12] }, {}, 'no squares'],
    ['an activation', base, { model_type: 'beit', hidden_act: 'mish' }, '"mish"'],
    ['another network', base, { model_type: 'dpt' }, 'config.json says dpt'],
  ])('is refused: %s', (_, shapes, config, message) => {
    expect(() => detect(shapes, undefined, config)).toThrow(message);
  });

  it('is left to others without class token', () => {
    const { cls_token: token, ...others } = base;
    expect(token).toEqual([1, 1, 768]);
    expect(detect(others)).toBeUndefined();
  });
});
