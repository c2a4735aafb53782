import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import { bart } from './bart.ts';
import { beit } from './beit.ts';
import { bert } from './bert.ts';
import { captioner } from './captioner.ts';
import { clip } from './clip.ts';
import { convnext } from './convnext.ts';
import { densenet } from './densenet.ts';
import { gpt2 } from './gpt2.ts';
import { inception } from './inception.ts';
import { invertedResidual } from './invertedResidual.ts';
import { pvt } from './pvt.ts';
import { regnet } from './regnet.ts';
import { resnet } from './resnet.ts';
import { swin } from './swin.ts';
import { vgg } from './vgg.ts';
import { vilt } from './vilt.ts';
import { vit } from './vit.ts';

/** Every family that can be built from its weights, the more specific first. */
const ARCHITECTURES: readonly Architecture[] = [
  regnet,
  resnet,
  densenet,
  invertedResidual,
  inception,
  convnext,
  vgg,
  captioner,
  vilt,
  clip,
  bart,
  bert,
  gpt2,
  swin,
  pvt,
  beit,
  vit,
];

/** Names of the families, for people. */
export const FAMILIES: readonly string[] = ARCHITECTURES.map(({ family }) => family);

/**
 * The network that weights are of.
 * @throws Error when a family knows them but can't build this variation
 */
export function detectArchitecture(weights: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  for (const architecture of ARCHITECTURES) {
    const recognised = architecture.recognise(weights, config);
    if (recognised) return recognised;
  }
  return undefined;
}
