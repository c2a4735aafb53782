import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecognisedNetwork } from '../../../../../src/engine/checkpoints/architectures/architecture.ts';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { Graph } from '../../../../../src/engine/checkpoints/architectures/graph.ts';
import { candidatesOfNames } from '../../../../../src/engine/checkpoints/containers/namePrefixes.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights, WeightTensor } from '../../../../../src/engine/checkpoints/weights.ts';
import { expectAsPyTorch, readCase, readConfig } from '../../../../helpers/networks.ts';
import {
  batchNorm,
  densenetShapes,
  layer,
  resnetShapes,
  type Shapes,
  VGG16,
  vggShapes,
  weightsOf,
} from '../../../../helpers/shapes.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../../fixtures/networks/cnn');

describe('small networks made by the libraries', () => {
  it.each(readdirSync(FIXTURES))('%s: features and logits as PyTorch computes them', async (name) => {
    await expectAsPyTorch(path.join(FIXTURES, name));
  });
});

function recognise(shapes: Shapes, config: Record<string, unknown> = {}): RecognisedNetwork | undefined {
  return detectArchitecture(weightsOf(shapes), new Map(Object.entries(config)));
}

/** timm's EfficientNet: `[blocks, expansion, kernel, channels]` of each stage. */
function efficientnetShapes(stages: readonly (readonly [number, number, number, number])[], head: number): Shapes {
  const shapes: Shapes = { 'conv_stem.weight': [32, 3, 3, 3], ...batchNorm('bn1', 32) };
  let inputs = 32;
  for (const [stage, [blocks, expansion, kernel, channels]] of stages.entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const name = `blocks.${stage}.${block}`;
      const wide = inputs * expansion;
      const depthwise = { [`${name}.conv_dw.weight`]: [wide, 1, kernel, kernel] };
      const squeeze = {
        [`${name}.se.conv_reduce.weight`]: [inputs / 4, wide, 1, 1],
        [`${name}.se.conv_expand.weight`]: [wide, inputs / 4, 1, 1],
      };
      const last = expansion === 1 ? 'conv_pw' : 'conv_pwl';
      if (expansion > 1)
        Object.assign(shapes, { [`${name}.conv_pw.weight`]: [wide, inputs, 1, 1] }, batchNorm(`${name}.bn3`, 9));
      Object.assign(shapes, depthwise, squeeze, batchNorm(`${name}.bn1`, wide), batchNorm(`${name}.bn2`, wide));
      shapes[`${name}.${last}.weight`] = [channels, wide, 1, 1];
      inputs = channels;
    }
  }
  return {
    ...shapes,
    'conv_head.weight': [head, inputs, 1, 1],
    ...batchNorm('bn2', head),
    'classifier.weight': [1000, head],
  };
}

/** The same network as Hugging Face names it. */
function huggingFaceNames(timm: Shapes): Shapes {
  const blocks = Object.keys(timm).filter((name) => name.endsWith('.conv_dw.weight'));
  const renamed = Object.entries(timm).map(([name, shape]): [string, readonly number[]] => {
    const block = blocks.findIndex((first) => name.startsWith(first.replace(/conv_dw\.weight$/, '')));
    const expands = Object.hasOwn(timm, blocks[block]?.replace('conv_dw', 'conv_pwl') ?? '');
    const norms = ['expansion.expand_bn', 'depthwise_conv.depthwise_norm', 'projection.project_bn'].slice(
      expands ? 0 : 1,
    );
    const inBlock = name
      .replace(/^blocks\.\d+\.\d+\./, `encoder.blocks.${block}.`)
      .replace('.conv_dw.', '.depthwise_conv.depthwise_conv.')
      .replace(expands ? '.conv_pw.' : '.none.', '.expansion.expand_conv.')
      .replace(/\.conv_pwl?\./, '.projection.project_conv.')
      .replace(/\.se\.conv_(reduce|expand)\./, '.squeeze_excite.$1.')
      .replace(/\.bn(\d)\./, (_, norm) => `.${norms[Number(norm) - 1]}.`);
    const outside = name
      .replace('conv_stem.', 'embeddings.convolution.')
      .replace(/^bn1\./, 'embeddings.batchnorm.')
      .replace(/^conv_head\./, 'encoder.top_conv.')
      .replace(/^bn2\./, 'encoder.top_bn.');
    return [block < 0 ? outside : inBlock, shape];
  });
  return Object.fromEntries(
    renamed.map(([name, shape]) => [name.startsWith('classifier') ? name : `efficientnet.${name}`, shape]),
  );
}

