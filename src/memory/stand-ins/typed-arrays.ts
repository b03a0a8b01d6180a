/**
 * Stand-ins for typed arrays over a stand-in buffer: proxies, so that plain indexing is an access like any other.
 * Everything that is not over a stand-in buffer is the real thing.
 */
import { Cell, ELEMENTS, type ElementType, type ElementValue } from "./elements.ts";
import { arenaMemory, SharedBytes } from "./shared-bytes.ts";

export interface View {
  readonly type: ElementType;
  readonly cell: Cell;
  readonly buffer: SharedBytes;
  readonly byteOffset: number;
  readonly length: number;
}

const views = new WeakMap<object, View>();
/** What a stand-in is a view of; undefined: not a stand-in. */
export const viewOf = (array: object): View | undefined => views.get(array);

/** Where an element lies; undefined: out of bounds. */
export const offsetIn = (view: View, index: number): number | undefined =>
  Number.isInteger(index) && index >= 0 && index < view.length
    ? view.buffer.start + view.byteOffset + index * view.type.bytes
    : undefined;

export function readElement({ type, cell }: View, offset: number): ElementValue {
  const memory = arenaMemory();
  if (type.tears) cell.bytes.set(memory.window(offset, type.bytes, "read", 0));
  else if (type.bytes === 1) cell.raw = memory.read8(offset, 0);
  else cell.raw = type.bytes === 2 ? memory.read16(offset, 0) : memory.read32(offset, 0);
  return cell.value;
}

export function writeElement({ type, cell }: View, offset: number, value: ElementValue): void {
  const memory = arenaMemory();
  cell.as(value);
  if (type.tears) memory.window(offset, type.bytes, "write", 0).set(cell.bytes);
  else if (type.bytes === 1) memory.write8(offset, cell.raw, 0);
  else if (type.bytes === 2) memory.write16(offset, cell.raw, 0);
  else memory.write32(offset, cell.raw, 0);
}

/** A real typed array of what the stand-in holds between two indices: one bulk read. */
function copyOf({ type, buffer, byteOffset }: View, begin: number, end: number): object {
  const bytes = new Uint8Array(Math.max(0, end - begin) * type.bytes);
  if (bytes.length > 0) arenaMemory().readBytes(buffer.start + byteOffset + begin * type.bytes, bytes, 0);
  return new type.real(bytes.buffer);
}

/** An index relative to the end where it is negative, within bounds. */
const bounded = (index: number | undefined, length: number, otherwise: number): number => {
  if (index === undefined) return otherwise;
  const whole = Math.trunc(index) || 0;
  return whole < 0 ? Math.max(0, length + whole) : Math.min(whole, length);
};

type Method = (...given: never[]) => unknown;

/** Methods that a proxy cannot borrow: a range is one access, and what is copied is a typed array again. */
const methodsOf = (view: View): Readonly<Record<string, Method>> => {
  const { type, buffer, byteOffset, length } = view;
  const range = (begin?: number, end?: number): [number, number] => [
    bounded(begin, length, 0),
    bounded(end, length, length),
  ];
  return {
    subarray(begin?: number, end?: number) {
      const [from, to] = range(begin, end);
      return makeView(type, buffer, byteOffset + from * type.bytes, Math.max(0, to - from));
    },
    slice: (begin?: number, end?: number) => copyOf(view, ...range(begin, end)),
    set(source: ArrayLike<ElementValue>, at = 0) {
      const from = viewOf(source);
      const values = from === undefined ? source : (copyOf(from, 0, from.length) as ArrayLike<ElementValue>);
      if (at < 0 || at + values.length > length) throw new RangeError("offset is out of bounds");
      if (values.length === 0) return;
      const bytes = new type.real(values.length);
      bytes.set(values);
      const source8 = new Uint8Array(bytes.buffer);
      const start = offsetIn(view, at) as number;
      // From a typed array it is one copy of bytes, which may tear; from a list, one write after another.
      if (from !== undefined || ArrayBuffer.isView(source)) arenaMemory().writeBytes(start, source8, 0);
      else
        for (let index = 0; index < values.length; index++)
          writeElement(view, start + index * type.bytes, bytes[index]);
    },
    copyWithin(this: object, to: number, begin: number, end?: number) {
      const [from, limit] = range(begin, end);
      const target = bounded(to, length, 0);
      const count = Math.min(limit - from, length - target);
      const base = buffer.start + byteOffset;
      if (count > 0)
        arenaMemory().copyWithin(base + target * type.bytes, base + from * type.bytes, count * type.bytes, 0);
      return this;
    },
    map: (change: never, self?: unknown) =>
      (copyOf(view, 0, length) as { map(change: never, self: unknown): unknown }).map(change, self),
    filter: (keep: never, self?: unknown) =>
      (copyOf(view, 0, length) as { filter(keep: never, self: unknown): unknown }).filter(keep, self),
  };
};

