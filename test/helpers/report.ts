import { type Candidate, type RankingReport, rankingReportSchema } from '../../src/protocol/report.ts';

export function candidate(rank: number, name: string, change: Partial<Candidate> = {}): Candidate {
  const score = 0.9 - rank * 0.1;
  return {
    rank,
    id: `checkpoints/${name}.onnx`,
    name,
    path: `/home/ada/fashion/checkpoints/${name}.onnx`,
    architecture: 'resnet',
    score,
    interval: [score - 0.02, score + 0.02],
    tiedWith: [],
    metrics: { emms: score },
    weights: [1],
    featureDim: 128,
    featurePoint: '/pool/output',
    preprocessing: 'scale to 0…1',
    parameters: 1_000_000,
    bytes: 4_000_000,
    samples: 2000,
    device: 'cpu',
    extractSeconds: 2,
    latencyMs: 1,
    warnings: [],
    ...change,
  };
}

/** A report that the protocol accepts. */
export function report(candidates: Candidate[], change: Partial<RankingReport> = {}): RankingReport {
  return rankingReportSchema.parse({
    schemaVersion: 1,
    createdAt: '2026-11-24T15:04:05.000Z',
    workspace: '/home/ada/fashion',
    dataset: {
      id: 'data/fashion',
      name: 'fashion',
      path: '/home/ada/fashion/data/fashion',
      format: 'image folders',
      split: 'train',
      classes: 10,
      samples: 2000,
      availableSamples: 3000,
    },
    task: 'image-classification',
    metric: 'emms',
    variant: 'cv',
    seed: 0,
    device: { requested: 'auto', used: 'cpu', reason: 'No GPU provider is present.' },
    labelEncoders: ['onehot'],
    labelEncoderReason: 'asked for',
    missingLabelEncoders: [],
    candidates,
    skipped: [],
    warnings: [],
    inference: { samplesExtracted: 2000, samplesFromCache: 0 },
    timings: { discoverSeconds: 0.1, extractSeconds: 2, scoreSeconds: 0.5, totalSeconds: 2.6 },
    environment: { emms: '0.1.0', node: '20.20.2', onnxruntime: '1.30.0', platform: 'linux-x64', cpus: 2 },
    ...change,
  });
}
