/** Stand-ins for `Atomics` and `DataView` over stand-in buffers; anything else goes to the real ones. */
import { ACCESS, type AccessKind } from "../scheduled-memory.ts";
import { Cell, ELEMENTS, type ElementValue } from "./elements.ts";
import { arenaMemory, SharedBytes } from "./shared-bytes.ts";
import { offsetIn, type View, viewOf } from "./typed-arrays.ts";

export type AtomicOperations = typeof Atomics;

const REAL_ATOMICS = Atomics;
const REAL_VIEW = DataView;

type Touch = (cell: Cell, view: View) => boolean;

/** Where an atomic access goes, or why it may not. */
function placeOf(view: View, index: number): number {
  if (!view.type.atomic) throw new TypeError(`[object ${view.type.name}] is not an integer typed array.`);
  const offset = offsetIn(view, Math.trunc(Number(index)) || 0);
  if (offset === undefined) throw new RangeError(`invalid atomic access index: ${index} of ${view.length}`);
  return offset;
}

/** Takes the element into the view's cell, lets `touch` change it, and puts it back if it says so. */
function access(view: View, index: number, kind: AccessKind, touch: Touch): void {
  const { type, cell } = view;
  arenaMemory().atomicBytes(placeOf(view, index), type.bytes, kind, 0, (bytes) => {
    if (kind !== ACCESS.store) cell.bytes.set(bytes);
    const changed = touch(cell, view);
    if (changed) bytes.set(cell.bytes);
    return changed;
  });
}

const keep = (): boolean => false;

function load(view: View, index: number): ElementValue {
  let seen: ElementValue = 0;
  access(view, index, ACCESS.load, (cell) => {
    seen = cell.value;
    return keep();
  });
  return seen;
}

function store(view: View, index: number, value: ElementValue): ElementValue {
  const whole = typeof value === "bigint" ? value : Math.trunc(Number(value)) || 0;
  access(view, index, ACCESS.store, (cell) => {
    cell.as(whole);
    return true;
  });
  return whole;
}

function update(view: View, index: number, change: (before: ElementValue) => ElementValue): ElementValue {
  let before: ElementValue = 0;
  access(view, index, ACCESS.update, (cell) => {
    before = cell.value;
    cell.as(change(before));
    return true;
  });
  return before;
}

function compareExchange(
  view: View,
  index: number,
  expected: ElementValue,
  value: ElementValue,
): ElementValue {
  const wanted = new Cell(view.type).as(expected);
  let before: ElementValue = 0;
  access(view, index, ACCESS.update, (cell) => {
    before = cell.value;
    if (before !== wanted) return false;
    cell.as(value);
    return true;
  });
  return before;
}

function wait(view: View, index: number, expected: ElementValue): "ok" | "not-equal" {
  if (view.type.name !== "Int32Array") {
    throw new TypeError(`a wait under the scheduler needs an Int32Array, got ${view.type.name}`);
  }
  return arenaMemory().wait32(placeOf(view, index), Number(expected), Number.POSITIVE_INFINITY, 0) as "ok";
}

function notify(view: View, index: number): number {
  return arenaMemory().notify32(placeOf(view, index), 0);
}

/** Two numbers, or two big integers. */
const combine =
  (numbers: (a: number, b: number) => number, bigs: (a: bigint, b: bigint) => bigint) =>
  (view: View, index: number, operand: ElementValue): ElementValue =>
    update(view, index, (before) =>
      typeof before === "bigint" ? bigs(before, BigInt(operand)) : numbers(before, Number(operand)),
    );

const OPERATIONS: Readonly<Record<string, (view: View, ...given: never[]) => unknown>> = {
  load,
  store,
  add: combine(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  sub: combine(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  and: combine(
    (a, b) => a & b,
    (a, b) => a & b,
  ),
  or: combine(
    (a, b) => a | b,
    (a, b) => a | b,
  ),
  xor: combine(
    (a, b) => a ^ b,
    (a, b) => a ^ b,
  ),
  exchange: combine(
    (_, b) => b,
    (_, b) => b,
  ),
  compareExchange,
  wait,
  waitAsync: () => {
    throw new Error("a controlled thread has no event loop to wait in: use a blocking wait");
  },
  notify,
};

type Operation = (...given: unknown[]) => unknown;

export const STAND_IN_ATOMICS: AtomicOperations = Object.defineProperties(
  Object.create(null),
  Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(REAL_ATOMICS)).map(([name, descriptor]) => {
      const operation = OPERATIONS[name] as Operation | undefined;
      if (operation === undefined) return [name, descriptor];
      const real = descriptor.value as Operation;
      // Of one arity, because the scheduler itself comes this way: what is not given is undefined to the real one too.
      const value = (array: object, a?: unknown, b?: unknown, c?: unknown): unknown => {
        const view = viewOf(array);
        return view === undefined ? real(array, a, b, c) : operation(view, a, b, c);
      };
      return [name, { ...descriptor, value }];
    }),
  ),
) as AtomicOperations;

/** Each access of a DataView is one of a range: it may tear. */
class SharedDataView {
  readonly buffer: SharedBytes;
  readonly byteOffset: number;
  readonly byteLength: number;

  constructor(buffer: SharedBytes, byteOffset = 0, byteLength = buffer.byteLength - byteOffset) {
    if (byteOffset < 0 || byteLength < 0 || byteOffset + byteLength > buffer.byteLength) {
      throw new RangeError(`start offset ${byteOffset} is outside the bounds of the buffer`);
    }
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
  }

  range(at: number, bytes: number, intent: "read" | "write"): Uint8Array {
    if (at < 0 || at + bytes > this.byteLength)
      throw new RangeError("offset is outside the bounds of the DataView");
    return arenaMemory().window(this.buffer.start + this.byteOffset + at, bytes, intent, 0);
  }
}

/** "Int32Array" is what `getInt32` and `setInt32` are about. */
for (const { name, bytes } of ELEMENTS) {
  if (name === "Uint8ClampedArray") continue;
  const kind = name.slice(0, -"Array".length);
  const scratch = new REAL_VIEW(new ArrayBuffer(bytes)) as unknown as Record<string, Operation>;
  const scratchBytes = new Uint8Array((scratch as unknown as DataView).buffer);
  Object.defineProperty(SharedDataView.prototype, `get${kind}`, {
    value(this: SharedDataView, at: number, littleEndian?: boolean) {
      scratchBytes.set(this.range(at, bytes, "read"));
      return scratch[`get${kind}`]?.call(scratch, 0, littleEndian);
    },
  });
  Object.defineProperty(SharedDataView.prototype, `set${kind}`, {
    value(this: SharedDataView, at: number, value: ElementValue, littleEndian?: boolean) {
      scratch[`set${kind}`]?.call(scratch, 0, value, littleEndian);
      this.range(at, bytes, "write").set(scratchBytes);
    },
  });
}

export const StandInView: DataViewConstructor = new Proxy(REAL_VIEW, {
  construct(real, args, target) {
    const [buffer, ...rest] = args as [SharedBytes, number?, number?];
    if (buffer instanceof SharedBytes) return new SharedDataView(buffer, ...rest);
    return Reflect.construct(real, args, target === StandInView ? real : target);
  },
});
