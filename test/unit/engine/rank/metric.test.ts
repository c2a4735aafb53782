import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../../src/engine/datasets/dataset.ts';
import { InputError, UsageError } from '../../../../src/engine/errors.ts';
import { metricsFor, parseMetric } from '../../../../src/engine/rank/metric.ts';

const photos: Sample[] = [0, 1].map((label) => ({ id: `${label}`, file: `${label}`, label }));
const scenes = photos.map((sample) => ({ ...sample, labels: [0, 1] }));
const captions = photos.map((sample): Sample => ({ ...sample, label: -1, target: { kind: 'text', text: 'a cat' } }));
const dataset = (classes: string[]) => ({
  path: '/w/data',
  format: 'any',
  task: 'image-classification' as const,
  classes,
  splits: new Map(),
  warnings: [],
});

describe('parseMetric', () => {
  it('takes a score, or one of its variants', () => {
    expect(parseMetric('emms')).toEqual({ score: 'emms', variant: undefined, name: 'emms' });
    expect(parseMetric('emms:exact')).toEqual({ score: 'emms', variant: 'exact', name: 'emms:exact' });
    expect(() => parseMetric('luck')).toThrow(new UsageError(`Unknown score luck; choose one of ${ALL.join(', ')}.`));
    expect(() => parseMetric('knn:best')).toThrow('Unknown variant best of knn; choose one of cosine.');
    expect(() => parseMetric('emms:cv:exact')).toThrow('Unknown variant cv:exact of emms');
  });
});

const FOR_ANY = ['emms', 'logme', 'knn', 'parc', 'linearProbe'];
const FOR_CLASSES = ['leep', 'nleep', 'transrate', 'sfda', 'hscore', 'gbc', 'pactran', 'etran', 'ncti'];
const ALL = [
  ...['emms', 'logme', 'leep', 'nleep', 'transrate', 'sfda', 'hscore', 'knn', 'parc', 'linearProbe'],
  ...['gbc', 'pactran', 'etran', 'ncti'],
];

describe('metricsFor', () => {
  it('keeps every further score of a dataset with one class per sample: candidates tell what else is lacking', () => {
    const further = [...ALL, 'pactran:gamma'].map(parseMetric);
    const { also, warnings } = metricsFor(dataset(['cat', 'dog']), photos, parseMetric('emms'), further);
    expect(also).toEqual(further);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['several labels per sample', dataset(['cat', 'dog']), scenes],
    ['label embeddings', dataset([]), captions],
  ] as const)('of %s says once per score that it is not defined for them', (kind, data, samples) => {
    const further = [...FOR_ANY, ...FOR_CLASSES, 'logme:classification'].map(parseMetric);
    const { also, warnings } = metricsFor(data, samples, parseMetric('emms'), further);
    expect(also.map(({ name }) => name)).toEqual(FOR_ANY);
    expect(warnings).toHaveLength(FOR_CLASSES.length + 1);
    expect(warnings).toContain(`gbc: GBC needs class labels; these are ${kind}.`);
    expect(warnings).toContain(
      `logme:classification: The variant classification of LogME needs class labels; these are ${kind}. Use the variant regression.`,
    );
  });

  it.each(FOR_CLASSES)('refuses to rank by %s where there are no classes, and tells what serves', (name) => {
    const ask = () => metricsFor(dataset([]), captions, parseMetric(name), []);
    expect(ask).toThrow(InputError);
    expect(ask).toThrow(/^\/w\/data: .* needs class labels.*; these are label embeddings\. /);
    expect(ask).toThrow(`Scores for these: ${FOR_ANY.join(', ')}.`);
  });
});
