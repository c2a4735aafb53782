import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';

export const assemblyScriptForEsbuild: EsbuildPlugin;
export const assemblyScriptForVite: VitePlugin;
