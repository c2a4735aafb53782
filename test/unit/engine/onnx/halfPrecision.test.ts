import { Float16Array } from '@petamoriken/float16';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE, ELEMENT_TYPES } from '../../../../src/engine/onnx/format.ts';
import { castAfterLookups, computeInSingle, computesInHalf } from '../../../../src/engine/onnx/halfPrecision.ts';
import {
  type NewModel,
  type NewNode,
  type NewTensor,
  writeModel,
  writeTensor,
} from '../../../../src/engine/onnx/writeModel.ts';
import { message } from '../../../helpers/onnxGraph.ts';

const { float16, float32 } = ELEMENT_TYPES;
/** That half precision, which has steps of two there, rounds to 2048. */
const EXACT = 2048.5;

const halves = (...values: number[]) => new Uint8Array(new Float16Array(values).buffer);
const bfloats = (...values: number[]) =>
  new Uint8Array(Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits >>> 16).buffer);
const node = (op: string, inputs: string[], output: string, attributes: NewNode['attributes'] = {}): NewNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
/** An attribute of numbers in half precision. */
const encoded = (name: string, value: number) => ({
  encoded: message((attribute) => {
    const tensor: NewTensor = { name: '', type: 'float16', shape: [1], values: halves(value) };
    attribute.writeStringField(ATTRIBUTE.name, name);
    attribute.writeMessage(ATTRIBUTE.tensor, writeTensor, tensor);
    attribute.writeVarintField(ATTRIBUTE.type, 4);
  }),
});

const half: NewTensor = { name: 'half', type: 'float16', shape: [1], values: halves(0.5) };
const shape: NewTensor = {
  name: 'shape',
  type: 'int64',
  shape: [1],
  values: new Uint8Array(BigInt64Array.of(1n).buffer),
};
const stored: NewTensor = { ...half, name: 'stored', values: { location: 'file', offset: 0, bytes: 2 } };
const model = (nodes: NewNode[], initializers: NewTensor[] = [half, shape]): NewModel => ({
  nodes,
  initializers,
  inputs: [{ name: 'x', type: 'float16', shape: ['n'] }],
  outputs: ['y'],
});

/** What a model makes of 2048. */
async function run(given: NewModel): Promise<Tensor | undefined> {
  const session = await InferenceSession.create(writeModel(given), { logSeverityLevel: 4 });
  const { y } = await session.run({
    x: new Tensor('float16', Uint16Array.from(new Uint16Array(halves(2048).buffer)), [1]),
  });
  await session.release();
  return y;
}

describe('computeInSingle', () => {
  const add = (value: string) => node('Add', ['x', value], 'y');
  const kinds: [string, NewModel][] = [
    ['weights', model([add('half')])],
    [
      'weights in bfloat16',
      { ...model([add('half')], [{ ...half, type: 'bfloat16', values: bfloats(0.5) }]), inputs: [] },
    ],
    [
      'values that are cast to half precision',
      model([
        node('Neg', ['half'], 'less'),
        node('Abs', ['less'], 'more'),
        node('Cast', ['more'], 'cast', { to: float16 }),
        add('cast'),
      ]),
    ],
    ['values of the type of others', model([node('CastLike', ['half', 'x'], 'cast'), add('cast')])],
    [
      'constants of any shape',
      model([
        node('ConstantOfShape', ['shape'], 'constant', { value: encoded('value', 0.25) }),
        node('Add', ['constant', 'half'], 'sum'),
        node('Sub', ['sum', 'constant'], 'difference'),
        add('difference'),
      ]),
    ],
    [
      'operators that name a type',
      model(
        [
          node('EyeLike', ['matrix'], 'one', { dtype: float16 }),
          node('Squeeze', ['one'], 'scalar'),
          node('Mul', ['half', 'scalar'], 'product'),
          add('product'),
        ],
        [half, { name: 'matrix', type: 'int64', shape: [1, 1], values: shape.values }],
      ),
    ],
    [
      'a mixture of precisions',
      model(
        [
          node('Cast', ['x'], 'single', { to: float32 }),
          node('Cast', ['half'], 'number', { to: float32 }),
          node('Add', ['single', 'number'], 'sum'),
          node('Cast', ['sum'], 'back', { to: float16 }),
          node('Mul', ['back', 'one'], 'y'),
        ],
        [half, { ...half, name: 'one', values: halves(1) }],
      ),
    ],
  ];
  it.each(kinds)('takes %s', async (_, given) => {
    const inputs = [{ name: 'x', type: 'float16', shape: ['n'] }] as const;
    expect(computesInHalf(given)).toBe(true);
    const y = await run(computeInSingle({ ...given, inputs }));
    expect(y?.type).toBe('float32');
    expect(y?.data).toEqual(Float32Array.of(EXACT));
  });

  it('casts weights in files where they are used, once', () => {
    const cast = node('Cast', ['stored'], 'single', { to: float32 });
    const nodes = [cast, add('stored'), node('Mul', ['y', 'stored'], 'z'), node('Mul', ['z', 'single'], 'w')];
    const { nodes: after, initializers } = computeInSingle(model(nodes, [stored]));
    expect(initializers).toEqual([stored]);
    expect(after.filter(({ inputs }) => inputs.includes('stored'))).toEqual([
      cast,
      node('Cast', ['stored'], 'stored in single precision', { to: float32 }),
    ]);
    expect(after.at(-1)).toEqual(nodes.at(-1));
  });

  const others: [string, NewNode[]][] = [
    [
      'stores in half precision what it casts',
      [node('Cast', ['half'], 'single', { to: float32 }), node('Neg', ['single'], 'y')],
    ],
    [
      'casts what it computes to half precision',
      [node('Cast', ['x'], 'rounded', { to: float16 }), node('Neg', ['rounded'], 'y')],
    ],
    ['looks at bits', [node('BitCast', ['half'], 'bits', { to: ELEMENT_TYPES.int16 }), node('Neg', ['half'], 'y')]],
  ];
  it.each(others)('is not for a network that only %s', (_, nodes) => {
    expect(computesInHalf(model(nodes))).toBe(false);
  });
});

describe('castAfterLookups', () => {
  const cast = node('Cast', ['table'], 'single', { to: float32 });
  const lookup = node('Gather', ['single', 'ids'], 'row', { axis: 0 });
  const table: NewTensor = { name: 'table', type: 'float16', shape: [3], values: halves(1, 2, 0.5) };
  const ids: NewTensor = { ...shape, name: 'ids', values: new Uint8Array(BigInt64Array.of(2n).buffer) };

  it('looks rows up before they are cast', async () => {
    const number = node('Cast', ['x'], 'number', { to: float32 });
    const given = model([cast, lookup, number, node('Add', ['number', 'row'], 'y')], [table, ids]);
    const changed = castAfterLookups(given);
    expect(changed.nodes.map(({ op }) => op)).toEqual(['Gather', 'Cast', 'Cast', 'Add']);
    expect((await run(changed))?.data).toEqual(Float32Array.of(EXACT));
    expect(await run(given)).toEqual(await run(changed));
  });

  it('casts the table too where others take the whole', () => {
    const given = model([cast, lookup, node('Add', ['single', 'row'], 'y')], [table, ids]);
    expect(castAfterLookups(given).nodes.map(({ op }) => op)).toEqual(['Cast', 'Gather', 'Cast', 'Add']);
  });
});
