import * as z from 'zod';
import { scoreIdSchema } from '../protocol/scores.ts';
import { deviceSchema } from '../protocol/tasks.ts';

/** How EMMS is computed; `cv`, on held-out samples, is the one that compares models of any width. */
const variantSchema = z.enum(['cv', 'exact', 'paper', 'reference']);

/** A value that doesn't fit falls back to its default: a typing error in settings.json must not stop the extension. */
const settingsSchema = z.object({
  variant: variantSchema.catch('cv'),
  furtherScores: z.array(scoreIdSchema).catch([]),
  labelEncoders: z.array(z.string().min(1)).min(1).catch(['auto']),
  encoderSet: z.enum(['base', 'paper']).catch('base'),
  labelTemplates: z.record(z.string(), z.string()).catch({}),
  sampleLimit: z.int().min(2).catch(2000),
  device: deviceSchema.catch('auto'),
  seed: z.int().min(0).catch(0),
  checkpointFolders: z.array(z.string().min(1)).catch([]),
  searchModelCaches: z.boolean().catch(true),
  exclude: z.array(z.string().min(1)).catch([]),
  cacheFolder: z.string().catch(''),
  codeLensEnabled: z.boolean().catch(true),
  hoverEnabled: z.boolean().catch(true),
});
export type Settings = z.infer<typeof settingsSchema>;

/** The name in settings.json, without the leading `emms.`, of each setting. */
export const settingNames = {
  variant: 'variant',
  furtherScores: 'furtherScores',
  labelEncoders: 'labelEncoders',
  encoderSet: 'encoderSet',
  labelTemplates: 'labelTemplates',
  sampleLimit: 'sampleLimit',
  device: 'device',
  seed: 'seed',
  checkpointFolders: 'checkpointFolders',
  searchModelCaches: 'searchModelCaches',
  exclude: 'exclude',
  cacheFolder: 'cacheFolder',
  codeLensEnabled: 'codeLens.enabled',
  hoverEnabled: 'hover.enabled',
} as const satisfies Record<keyof Settings, string>;

/** @param get reads one setting by its name without the leading `emms.`. */
export function parseSettings(get: (name: string) => unknown): Settings {
  return settingsSchema.parse(
    Object.fromEntries(Object.entries(settingNames).map(([property, name]) => [property, get(name)])),
  );
}
