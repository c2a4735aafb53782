import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TABLE } from '../../../src/engine/datasets/tables/rows.ts';
import { commandIds } from '../../../src/extension/commandIds.ts';
import { parseSettings, settingNames } from '../../../src/extension/settings.ts';
import { rankParamsSchema } from '../../../src/protocol/engine.ts';
import { scoreIdSchema } from '../../../src/protocol/scores.ts';
import { deviceSchema } from '../../../src/protocol/tasks.ts';

const root = new URL('../../../', import.meta.url);
const manifestText = readFileSync(new URL('package.json', root), 'utf8');
const { contributes } = z
  .object({
    contributes: z.object({
      commands: z.array(z.object({ command: z.string(), title: z.string(), category: z.string().optional() })),
      menus: z.record(z.string(), z.array(z.object({ command: z.string(), when: z.string().optional() }))),
      views: z.record(z.string(), z.array(z.object({ id: z.string(), icon: z.string() }))),
      configuration: z.array(
        z.object({
          properties: z.record(
            z.string(),
            z.looseObject({
              default: z.unknown(),
              markdownDescription: z.string(),
              enum: z.array(z.string()).optional(),
              enumItemLabels: z.array(z.string()).optional(),
            }),
          ),
        }),
      ),
      walkthroughs: z.array(z.object({ steps: z.array(z.object({ media: z.object({ markdown: z.string() }) })) })),
    }),
  })
  .parse(JSON.parse(manifestText));
const settings = Object.assign({}, ...contributes.configuration.map(({ properties }) => properties));

describe('package.json', () => {
  test('contributes exactly the commands of the code', () => {
    expect(contributes.commands.map(({ command }) => command).sort()).toEqual([...commandIds].sort());
  });

  test('names every command in the palette with its category', () => {
    const hidden = contributes.menus.commandPalette
      ?.filter(({ when }) => when === 'false')
      .map(({ command }) => command);
    for (const { command, category } of contributes.commands) {
      if (!hidden?.includes(command)) expect(category, command).toBe('EMMS');
    }
  });

  test('calls the ranking of a folder or file by the name that people look for', () => {
    const command = contributes.commands.find((one) => one.command === 'emms.rankDataset');
    expect(command).toMatchObject({ title: 'EMMS: Rank Models for This Dataset' });
    expect(contributes.menus['explorer/context']).toMatchObject([
      { command: 'emms.rankDataset', when: expect.stringMatching(/^explorerResourceIsFolder/) },
      { command: 'emms.rankDataset', when: expect.stringMatching(/^!explorerResourceIsFolder/) },
    ]);
  });

  test('offers the ranking on files of the kinds that hold a dataset by themselves', () => {
    const { when = '' } = contributes.menus['explorer/context']?.[1] ?? {};
    const [, source = '', flags] = /resourceExtname =~ \/(.*)\/(i)$/.exec(when) ?? [];
    const offered = (name: string) => new RegExp(source, flags).test(path.extname(name));
    for (const name of ['a.csv', 'a.TSV', 'a.json', 'a.jsonl', 'a.ndjson', 'a.parquet']) {
      expect(offered(name), name).toBe(true);
      expect(name, 'a kind of table for the engine').toMatch(TABLE);
    }
    expect(offered('a.tar')).toBe(true);
    for (const name of ['a.md', 'a.py', 'a.png', 'a.onnx', 'a.pth.zip', 'a.csv.gz', 'json']) {
      expect(offered(name), name).toBe(false);
    }
  });

  test('refers to no command that there is not', () => {
    const known = new Set<string>(commandIds);
    const views = contributes.views.emms?.map(({ id }) => `${id}.focus`) ?? [];
    const referred = manifestText.matchAll(/(?:command:|"command": "|onCommand:)(emms\.[\w.]+)/g);
    for (const [, id] of referred) expect([...known, ...views]).toContain(id);
    for (const items of Object.values(contributes.menus)) {
      for (const { command } of items) expect(known).toContain(command);
    }
  });

  test('leads from where nothing was found to settings that it has, in the settings that a remote window shows, too', () => {
    const [link] = manifestText.matchAll(/workbench\.action\.open(\w*)Settings\?%22@id:([\w.]+)%22/g);
    expect(settings).toHaveProperty([link?.[2] ?? '']);
    // Of the settings of a machine, those of the user hold no more in a remote window.
    expect(link?.[1]).toBe('Workspace');
    expect(manifestText).not.toContain('workbench.action.openSettings');
  });

  test('offers exactly the scores of the protocol, but for the one that ranks', () => {
    const { items } = z
      .object({ items: z.object({ enum: z.array(z.string()) }) })
      .parse(settings['emms.furtherScores']);
    expect(['emms', ...items.enum]).toEqual(scoreIdSchema.options);
  });

  test('contributes exactly the settings of the code, with the same defaults', () => {
    expect(Object.keys(settings).sort()).toEqual(
      Object.values(settingNames)
        .map((name) => `emms.${name}`)
        .sort(),
    );
    expect(parseSettings((name) => settings[`emms.${name}`]?.default)).toEqual(parseSettings(() => undefined));
    for (const [property, name] of Object.entries(settingNames)) {
      expect(parseSettings(() => undefined)).toHaveProperty(property, settings[`emms.${name}`]?.default);
    }
  });

  test('says of every number the least that the code and the engine take', () => {
    const least = z.looseObject({ type: z.literal('integer'), default: z.int(), minimum: z.int() });
    const params = { limit: 'sampleLimit', seed: 'seed' } as const;
    const numbers = Object.keys(settings).filter((name) => /^(integer|number)$/.test(settings[name].type));
    expect(numbers.sort()).toEqual(Object.values(params).map((name) => `emms.${name}`));
    for (const [param, name] of Object.entries(params)) {
      const { minimum, default: usual } = least.parse(settings[`emms.${name}`]);
      const set = (value: number) => parseSettings((asked) => (asked === name ? value : undefined));
      expect(set(minimum)).toHaveProperty(name, minimum);
      expect(set(minimum - 1)).toHaveProperty(name, usual);
      const request = { workspace: '/w', dataset: '/w/data', cacheFolder: null };
      expect(rankParamsSchema.safeParse({ ...request, [param]: minimum }).success).toBe(true);
      expect(rankParamsSchema.safeParse({ ...request, [param]: minimum - 1 }).success).toBe(false);
    }
  });

  test('labels every value of a setting, or none', () => {
    const labelled = contributes.configuration
      .flatMap(({ properties }) => Object.values(properties))
      .filter(({ enumItemLabels }) => enumItemLabels !== undefined);
    expect(labelled.length).toBeGreaterThan(0);
    for (const { enum: values, enumItemLabels } of labelled) expect(enumItemLabels).toHaveLength(values?.length ?? 0);
  });

  test('offers the devices of the engine', () => {
    expect(settings['emms.device']?.enum).toEqual(deviceSchema.options);
  });

  test('has the files that it names', () => {
    const files = [
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown)),
      ...Object.values(contributes.views).flatMap((views) => views.map(({ icon }) => icon)),
      'media/icon.png',
    ];
    for (const file of files) expect(readFileSync(new URL(file, root)).length, file).toBeGreaterThan(0);
  });
});
