import type { Weights, WeightTensor } from '../weights.ts';

/**
 * What training code puts before the names of the network inside: the wrapper of parallel training and of compilation,
 * the attribute of the class around it, and the network to keep of a pair that were trained together.
 */
const WRAPPER_PREFIXES = [
  'module.',
  '_orig_mod.',
  'model.',
  'backbone.',
  'base_encoder.',
  'encoder_q.',
  'teacher.',
  'student.',
  'online_encoder.',
  'target_encoder.',
  'encoder.',
  'net.',
  'network.',
  'base_model.',
  'visual_encoder.',
  'feature_extractor.',
  'timm_model.',
];

/**
 * Parts that may stand beside the wrapped network and are not it: the other network of a pair, queues of negative
 * samples, heads that were trained for another task, losses.
 */
const SIDE_PARTS = new Set([
  'momentum_encoder',
  'encoder_k',
  'teacher',
  'student',
  'online_encoder',
  'target_encoder',
  'queue',
  'queue_ptr',
  'queue2',
  'predictor',
  'projector',
  'projection',
  'projection_head',
  'proj_head',
  'online_projector',
  'target_projector',
  'prototypes',
  'head',
  'heads',
  'fc',
  'classifier',
  'classification_head',
  'cls_head',
  'mlp',
  'linear',
  'dino_head',
  'ibot_head',
  'dino_loss',
  'ibot_patch_loss',
  'center',
  'criterion',
  'loss',
  'loss_fn',
  'n_averaged',
]);

/** `module._orig_mod.model.backbone.` is as deep as published checkpoints wrap. */
const MAX_PREFIXES = 4;

/** A layer over more than a pixel in the classifier beside a backbone: torchvision's FCN and DeepLab. */
const SEGMENTER = /^(module\.|_orig_mod\.|model\.)*classifier\./;

/**
 * The weights as they are, then with each wrapper's prefix taken off their names, or whatever all of them start with: first
 * one prefix, then more. A prefix may as well be part of the network's own names, as `encoder.` is in BERT, so that only
 * the architecture can tell.
 * @throws Error when it segments images: its backbone is dilated, which leaves no trace in its weights
 */
export function candidatesOfNames(weights: Weights): Weights[] {
  const segments = ([name, { shape }]: [string, WeightTensor]) => SEGMENTER.test(name) && (shape[2] ?? 1) > 1;
  if ([...weights.tensors.keys()].some((name) => name.includes('backbone.')) && [...weights.tensors].some(segments))
    throw new Error('it is a network that segments images (FCN, DeepLab), whose dilated backbone can’t be built');
  const candidates: Weights[] = [weights];
  let layer: readonly Weights[] = [weights];
  for (let depth = 0; depth < MAX_PREFIXES && layer.length > 0; depth += 1) {
    layer = layer.flatMap((candidate) => {
      const names = [...candidate.tensors.keys()];
      return [...new Set([...WRAPPER_PREFIXES, ...attributeIn(names)])].flatMap((prefix) => {
        const stripped = stripPrefix(names, prefix);
        return stripped ? [renamed(candidate, stripped)] : [];
      });
    });
    candidates.push(...layer);
  }
  return candidates;
}

/** The attribute that the network is of the class around it, `resnet.` or `0.`, where it is its only one but for side parts. */
function attributeIn(names: readonly string[]): string[] {
  const parts = new Set(names.map((name) => name.split('.', 1)[0] ?? '').filter((part) => !SIDE_PARTS.has(part)));
  return parts.size === 1 ? [...parts].map((part) => `${part}.`) : [];
}

/**
 * The names that start with the prefix, with what is left of each.
 * @returns nothing unless every other name belongs to a part that may stand beside a wrapped network
 */
export function stripPrefix(names: readonly string[], prefix: string): Map<string, string> | undefined {
  const stripped = new Map<string, string>();
  for (const name of names) {
    if (name.startsWith(prefix) && name.length > prefix.length) stripped.set(name, name.slice(prefix.length));
    else if (!SIDE_PARTS.has(name.split('.', 1)[0] ?? '')) return undefined;
  }
  return stripped.size > 0 ? stripped : undefined;
}

function renamed(weights: Weights, names: ReadonlyMap<string, string>): Weights {
  const tensors = [...weights.tensors].flatMap(([name, tensor]) => {
    const left = names.get(name);
    return left === undefined ? [] : [[left, tensor] as const];
  });
  return { ...weights, tensors: new Map(tensors) };
}
