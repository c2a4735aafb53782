import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheFolder, discoverParams, rankParams } from '../../../../src/extension/engine/requestParams.ts';
import { parseSettings, type Settings } from '../../../../src/extension/settings.ts';
import { rankParamsSchema } from '../../../../src/protocol/engine.ts';

const defaults = parseSettings(() => undefined);

describe('settings', () => {
  test('fall back to their defaults, each by itself, where they make no sense', () => {
    const written: Record<string, unknown> = { sampleLimit: 'many', device: 'abacus', seed: 7, exclude: ['a', 3] };
    expect(parseSettings((name) => written[name])).toEqual({ ...defaults, seed: 7 });
  });
});

describe('the parameters of a request', () => {
  test('take folders from the home folder, the workspace or the root', () => {
    const settings = { ...defaults, checkpointFolders: ['~/models', 'more', '/opt/models'] };
    expect(discoverParams('/w', settings, {}).checkpointFolders).toEqual([
      path.join(os.homedir(), 'models'),
      '/w/more',
      '/opt/models',
    ]);
  });

  test('pass over what files.exclude hides everywhere, and what the setting names', () => {
    const filesExclude = {
      '**/.git': true,
      '**/node_modules': true,
      '**/shown': false,
      '**/*.js': { when: '$(basename).ts' },
      '**/*.tmp': true,
      'build/out': true,
    };
    const settings = { ...defaults, exclude: ['old', '.git'] };
    expect(discoverParams('/w', settings, filesExclude).excludes).toEqual(['old', '.git', 'node_modules']);
  });

  test('say what the settings say, and fit the protocol', () => {
    const settings = {
      ...defaults,
      variant: 'paper',
      furtherScores: ['knn'],
      sampleLimit: 10,
      device: 'cpu',
      seed: 3,
    } satisfies Settings;
    const dataset = { path: '/w/data', task: 'image-captioning' } as const;
    const params = rankParams(dataset, discoverParams('/w', settings, {}), ['/w'], settings, '/cache');
    expect(params).toMatchObject({
      dataset: '/w/data',
      task: 'image-captioning',
      metric: 'emms:paper',
      also: ['knn'],
      limit: 10,
      device: 'cpu',
      seed: 3,
      cacheFolder: '/cache',
    });
    expect(rankParamsSchema.parse(params)).toEqual(params);
  });

  test('name the other folders of the window: the checkpoints may lie there', () => {
    const discover = discoverParams('/w/data', { ...defaults, checkpointFolders: ['/opt/models'] }, {});
    const params = rankParams(
      { path: '/w/data/d', task: 'auto' },
      discover,
      ['/w/models', '/w/data'],
      defaults,
      '/cache',
    );
    expect(params).toMatchObject({ workspace: '/w/data', checkpointFolders: ['/opt/models', '/w/models'] });
  });

  test('keep the cache where the setting says', () => {
    expect(cacheFolder(defaults, '/default')).toBe('/default');
    expect(cacheFolder({ ...defaults, cacheFolder: '~/c' }, '/default')).toBe(path.join(os.homedir(), 'c'));
    expect(cacheFolder({ ...defaults, cacheFolder: '/c' }, '/default')).toBe('/c');
  });
});
