import { cp } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseLabelEncoders } from '../../../../src/engine/embed/labelEncoders.ts';
import { readableNames } from '../../../../src/engine/embed/labelTexts.ts';
import { oneHotWords } from '../../../../src/engine/embed/oneHot.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const ENCODERS = path.join(import.meta.dirname, '../../../fixtures/encoders');

describe('the choice of label encoders', () => {
  let cache: string;
  beforeEach(async () => {
    cache = await temporaryFolder();
    vi.stubEnv('HF_HUB_CACHE', cache);
  });
  afterEach(() => vi.unstubAllEnvs());

  async function download(encoder: string, model: string): Promise<void> {
    const snapshot = path.join(cache, `models--${model.replace('/', '--')}`, 'snapshots', '0123abc');
    await cp(path.join(ENCODERS, encoder), snapshot, { recursive: true });
  }

  it('takes one-hot labels where no encoder is on the machine, and says how to get one', async () => {
    const { encoders, names, missing, reason } = await chooseLabelEncoders(['auto']);
    expect([encoders, names, missing]).toEqual([[], ['onehot'], ['clip', 'bert', 'gpt2']]);
    expect(reason).toContain('google-bert/bert-base-uncased');
  });

  it('takes those of the three that are there', async () => {
    await download('bert', 'google-bert/bert-base-uncased');
    expect(await chooseLabelEncoders(['auto'])).toMatchObject({ names: ['bert'], missing: ['clip', 'gpt2'] });
    await download('clip', 'openai/clip-vit-base-patch32');
    await download('gpt2', 'openai-community/gpt2');
    expect(await chooseLabelEncoders(['auto'])).toMatchObject({ names: ['clip', 'bert', 'gpt2'], missing: [] });
    expect(await chooseLabelEncoders(['auto'], { paper: true })).toMatchObject({ names: ['onehot'] });
  });

  it('takes folders, and refuses what isn’t there', async () => {
    const folder = path.join(ENCODERS, 'roberta');
    expect(await chooseLabelEncoders([folder])).toMatchObject({ names: [folder] });
    await expect(chooseLabelEncoders(['gpt2'])).rejects.toThrow('openai-community/gpt2');
    await expect(chooseLabelEncoders([cache])).rejects.toThrow('no text encoder here');
    await expect(chooseLabelEncoders(['auto', 'bert'])).rejects.toThrow('auto stands alone');
  });
});

describe('class names', () => {
  it.each([
    [
      ['n02085620-Chihuahua', 'n02085782-Japanese_spaniel'],
      ['Chihuahua', 'Japanese spaniel'],
    ],
    [
      ['001.Black_footed_Albatross', '002.Laysan_Albatross'],
      ['Black footed Albatross', 'Laysan Albatross'],
    ],
    [
      ['great_white_shark', 'AnnualCrop', 'n02085620', '737-800'],
      ['great white shark', 'Annual Crop', 'n02085620', '737-800'],
    ],
  ])('are cleaned for reading: %j', (raw, readable) => {
    expect(readableNames(raw)).toEqual(readable);
  });
});

describe('one-hot words', () => {
  it('mark the words that some texts share', () => {
    const { rows, cols, data } = oneHotWords(['a red dog', 'a red cat', 'a blue dog']);
    expect([rows, cols]).toEqual([3, 2]);
    expect([...data]).toEqual([1, 1, 0, 1, 1, 0]);
  });

  it('are the texts themselves where they share none', () => {
    const { cols, data } = oneHotWords(['red', 'blue', 'green']);
    expect(cols).toBe(3);
    expect([...data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});
