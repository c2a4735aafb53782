import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Tensor } from 'onnxruntime-node';
import { openCheckpoint } from '../src/engine/checkpoints/discover.ts';
import { embedLabels } from '../src/engine/embed/embedLabels.ts';
import { openSession } from '../src/engine/extract/session.ts';
import { writeLargeWeights } from '../test/helpers/largeWeights.ts';
import type { Shapes } from '../test/helpers/shapes.ts';
import { bertShapes, clipTextShapes, gpt2Shapes, resnetShapes } from '../test/helpers/shapes.ts';

// npm run bench -- embed [--json]
//
// What label embeddings cost beside what they are for: 1,000 class names by CLIP's text tower, BERT and GPT-2 in base
// size, against the extraction of 5,000 images by one ResNet-50 (measured on some, and multiplied). The weights are
// random and written to a temporary folder; nobody's embeddings depend on their values. The tokenizers are those of the
// tests, whose small vocabularies split a name into several times as many tokens as the published ones: real names cost less.

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

const CLASSES = 1000;
const IMAGES = 5000;
const MEASURED_IMAGES = 128;
const BATCH = 8;

const folder = mkdtempSync(path.join(tmpdir(), 'emms-bench-'));
try {
  const encoders: Record<string, { shapes: Shapes; tokenizer: string }> = {
    clip: { shapes: clipTextShapes(12, 512, 49408, 77), tokenizer: 'clip' },
    bert: { shapes: bertShapes('', 12, 768, 30522, 512, 2), tokenizer: 'bert' },
    gpt2: { shapes: gpt2Shapes(12, 768, 50257, 1024), tokenizer: 'gpt2' },
  };
  const adjectives = ['great', 'small', 'red', 'spotted', 'northern', 'common', 'wild', 'striped', 'golden', 'dwarf'];
  const names = Array.from({ length: CLASSES }, (_, index) => `${adjectives[index % 10]} animal number ${index}`);
  const seconds: Record<string, number> = {};
  for (const [name, { shapes, tokenizer }] of Object.entries(encoders)) {
    const place = path.join(folder, name);
    mkdirSync(place);
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join('test/fixtures/encoders', tokenizer, file), path.join(place, file));
    }
    await writeLargeWeights(path.join(place, 'model.safetensors'), shapes, 'F16');
    const began = performance.now();
    await embedLabels(names, { folder: place });
    seconds[name] = (performance.now() - began) / 1000;
    rmSync(place, { recursive: true });
  }
  const embedding = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  const extraction = ((await extractImages()) * IMAGES) / MEASURED_IMAGES;
  const ratio = embedding / extraction;
  const result = { classes: CLASSES, images: IMAGES, seconds, embedding, extraction, ratio, target: 1 };
  if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    const each = Object.entries(seconds).map(([name, value]) => `${name} ${value.toFixed(1)} s`);
    process.stdout.write(
      `${CLASSES} class names: ${each.join(', ')}; together ${embedding.toFixed(1)} s\n` +
        `${IMAGES} images through ResNet-50: ${extraction.toFixed(1)} s\n` +
        `label embeddings cost ${ratio.toFixed(2)} × the extraction (target below 1 ×)\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Seconds for the measured images, loading apart. */
async function extractImages(): Promise<number> {
  const file = path.join(folder, 'resnet50.safetensors');
  await writeLargeWeights(file, resnetShapes([3, 4, 6, 3], { bottleneck: true }), 'F16');
  const checkpoint = await openCheckpoint(file, folder, { modalities: ['image'] });
  const { session, close } = await openSession(await checkpoint.loadModel(), {
    tensor: checkpoint.featurePoint.tensor,
    provider: 'cpu',
    manyRows: true,
    store: undefined,
  });
  const images = new Tensor('float32', new Float32Array(BATCH * 3 * 224 * 224).fill(0.5), [BATCH, 3, 224, 224]);
  await session.run({ image: images }, ['features']);
  const began = performance.now();
  for (let done = 0; done < MEASURED_IMAGES; done += BATCH) await session.run({ image: images }, ['features']);
  const elapsed = (performance.now() - began) / 1000;
  await close();
  return elapsed;
}
