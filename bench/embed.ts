import { cpSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { detectArchitecture } from '../src/engine/checkpoints/architectures/detect.ts';
import { Graph } from '../src/engine/checkpoints/architectures/graph.ts';
import { readWeights } from '../src/engine/checkpoints/containers/open.ts';
import { embedLabels } from '../src/engine/embed/embedLabels.ts';

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

type Shapes = Record<string, readonly number[]>;

const folder = mkdtempSync(path.join(tmpdir(), 'emms-bench-'));
try {
  const encoders: Record<string, { shapes: Shapes; tokenizer: string }> = {
    clip: { shapes: clipText(), tokenizer: 'clip' },
    bert: { shapes: bert(), tokenizer: 'bert' },
    gpt2: { shapes: gpt2(), tokenizer: 'gpt2' },
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
    await writeSafetensors(path.join(place, 'model.safetensors'), shapes);
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
  await writeSafetensors(file, resnet50());
  const weights = await readWeights(file);
  const graph = new Graph(weights);
  const network = detectArchitecture(weights, undefined);
  if (!network) throw new Error('the ResNet-50 of the benchmark is not recognised');
  network.build(graph);
  const { model, weightsFolder } = graph.build();
  const session = await InferenceSession.create(model, {
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: weightsFolder } },
  });
  const images = new Tensor('float32', new Float32Array(BATCH * 3 * 224 * 224).fill(0.5), [BATCH, 3, 224, 224]);
  await session.run({ image: images }, ['features']);
  const began = performance.now();
  for (let done = 0; done < MEASURED_IMAGES; done += BATCH) await session.run({ image: images }, ['features']);
  const elapsed = (performance.now() - began) / 1000;
  await session.release();
  return elapsed;
}

/** A safetensors file of half-precision values around 0.02. */
async function writeSafetensors(file: string, shapes: Shapes): Promise<void> {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const start = end;
      end += 2 * shape.reduce((product, size) => product * size, 1);
      return [name, { dtype: 'F16', shape, data_offsets: [start, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const values = new Uint16Array(1 << 20);
  // 0x2400 is 0.0156; the lower bits vary.
  for (let i = 0; i < values.length; i += 1) values[i] = 0x2400 + ((i * 2654435761) % 512);
  const block = Buffer.from(values.buffer);
  const stream = createWriteStream(file);
  stream.write(length);
  stream.write(text);
  for (let left = end; left > 0; left -= block.length) {
    if (!stream.write(block.subarray(0, Math.min(left, block.length)))) {
      await new Promise<void>((resolve) => stream.once('drain', () => resolve()));
    }
  }
  await new Promise<void>((resolve) => stream.end(() => resolve()));
}

function linear(name: string, outputs: number, inputs: number): Shapes {
  return { [`${name}.weight`]: [outputs, inputs], [`${name}.bias`]: [outputs] };
}

function norm(name: string, width: number): Shapes {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] };
}

function layers(count: number, layer: (index: number) => Shapes): Shapes {
  return Object.assign({}, ...Array.from({ length: count }, (_, index) => layer(index)));
}

function bert(): Shapes {
  return {
    'embeddings.word_embeddings.weight': [30522, 768],
    'embeddings.position_embeddings.weight': [512, 768],
    'embeddings.token_type_embeddings.weight': [2, 768],
    ...norm('embeddings.LayerNorm', 768),
    ...layers(12, (index) => {
      const name = `encoder.layer.${index}`;
      return {
        ...linear(`${name}.attention.self.query`, 768, 768),
        ...linear(`${name}.attention.self.key`, 768, 768),
        ...linear(`${name}.attention.self.value`, 768, 768),
        ...linear(`${name}.attention.output.dense`, 768, 768),
        ...norm(`${name}.attention.output.LayerNorm`, 768),
        ...linear(`${name}.intermediate.dense`, 3072, 768),
        ...linear(`${name}.output.dense`, 768, 3072),
        ...norm(`${name}.output.LayerNorm`, 768),
      };
    }),
  };
}

function gpt2(): Shapes {
  const conv = (name: string, inputs: number, outputs: number): Shapes => ({
    [`${name}.weight`]: [inputs, outputs],
    [`${name}.bias`]: [outputs],
  });
  return {
    'wte.weight': [50257, 768],
    'wpe.weight': [1024, 768],
    ...layers(12, (index) => ({
      ...norm(`h.${index}.ln_1`, 768),
      ...conv(`h.${index}.attn.c_attn`, 768, 2304),
      ...conv(`h.${index}.attn.c_proj`, 768, 768),
      ...norm(`h.${index}.ln_2`, 768),
      ...conv(`h.${index}.mlp.c_fc`, 768, 3072),
      ...conv(`h.${index}.mlp.c_proj`, 3072, 768),
    })),
    ...norm('ln_f', 768),
  };
}

function clipText(): Shapes {
  return {
    'text_model.embeddings.token_embedding.weight': [49408, 512],
    'text_model.embeddings.position_embedding.weight': [77, 512],
    ...layers(12, (index) => {
      const name = `text_model.encoder.layers.${index}`;
      return {
        ...linear(`${name}.self_attn.q_proj`, 512, 512),
        ...linear(`${name}.self_attn.k_proj`, 512, 512),
        ...linear(`${name}.self_attn.v_proj`, 512, 512),
        ...linear(`${name}.self_attn.out_proj`, 512, 512),
        ...norm(`${name}.layer_norm1`, 512),
        ...linear(`${name}.mlp.fc1`, 2048, 512),
        ...linear(`${name}.mlp.fc2`, 512, 2048),
        ...norm(`${name}.layer_norm2`, 512),
      };
    }),
    ...norm('text_model.final_layer_norm', 512),
    'text_projection.weight': [512, 512],
  };
}

function resnet50(): Shapes {
  const batchNorm = (name: string, channels: number): Shapes => ({
    ...norm(name, channels),
    [`${name}.running_mean`]: [channels],
    [`${name}.running_var`]: [channels],
  });
  const shapes: Shapes = { 'conv1.weight': [64, 3, 7, 7], ...batchNorm('bn1', 64), ...linear('fc', 1000, 2048) };
  let inputs = 64;
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    const width = 64 * 2 ** stage;
    for (let block = 0; block < blocks; block += 1) {
      const name = `layer${stage + 1}.${block}`;
      Object.assign(
        shapes,
        { [`${name}.conv1.weight`]: [width, inputs, 1, 1] },
        batchNorm(`${name}.bn1`, width),
        { [`${name}.conv2.weight`]: [width, width, 3, 3] },
        batchNorm(`${name}.bn2`, width),
        { [`${name}.conv3.weight`]: [4 * width, width, 1, 1] },
        batchNorm(`${name}.bn3`, 4 * width),
        block === 0
          ? {
              [`${name}.downsample.0.weight`]: [4 * width, inputs, 1, 1],
              ...batchNorm(`${name}.downsample.1`, 4 * width),
            }
          : {},
      );
      inputs = 4 * width;
    }
  }
  return shapes;
}