const EFFICIENTNET_B0 = [
  [1, 1, 3, 16],
  [2, 6, 3, 24],
  [2, 6, 5, 40],
  [3, 6, 3, 80],
  [3, 6, 5, 112],
  [4, 6, 5, 192],
  [1, 6, 3, 320],
] as const;

const EFFICIENTNET_B2 = [
  [2, 1, 3, 16],
  [3, 6, 3, 24],
  [3, 6, 5, 48],
  [4, 6, 3, 88],
  [4, 6, 5, 120],
  [5, 6, 5, 208],
  [2, 6, 3, 352],
] as const;

describe('full-size networks by names and shapes', () => {
  it.each([
    ['ResNet-18', resnetShapes([2, 2, 2, 2], {}), 'linear'],
    ['ResNet-34', resnetShapes([3, 4, 6, 3], {}), 'linear'],
    ['ResNet-50', resnetShapes([3, 4, 6, 3], { bottleneck: true }), 'linear'],
    ['ResNet-152', resnetShapes([3, 8, 36, 3], { bottleneck: true }), 'linear'],
    ['ResNeXt-50 32x4d', resnetShapes([3, 4, 6, 3], { bottleneck: true, groups: 32, width: 4 }), 'linear'],
    ['ResNeXt-101 64x4d', resnetShapes([3, 4, 23, 3], { bottleneck: true, groups: 64, width: 4 }), 'linear'],
    ['Wide ResNet-50-2', resnetShapes([3, 4, 6, 3], { bottleneck: true, width: 128 }), 'linear'],
    ['DenseNet-121', densenetShapes([6, 12, 24, 16], 32, 64), 'linear'],
    ['DenseNet-161', densenetShapes([6, 12, 36, 24], 48, 96), 'linear'],
    ['DenseNet-201', densenetShapes([6, 12, 48, 32], 32, 64), 'linear'],
    ['VGG-16', vggShapes(VGG16, false), 'linear'],
    ['VGG-16-BN', vggShapes(VGG16, true), 'linear'],
    ['EfficientNet-B0', efficientnetShapes(EFFICIENTNET_B0, 1280), 'cubic'],
  ])('%s', (architecture, shapes, kernel) => {
    const network = recognise(shapes);
    expect(network?.architecture).toBe(architecture);
    expect(network?.hasLogits).toBe(true);
    expect(network?.image?.published).toMatchObject({ size: 224, resize: 256, kernel, mean: [0.485, 0.456, 0.406] });
  });

  it('keeps the aspect ratio of images that EfficientNets take uncropped, as torchvision and timm do', () => {
    const network = recognise(efficientnetShapes(EFFICIENTNET_B2, 1408));
    expect(network?.architecture).toBe('EfficientNet-B2');
    expect(network?.image?.published).toMatchObject({ size: 288, resize: 288, keepsAspect: true });
  });

  it('says that networks of inverted residuals in another order are not known', () => {
    expect(() => recognise(efficientnetShapes([...EFFICIENTNET_B0].reverse(), 1280))).toThrow('inverted residuals');
  });
});

