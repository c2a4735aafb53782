import { describe, expect, it } from 'vitest';
import { setting } from '../../../../../src/engine/checkpoints/architectures/visionTransformer.ts';

describe('a setting among the arguments that timm notes', () => {
  it('is looked up, for a hostile file has a hundred thousand of them', () => {
    const ownKeys = () => {
      throw new Error('all arguments were listed');
    };
    const config = new Map([['model_args', new Proxy({ depth: 3 }, { ownKeys })]]);
    expect(setting(config, 'depth')).toBe(3);
    expect(setting(config, 'constructor')).toBeUndefined();
  });
});
