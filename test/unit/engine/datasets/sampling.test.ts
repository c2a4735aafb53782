import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawStratified, Reservoir } from '../../../../src/engine/datasets/sampling.ts';

describe('drawStratified', () => {
  const samples = fc
    .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 200 })
    .map((labels) => labels.map((label, index) => ({ id: `s${index}`, file: `s${index}`, label })));

  it('keeps the class shares in every prefix, and smaller draws lie in larger ones', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 200 }), fc.nat(10), (all, limit, seed) => {
        const drawn = drawStratified(all, limit, seed);
        expect(drawn).toHaveLength(Math.min(limit, all.length));
        expect(drawStratified(all, all.length, seed).slice(0, limit)).toEqual(drawn);
        for (const label of new Set(all.map((sample) => sample.label))) {
          const share = all.filter((sample) => sample.label === label).length / all.length;
          const taken = drawn.filter((sample) => sample.label === label).length;
          expect(Math.abs(taken - share * drawn.length)).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it('does not depend on the order of the files, only on the seed', () => {
    const all = Array.from({ length: 50 }, (_, index) => ({ id: `s${index}`, file: '', label: index % 3 }));
    expect(drawStratified([...all].reverse(), 20, 1)).toEqual(drawStratified(all, 20, 1));
    expect(drawStratified(all, 20, 2)).not.toEqual(drawStratified(all, 20, 1));
  });
});

describe('Reservoir', () => {
  function held(
    count: number,
    room: { items: number; characters: number },
    characters: number,
    passages = 0,
  ): readonly number[] {
    const reservoir = new Reservoir<number>(room);
    for (let item = 0; item < count; item += 1) {
      reservoir.add(item, characters, passages === 0 ? '' : `${Math.floor(item / passages)}`.padStart(100));
    }
    expect(reservoir.overflowed).toBe(reservoir.items.length < count);
    return reservoir.items;
  }

  it('holds everything while there is room', () => {
    expect(held(100, { items: 100, characters: 1000 }, 10)).toHaveLength(100);
    expect(held(100, { items: 100, characters: 2000 }, 10, 10)).toHaveLength(100);
  });

  it.each([
    ['items', { items: 1000, characters: 1e9 }, 0],
    ['texts', { items: 1e9, characters: 10_000 }, 0],
    ['shared texts', { items: 1e9, characters: 100_000 }, 7],
  ])('never holds more %s than there is room for, and all parts of the stream alike', (_, room, passages) => {
    const items = held(100_000, room, 10, passages);
    expect(items).toEqual(held(100_000, room, 10, passages));
    expect(items.length).toBeGreaterThan(400);
    expect(items.length).toBeLessThanOrEqual(1000);
    const early = items.filter((item) => item < 50_000).length;
    expect(early / items.length).toBeGreaterThan(0.4);
    expect(early / items.length).toBeLessThan(0.6);
  });
});