describe('EfficientNet of Hugging Face', () => {
  const modelOf = (shapes: Shapes, config?: Record<string, unknown>) => {
    const weights = weightsOf(shapes);
    const network = detectArchitecture(weights, config && new Map(Object.entries(config)));
    const graph = new Graph(weights);
    network?.build(graph);
    return { network, model: Buffer.from(graph.build().model()) };
  };
  const configured = { model_type: 'efficientnet', hidden_act: 'swish', batch_norm_eps: 1e-3 };

  it.each([
    ['EfficientNet-B0', EFFICIENTNET_B0, 1280, 224, [], [1]],
    ['EfficientNet-B2', EFFICIENTNET_B2, 1408, 260, [5, 8, 16], [5, 8]],
  ])('%s without config.json is padded as its published one', (architecture, stages, head, size, padding, other) => {
    const shapes = huggingFaceNames(efficientnetShapes(stages, head));
    const { network, model } = modelOf(shapes);
    expect(network?.architecture).toBe(architecture);
    expect(network?.assumed).toBeUndefined();
    expect(network?.image?.published).toMatchObject({
      size,
      resize: size,
      kernel: 'nearest',
      std: [0.229, 0.224, 0.225],
    });
    expect(model.equals(modelOf(shapes, { ...configured, depthwise_padding: padding }).model)).toBe(true);
    expect(model.equals(modelOf(shapes, { ...configured, depthwise_padding: other }).model)).toBe(false);
  });

  it.each([
    [{ hidden_act: 'gelu' }, 'activation "gelu"'],
    [{ pooling_type: 'max' }, 'pooling_type: "max"'],
    [{ strides: [1, 2, 2, 2, 2, 2, 1] }, 'strides: [1,2,2,2,2,2,1]'],
    [{ model_type: 'align_vision_model' }, 'config.json says align_vision_model'],
  ])('%j in config.json is refused', (setting, message) => {
    const shapes = huggingFaceNames(efficientnetShapes(EFFICIENTNET_B0, 1280));
    expect(() => modelOf(shapes, { ...configured, ...setting })).toThrow(message);
  });
});

describe('the children of a ResNet in a row', () => {
  const CHILDREN = ['conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4'];
  /** As Lightning's own guide to transfer learning has them, `nn.Sequential(*resnet.children())`, with another head. */
  const inRow = (shapes: Shapes): Shapes => {
    const numbered = Object.entries(shapes).flatMap(([name, shape]): [string, readonly number[]][] => {
      const [child = '', ...rest] = name.split('.');
      const index = CHILDREN.indexOf(child);
      return index < 0 ? [] : [[['feature_extractor', index, ...rest].join('.'), shape]];
    });
    return { ...Object.fromEntries(numbered), 'classifier.weight': [5, 512], 'classifier.bias': [5] };
  };

  it('are the ResNet without its head', () => {
    const shapes = resnetShapes([2, 2, 2, 2], {});
    const candidates = candidatesOfNames(weightsOf(inRow(shapes)));
    const [network] = candidates.flatMap((weights) => detectArchitecture(weights, undefined) ?? []);
    expect(network?.architecture).toBe('ResNet-18');
    expect(network?.hasLogits).toBe(false);
    const first = inRow(resnetShapes([2, 2, 2, 2], {}));
    delete first['feature_extractor.0.weight'];
    const others = candidatesOfNames(weightsOf(first));
    expect(others.flatMap((weights) => detectArchitecture(weights, undefined) ?? [])).toEqual([]);
  });
});

