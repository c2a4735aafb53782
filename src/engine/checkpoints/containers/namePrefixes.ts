import type { Weights, WeightTensor } from '../weights.ts';

/**
 * What a part of a network is wrapped in while it is trained, at any depth: by parallel training and sharding, by compilation
 * and where activations are computed again.
 */
const TRAINING_WRAPPER =
  /(?<=^|\.)(module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\.(?=.)/g;

/**
 * What training code puts before the names of the network inside: the attribute of the class around it, and the network to
 * keep of a pair that were trained together.
 */
const WRAPPER_PREFIXES = [
  'model.',
  'backbone.',
  'base_encoder.',
  'encoder_q.',
  'ema_model.',
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

/** Parts that only training needs, and that no network has: what compares its features, losses, counters (thop's in every module). */
const TRAINING_PARTS =
  /^(aux(iliary)?_(head|fc|classifier)|(head|fc|classifier)_aux|((online|target|momentum)_)?(projector|predictor|projection_head|prediction_head)(_momentum)?|prototypes|queue\d*(_ptr)?|(dino|ibot)_head|\w+_loss|loss(_fn)?|criterion|center|n_averaged|initted|step|(.+\.)?total_(ops|params))(\.|$)/;

/** Parts that may stand beside the wrapped network and are not it: the other network of a pair, and heads. */
const SIDE_PARTS =
  /^((online|target|momentum|ema)_\w+|\w+_momentum|encoder_k|teacher|student|bn|projection|((proj|cls|classification)_)?heads?|classifier|fc|mlp|linear)$/;

/** Parts before the network: what brings images into a range of its own, and what embeds what are no texts. */
const NORMALISERS = /^(normali[sz]er?|(pixel_)?(mean|std))$/;
const EMBEDDINGS = /^(embed_\w+|\w+_embeddings?)$/;

/** Vectors and matrices beside a network that are a head's, whatever it is called: two norms and three layers have 16. */
const MAX_HEAD_TENSORS = 24;

/** `model.net.backbone.` is as deep as published checkpoints wrap. */
const MAX_PREFIXES = 4;

/** A layer over more than a pixel in the classifier beside a backbone: torchvision's FCN and DeepLab. */
const SEGMENTER = /^(model\.)*classifier\./;

/**
 * The weights without what training wraps them in, then with each attribute's prefix taken off their names, or that of
 * nearly all: first one prefix, then more. A prefix may as well be part of the network's own names, as `encoder.` is in
 * BERT, so that only the architecture can tell. Parts that only training needs are left out.
 * @throws Error when it segments images: its backbone is dilated, which leaves no trace in its weights
 */
export function candidatesOfNames(stored: Weights): Weights[] {
  const unwrapped = [...stored.tensors.keys()].map((name) => [name, name.replace(TRAINING_WRAPPER, '')] as const);
  const weights = renamed(stored, new Map(unwrapped));
  const segments = ([name, { shape }]: [string, WeightTensor]) => SEGMENTER.test(name) && (shape[2] ?? 1) > 1;
  if ([...weights.tensors.keys()].some((name) => name.includes('backbone.')) && [...weights.tensors].some(segments))
    throw new Error('it is a network that segments images (FCN, DeepLab), whose dilated backbone can’t be built');
  const candidates: Weights[] = [weights];
  let layer: readonly Weights[] = [weights];
  for (let depth = 0; depth < MAX_PREFIXES && layer.length > 0; depth += 1) {
    layer = layer.flatMap((candidate) => {
      return [...new Set([...WRAPPER_PREFIXES, ...attributeIn(candidate)])].flatMap((prefix) => {
        const stripped = stripPrefix(candidate.tensors, prefix);
        return stripped ? [renamed(candidate, stripped)] : [];
      });
    });
    candidates.push(...layer);
  }
  return candidates;
}

/** The name of a weight by which a network brings images into a range of its own, where one is seen. */
export function normaliserIn({ tensors }: Weights): string | undefined {
  return [...tensors.keys()].find((name) => NORMALISERS.test(firstPart(name.replace(TRAINING_WRAPPER, ''))));
}

/** The attribute that most of the weights are of but for side parts', `resnet.` or `0.`; or that all are of. */
function attributeIn({ tensors }: Weights): string[] {
  const counts = new Map<string, number>();
  for (const part of [...tensors.keys()].map(firstPart)) counts.set(part, (counts.get(part) ?? 0) + 1);
  const wrapping = counts.size === 1 ? [...counts] : [...counts].filter(([part]) => !SIDE_PARTS.test(part));
  const [most] = wrapping.sort(([, a], [, b]) => b - a);
  return most ? [`${most[0]}.`] : [];
}

/**
 * The names that start with the prefix, with what is left of each.
 * @returns nothing unless every other name belongs to a part that may stand beside a wrapped network
 */
export function stripPrefix(
  tensors: ReadonlyMap<string, Pick<WeightTensor, 'shape'>>,
  prefix: string,
): Map<string, string> | undefined {
  const stripped = new Map<string, string>();
  let others = 0;
  for (const [name, { shape }] of tensors) {
    const part = firstPart(name);
    if (name.startsWith(prefix) && name.length > prefix.length) stripped.set(name, name.slice(prefix.length));
    else if (NORMALISERS.test(part) || EMBEDDINGS.test(part)) return undefined;
    else if (!SIDE_PARTS.test(part)) {
      if (shape.length > 2) return undefined;
      others += 1;
    }
  }
  return stripped.size > others && others <= MAX_HEAD_TENSORS ? stripped : undefined;
}

function firstPart(name: string): string {
  return name.split('.', 1)[0] ?? '';
}

function renamed(weights: Weights, names: ReadonlyMap<string, string>): Weights {
  const tensors = [...weights.tensors].flatMap(([name, tensor]) => {
    const left = names.get(name);
    return left === undefined || TRAINING_PARTS.test(left) ? [] : [[left, tensor] as const];
  });
  return { ...weights, tensors: new Map(tensors) };
}
