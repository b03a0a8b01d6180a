/** The kinds of element that typed arrays and DataViews have: width, how it is read and written, what may tear. */

export interface ElementType {
  readonly name: string;
  readonly bytes: 1 | 2 | 4 | 8;
  /** Integers are never torn; floats are, and big integers unless atomic. */
  readonly tears: boolean;
  /** Atomics take it. */
  readonly atomic: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: eleven constructors of one shape.
  readonly real: any;
}

const element = (
  name: string,
  bytes: 1 | 2 | 4 | 8,
  kind: "integer" | "clamped" | "float" | "big",
): ElementType => ({
  name,
  bytes,
  tears: kind === "float" || kind === "big",
  atomic: kind === "integer" || kind === "big",
  real: (globalThis as unknown as Record<string, unknown>)[name],
});

export const ELEMENTS: readonly ElementType[] = [
  element("Int8Array", 1, "integer"),
  element("Uint8Array", 1, "integer"),
  element("Uint8ClampedArray", 1, "clamped"),
  element("Int16Array", 2, "integer"),
  element("Uint16Array", 2, "integer"),
  element("Int32Array", 4, "integer"),
  element("Uint32Array", 4, "integer"),
  element("Float32Array", 4, "float"),
  element("Float64Array", 8, "float"),
  element("BigInt64Array", 8, "big"),
  element("BigUint64Array", 8, "big"),
];

export type ElementValue = number | bigint;

/** One element as its value and as the words that it lies in. Made once for each kind: no access allocates. */
export class Cell {
  /** The element's bytes, lowest first. */
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #value: { [index: number]: ElementValue };

  constructor({ real, bytes }: ElementType) {
    this.#words = new Uint32Array(2);
    this.bytes = new Uint8Array(this.#words.buffer, 0, bytes);
    this.#value = new real(this.#words.buffer);
  }
  get value(): ElementValue {
    return this.#value[0] as ElementValue;
  }
  set value(value: ElementValue) {
    this.#value[0] = value;
  }
  /** The lowest 32 bits; of a narrow element, itself. */
  get raw(): number {
    return this.#words[0] as number;
  }
  set raw(raw: number) {
    this.#words[0] = raw;
  }
  /** The value as the element keeps it. */
  as(value: ElementValue): ElementValue {
    this.#words[0] = 0;
    this.value = value;
    return this.value;
  }
}
