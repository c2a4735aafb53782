// What a pickle is read into.

/** A value of Python as it is here. Tuples are arrays too; integers beyond 2^53 are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleObject
  | PickleGlobal;

/** Stands for what a class or function of Python would have made. Its content is dropped, for nobody reads it. */
export class PickleObject {
  /** The name of the class or function, such as `argparse.Namespace`. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Makes the value that stands for a call of a global, out of the arguments. */
export type GlobalMeaning = (args: readonly PickleValue[]) => PickleValue;

/** A class or function that a pickle names. */
export class PickleGlobal {
  readonly name: string;
  /** Left out for a global that is not allowed. */
  readonly meaning: GlobalMeaning | undefined;

  constructor(name: string, meaning?: GlobalMeaning) {
    this.name = name;
    this.meaning = meaning;
  }
}
