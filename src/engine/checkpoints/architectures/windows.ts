import type { Graph, Value } from './graph.ts';

// Where the pixels of a map go when it is cut into windows or into patches to merge: index arithmetic on int64 values,
// computed by the graph itself, so that a network takes images of any size.

/** Height and width of a map, as scalars. */
export interface MapSize {
  readonly height: Value;
  readonly width: Value;
}

/** A map's pixels, padded and rolled, in the order of its windows. */
export interface WindowPlan {
  /** For each pixel of each window its place in the map; the place behind the last one means padding. */
  readonly order: Value;
  /** For each pixel of the map its place in the windows' order. */
  readonly back: Value;
  /** `[windows, 1, area, area]`, to add to the scores; undefined without rolling. */
  readonly mask: Value | undefined;
}

/** The size of a map `[n, c, h, w]`. */
export function sizeOfMap(graph: Graph, map: Value): MapSize {
  const scalar = (axis: number) => graph.node('Squeeze', [graph.node('Shape', [map], { start: axis, end: axis + 1 })]);
  return { height: scalar(2), width: scalar(3) };
}

export interface WindowOptions {
  /** Side of a window. */
  readonly window: number;
  /** Whether the map is rolled by half a window, where it has more than one. */
  readonly shifted: boolean;
  /** Whether it is rolled before it is padded (timm), not afterwards. */
  readonly rollsFirst: boolean;
  /** What is added to the scores of pixels that only rolling brought together. */
  readonly masked: number;
}

export function planWindows(graph: Graph, { height, width }: MapSize, options: WindowOptions): WindowPlan {
  const { window, shifted, rollsFirst, masked } = options;
  const { int, add, sub, mul, div, mod, range, column, row } = arithmetic(graph);
  const side = int(window);
  const axis = (size: Value) => {
    const padded = mul(div(add(size, int(window - 1)), side), side);
    const half = int(shifted ? Math.floor(window / 2) : 0);
    const shift = graph.node('Where', [graph.node('Greater', [padded, side]), half, int(0)]);
    const places = range(padded);
    const rolled = rollsFirst ? size : padded;
    const beyond = (limit: Value) => graph.node('Cast', [graph.node('GreaterOrEqual', [places, limit])], { to: INT64 });
    return {
      windows: div(padded, side),
      source: graph.node('Where', [graph.node('Less', [places, rolled]), mod(add(places, shift), rolled), places]),
      place: mod(add(sub(range(size), shift), rolled), rolled),
      region: add(beyond(sub(padded, side)), beyond(sub(padded, shift))),
    };
  };
  const [y, x] = [axis(height), axis(width)];

  /** A value for each pixel of the padded map, window after window. */
  const byWindow = (values: Value) => {
    const columns = graph.node('Unsqueeze', [x.windows, graph.integers(0)]);
    const sides = graph.node('Concat', [graph.integers(-1, window), columns, graph.integers(window)], { axis: 0 });
    return graph.node('Transpose', [graph.node('Reshape', [values, sides])], { perm: [0, 2, 1, 3] });
  };
  const [rows, columns] = [column(y.source), row(x.source)];
  const inside = graph.node('And', [graph.node('Less', [rows, height]), graph.node('Less', [columns, width])]);
  const sources = graph.node('Where', [inside, add(mul(rows, width), columns), mul(height, width)]);
  const windowOf = add(mul(column(div(y.place, side)), x.windows), row(div(x.place, side)));
  const placeIn = add(mul(column(mod(y.place, side)), side), row(mod(x.place, side)));
  const flat = graph.integers(-1);
  return {
    order: graph.node('Reshape', [byWindow(sources), flat]),
    back: graph.node('Reshape', [add(mul(windowOf, int(window ** 2)), placeIn), flat]),
    mask: shifted ? maskBetween(byWindow(add(mul(column(y.region), int(3)), row(x.region)))) : undefined,
  };

  function maskBetween(regions: Value): Value {
    const from = graph.node('Reshape', [regions, graph.integers(-1, 1, window ** 2, 1)]);
    const to = graph.node('Reshape', [regions, graph.integers(-1, 1, 1, window ** 2)]);
    return graph.node('Where', [
      graph.node('Equal', [from, to]),
      graph.constant([0], []),
      graph.constant([masked], []),
    ]);
  }
}

/**
 * For each pixel of a map of half the height and width the places of the four that it is made of: down first, then to
 * the right. An odd side is padded.
 */
export function planMerging(graph: Graph, { height, width }: MapSize): { order: Value; size: MapSize } {
  const { int, add, mul, div, range } = arithmetic(graph);
  const half = (size: Value) => div(add(size, int(1)), int(2));
  const size = { height: half(height), width: half(width) };
  const along = (values: Value, shape: number[]) => graph.node('Reshape', [values, graph.integers(...shape)]);
  const pair = (shape: number[]) => graph.constant([0, 1], shape, 'int64');
  const rows = add(mul(along(range(size.height), [-1, 1, 1, 1]), int(2)), pair([1, 1, 1, 2]));
  const columns = add(mul(along(range(size.width), [1, -1, 1, 1]), int(2)), pair([1, 1, 2, 1]));
  const inside = graph.node('And', [graph.node('Less', [rows, height]), graph.node('Less', [columns, width])]);
  const places = graph.node('Where', [inside, add(mul(rows, width), columns), mul(height, width)]);
  return { order: graph.node('Reshape', [places, graph.integers(-1)]), size };
}

/** `[n, t, d]` → `[n, places, d]`: the tokens of these places; the one behind the last is zero. */
export function gatherPadded(graph: Graph, x: Value, places: Value): Value {
  const padded = graph.node('Pad', [x, graph.integers(0, 0, 0, 0, 1, 0)]);
  return graph.node('Gather', [padded, places], { axis: 1 });
}

/** ONNX TensorProto.DataType */
const INT64 = 7;

/** Nodes of arithmetic on int64 values. */
export function arithmetic(graph: Graph) {
  const binary = (op: string) => (a: Value, b: Value) => graph.node(op, [a, b]);
  const int = (value: number) => graph.integer(value);
  return {
    int,
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    mod: binary('Mod'),
    range: (size: Value) => graph.node('Range', [int(0), size, int(1)]),
    column: (values: Value) => graph.node('Unsqueeze', [values, graph.integers(1)]),
    row: (values: Value) => graph.node('Unsqueeze', [values, graph.integers(0)]),
  };
}