describe('near misses', () => {
  it.each(['layer3.0.bn2.running_var', 'layer1.1.bn1.bias', 'fc.bias'])('refuses %s of another length', (name) => {
    const weights = weightsOf({ ...resnetShapes([2, 2, 2, 2], {}), [name]: [5] });
    const build = () => detectArchitecture(weights, undefined)?.build(new Graph(weights));
    expect(build).toThrow(`the weight "${name}" has the shape [5], where its layer’s others need`);
  });

  it.each([
    ['signals', 1],
    ['videos', 3],
  ])('refuses a network for %s of the same names', (_, axes) => {
    const shapes = Object.entries(resnetShapes([2, 2, 2, 2], {})).map(([name, shape]) => {
      const [outputs = 0, inputs = 0, size] = shape;
      return [name, size === undefined ? shape : [outputs, inputs, ...Array.from({ length: axes }, () => size)]];
    });
    const weights = weightsOf(Object.fromEntries(shapes));
    const build = () => detectArchitecture(weights, undefined)?.build(new Graph(weights));
    expect(build).toThrow(`its convolution "conv1" is over ${axes} axes, not over the 2 of an image`);
  });

  it('takes an AlexNet with a classifier of its own for one of ImageNet’s images, and says so', () => {
    const kernels = { 0: [64, 3, 11], 3: [192, 64, 5], 6: [384, 192, 3], 8: [256, 384, 3], 10: [256, 256, 3] } as const;
    const layers = Object.entries(kernels).map(([i, [to, from, size]]) => layer(`features.${i}`, to, from, size, size));
    const network = recognise(Object.assign({}, ...layers, layer('classifier', 10, 256)));
    expect(network?.image?.published).toMatchObject({ size: 224, minimum: 63 });
    expect(network?.assumed).toContain('pooling, padding and activation');
  });

  it('takes a VGG with a single pixel at its end for one for CIFAR, unless its pooling leaves none of these images', () => {
    const ending = (...layers: (number | 'pool')[]) => ({
      ...Object.fromEntries(
        Object.entries(vggShapes([...VGG16, ...layers], true)).filter(([name]) => !name.startsWith('classifier.')),
      ),
      ...layer('classifier', 10, 512),
    });
    expect(recognise(ending())?.image?.published).toMatchObject({ size: 32, minimum: 32 });
    expect(recognise(ending('pool', 512))?.image?.published).toMatchObject({ size: 224, minimum: 64 });
  });

  it('leaves other networks alone', () => {
    expect(recognise({ 'conv1.weight': [32, 3, 3, 3], 'fc.weight': [10, 128], 'fc.bias': [10] })).toBeUndefined();
    const resnet = Object.entries(resnetShapes([2, 2, 2, 2], {}));
    expect(recognise(Object.fromEntries(resnet.filter(([name]) => !name.startsWith('bn1.'))))).toBeUndefined();
  });

  it.each([
    ['densenet-legacy', 'features.denseblock1.attention.fc.weight'],
    ['googlenet', 'inception3a.branch1.se.weight'],
    ['timm-inception-v3', 'Mixed_5b.attention.weight'],
    ['timm-inception-v3', 'attention.weight'],
  ])('leaves no part out of %s, such as %s', async (fixture, name) => {
    const folder = path.join(FIXTURES, fixture);
    const weights = await readWeights(path.join(folder, (await readCase(folder)).weights));
    const [tensor] = weights.tensors.values();
    if (!tensor) throw new Error('no weights');
    const tensors = new Map([...weights.tensors, [name, tensor] as const]);
    const recognising = () => detectArchitecture({ ...weights, tensors }, undefined);
    expect(recognising).toThrow(`with parts that can't be built: "${name}"`);
  });

  it('says which part of a variation it can’t build', () => {
    const shapes = resnetShapes([2, 2, 2, 2], {});
    expect(() => recognise({ ...shapes, 'layer1.0.attn.weight': [64, 64, 1, 1] })).toThrow('layer1.0.attn.weight');
    expect(() => recognise(shapes, { architecture: 'resnetaa50' })).toThrow('anti-aliased');
    expect(() => detectArchitecture(weightsOf(shapes, '/hub/resnetblur18_a1-0123abcd.pth'), undefined)).toThrow(
      'resnetblur18',
    );
    const efficientnet = efficientnetShapes(EFFICIENTNET_B0, 1280);
    const attended = { ...efficientnet, 'blocks.1.0.se.conv.weight': [1, 1, 3] };
    expect(() => recognise(attended)).toThrow('blocks.1.0.se.conv.weight');
    expect(() => recognise(efficientnet, { architecture: 'efficientnet_blur_b0' })).toThrow('anti-aliased');
  });
});

