import { readParts, writeParts } from './modelParts.ts';
import { joinStandIns } from './standIns.ts';
import type { NewInput } from './writeModel.ts';

export interface Part {
  readonly model: Uint8Array;
  /** Values of other models that something stands for in this one. */
  readonly standIns: readonly string[];
}

export interface Whole {
  readonly inputs: readonly NewInput[];
  readonly outputs: readonly string[];
  /** Values that one model gives and others take. All further names are each model's own, even where they are the same. */
  readonly between: readonly string[];
}

/** One model of several that follow each other. Weights in other files stay there. */
export function mergeModels(parts: readonly Part[], { inputs, outputs, between }: Whole): Uint8Array {
  const shared = new Set([...inputs.map(({ name }) => name), ...outputs, ...between]);
  const own = (index: number, name: string) => `${index}:${name}`;
  const models = parts.map(({ model, standIns }, index) => {
    const local = new Set(standIns);
    return readParts(model, (name) => (shared.has(name) && !local.has(name) ? name : own(index, name)));
  });
  const standIns = parts.flatMap((part, index) => part.standIns.map((value) => [own(index, value), value] as const));
  const merged = {
    nodes: joinStandIns(
      models.flatMap(({ nodes }) => nodes),
      new Map(standIns),
    ),
    initializers: new Map(models.flatMap(({ initializers }) => [...initializers])),
    opsets: new Map(models.flatMap(({ opsets }) => [...opsets])),
  };
  return writeParts(merged, inputs, outputs);
}