const ARRAY_METHODS = Array.prototype as unknown as Record<PropertyKey, unknown>;
const indexOfKey = (key: PropertyKey): number =>
  typeof key === "string" && /^-?\d/.test(key) ? Number(key) : Number.NaN;

export function makeView(type: ElementType, buffer: SharedBytes, byteOffset: number, length: number): object {
  const view: View = { type, cell: new Cell(type), buffer, byteOffset, length };
  const methods = methodsOf(view);
  const own: Readonly<Record<PropertyKey, unknown>> = {
    length,
    buffer,
    byteOffset,
    byteLength: length * type.bytes,
    BYTES_PER_ELEMENT: type.bytes,
    [Symbol.toStringTag]: type.name,
  };
  const proxy: object = new Proxy(Object.create(type.real.prototype) as object, {
    get(target, key) {
      const index = indexOfKey(key);
      if (!Number.isNaN(index)) {
        const offset = offsetIn(view, index);
        return offset === undefined ? undefined : readElement(view, offset);
      }
      if (key in own) return own[key];
      if (key === "constructor") return STAND_IN_ARRAYS[type.name];
      const method = methods[key as string] ?? ARRAY_METHODS[key];
      return typeof method === "function" && key !== "toString" ? method : Reflect.get(target, key, proxy);
    },
    set(target, key, value: ElementValue) {
      const index = indexOfKey(key);
      if (Number.isNaN(index)) return Reflect.set(target, key, value);
      const offset = offsetIn(view, index);
      if (offset !== undefined) writeElement(view, offset, value);
      return true;
    },
    has: (target, key) => {
      const index = indexOfKey(key);
      return Number.isNaN(index)
        ? key in own || Reflect.has(target, key)
        : offsetIn(view, index) !== undefined;
    },
  });
  views.set(proxy, view);
  return proxy;
}

function construct(type: ElementType, buffer: SharedBytes, byteOffset = 0, given?: number): object {
  if (byteOffset % type.bytes !== 0) {
    throw new RangeError(`start offset of ${type.name} should be a multiple of ${type.bytes}`);
  }
  const rest = buffer.byteLength - byteOffset;
  const length = given ?? rest / type.bytes;
  if (!Number.isInteger(length)) {
    throw new RangeError(`byte length of ${type.name} should be a multiple of ${type.bytes}`);
  }
  if (length < 0 || length * type.bytes > rest) throw new RangeError(`invalid typed array length: ${length}`);
  return makeView(type, buffer, byteOffset, length);
}

/** By name: what takes the place of each typed-array constructor. */
export const STAND_IN_ARRAYS: Readonly<Record<string, unknown>> = Object.fromEntries(
  ELEMENTS.map((type) => [
    type.name,
    new Proxy(type.real, {
      construct(real, [source, ...rest], target) {
        if (source instanceof SharedBytes) {
          return construct(type, source, rest[0] as number | undefined, rest[1] as number | undefined);
        }
        const view = typeof source === "object" && source !== null ? viewOf(source) : undefined;
        if (view !== undefined) return new real(copyOf(view, 0, view.length));
        return Reflect.construct(
          real,
          [source, ...rest],
          target === STAND_IN_ARRAYS[type.name] ? real : target,
        );
      },
    }),
  ]),
);