describe('variations that leave no trace in the weights', () => {
  const efficientnet = efficientnetShapes(EFFICIENTNET_B0, 1280);

  it.each<[what: string, shapes: Shapes, config: Record<string, unknown>, message: string]>([
    ['an activation', resnetShapes([2, 2, 2, 2], {}), { model_args: { act_layer: 'silu' } }, 'act_layer: "silu"'],
    ['dilation', resnetShapes([2, 2, 2, 2], {}), { model_args: { output_stride: 8 } }, 'output_stride: 8'],
    ['a pooling', resnetShapes([2, 2, 2, 2], {}), { global_pool: 'max' }, 'global_pool: "max"'],
    ['an activation', densenetShapes([6, 12, 24, 16], 32, 64), { model_args: { act_layer: 'elu' } }, '"elu"'],
    ['a norm', vggShapes(VGG16, true), { model_args: { norm_layer: 'groupnorm' } }, '"groupnorm"'],
    ['an epsilon', vggShapes(VGG16, true), { model_args: { norm_eps: 0.001 } }, 'norm_eps: 0.001'],
    ['padding', efficientnet, { model_args: { pad_type: 'same' } }, 'pad_type: "same"'],
    ['a Hugging Face activation', efficientnet, { hidden_act: 'relu' }, 'activation "relu"'],
  ])('%s that config.json says is refused', (_, shapes, config, message) => {
    expect(() => recognise(shapes, config)).toThrow(message);
  });

  it('another network under the same names is told by config.json, or by its stem', async () => {
    const resnet = await readWeights(path.join(FIXTURES, 'hf-bottleneck/pytorch_model.bin'));
    const detect = (weights: Weights, kind?: string) =>
      detectArchitecture(weights, kind === undefined ? undefined : new Map([['model_type', kind]]));
    expect(detect(resnet, 'resnet')?.architecture).toContain('ResNet');
    expect(() => detect(resnet, 'regnet')).toThrow('config.json says regnet');
    const stem = 'embedder.embedder.convolution.weight';
    const tensors = [...resnet.tensors].map(([name, tensor]): [string, WeightTensor] => {
      const bare = name.replace(/^resnet\./, '');
      return [bare, bare === stem ? { ...tensor, shape: [tensor.shape[0] ?? 0, 3, 3, 3] } : tensor];
    });
    expect(detect({ ...resnet, tensors: new Map(tensors) })?.architecture).toContain('RegNet');
  });

  it('a RegNetZ, which has no shortcuts to other sizes, and an unknown part of a RegNet are refused', async () => {
    const regnet = await readWeights(path.join(FIXTURES, 'timm-regnet-y/model.safetensors'));
    const kept = [...regnet.tensors].filter(([name]) => !name.includes('downsample'));
    expect(() => detectArchitecture({ ...regnet, tensors: new Map(kept) }, undefined)).toThrow('RegNetZ');
    const [first] = regnet.tensors.values();
    if (!first) throw new Error('no weights');
    const more = new Map([...regnet.tensors, ['final_conv.conv.weight', first] as const]);
    expect(() => detectArchitecture({ ...regnet, tensors: more }, undefined)).toThrow('"final_conv.conv.weight"');
  });

  it('a MobileNetV2 that segments images is refused, as nothing tells its dilation', async () => {
    const file = readdirSync(path.join(FIXTURES, 'hf-mobilenet-v2')).find((name) =>
      /model\.(safetensors|bin)$/.test(name),
    );
    const weights = await readWeights(path.join(FIXTURES, 'hf-mobilenet-v2', file ?? ''));
    const [first] = weights.tensors.values();
    if (!first) throw new Error('no weights');
    const more = new Map([...weights.tensors, ['segmentation_head.classifier.convolution.weight', first] as const]);
    expect(() => detectArchitecture({ ...weights, tensors: more }, undefined)).toThrow('segments images');
  });

  it.each([
    ['hf-bottleneck/pytorch_model.bin', 'activation and strides'],
    ['hf-convnextv2/model.safetensors', 'activation and norms'],
    ['hf-mobilenet-v2/model.safetensors', 'activation, padding and norms'],
    ['hf-efficientnet/model.safetensors', 'activation, padding and norms'],
    ['timm-convnext/model.safetensors', 'activation and norms'],
  ])('%s of no published size: what is taken for granted without config.json is said', async (file, what) => {
    const [weights] = candidatesOfNames(await readWeights(path.join(FIXTURES, file)));
    if (!weights) throw new Error('no weights');
    expect(detectArchitecture(weights, undefined)?.assumed).toContain(`don’t tell its ${what}`);
    const config = await readConfig(path.dirname(path.join(FIXTURES, file)));
    expect(detectArchitecture(weights, config)?.assumed).toBeUndefined();
    expect(detectArchitecture(weights, new Map([['learning_rate', 0.1]]))?.assumed).toContain(what);
  });

  it('a ResNet that could be anti-aliased: taken for the plain one, and said, unless its file is called ResNet', () => {
    const assumed = (shapes: Shapes, file: string) => detectArchitecture(weightsOf(shapes, file), undefined)?.assumed;
    const resnet50 = resnetShapes([3, 4, 6, 3], { bottleneck: true });
    expect(assumed(resnet50, '/resnet50-0676ba61.pth')).toBeUndefined();
    expect(assumed(resnet50, '/best.pth')).toContain('anti-aliased');
    expect(assumed(resnetShapes([3, 8, 36, 3], { bottleneck: true }), '/best.pth')).toBeUndefined();
  });

  it('a stem of 3×3 pixels is taken for that of networks for CIFAR, and said, unless the names are theirs', () => {
    const small = { ...resnetShapes([2, 2, 2, 2], {}), 'conv1.weight': [64, 3, 3, 3] };
    expect(recognise(small)?.assumed).toContain('behind its first convolution');
    const renamed = Object.entries(small).map(
      ([name, shape]) => [name.replace('downsample', 'shortcut'), shape] as const,
    );
    expect(recognise(Object.fromEntries(renamed))?.assumed).toBeUndefined();
  });

  it('convolutions in a row in another order than VGG’s are taken for its kind, and said', () => {
    expect(recognise(vggShapes(VGG16, true))?.assumed).toBeUndefined();
    const unpooled = VGG16.filter((layer, index) => index !== 2 || layer !== 'pool');
    expect(recognise(vggShapes(unpooled, true))?.assumed).toContain('pooling, padding and activation');
  });

  it('what config.json says of a usual network changes nothing', () => {
    const usual = { global_pool: 'avg', output_stride: 32, model_args: { act_layer: null, aa_layer: '' } };
    expect(recognise(resnetShapes([2, 2, 2, 2], {}), usual)?.architecture).toBe('ResNet-18');
  });

  it('of EfficientNet are told by the name, or what is taken for granted is said', () => {
    const named = (file: string) => {
      const weights = weightsOf(efficientnet, file);
      const network = detectArchitecture(weights, undefined);
      const graph = new Graph(weights);
      network?.build(graph);
      const padsAsTensorFlow = Buffer.from(graph.build().model()).includes('SAME_UPPER');
      return { assumed: network?.assumed, padsAsTensorFlow };
    };
    expect(named('/tf_efficientnet_b0_ns.pth')).toEqual({ assumed: undefined, padsAsTensorFlow: true });
    expect(named('/efficientnet_b1_pruned-bea43a3a.pth')).toEqual({ assumed: undefined, padsAsTensorFlow: true });
    expect(named('/efficientnet_b0_ra.pth')).toEqual({ assumed: undefined, padsAsTensorFlow: false });
    expect(named('/best.pth')).toEqual({
      assumed: expect.stringContaining('ported from TensorFlow'),
      padsAsTensorFlow: false,
    });
  });
});
