import { defineConfig } from 'vitest/config';
import { assemblyScriptForVite } from './scripts/assemblyScript.mjs';

export default defineConfig({
  plugins: [assemblyScriptForVite],
  test: {
    // Engine tests run ONNX Runtime, which takes every core itself: files run side by side only gain little.
    maxWorkers: 2,
    testTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // WebAssembly: V8 doesn't count in there.
      exclude: ['src/engine/linalg/wasm/kernels/**', 'src/engine/datasets/tables/jsonScanner/**'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'out/coverage',
    },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/e2e/globalSetup.ts',
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // One VS Code and one browser at a time, and after everything else.
          fileParallelism: false,
          // A browser on a busy machine can miss a click; what is broken fails twice.
          retry: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
