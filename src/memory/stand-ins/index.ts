/**
 * Stand-ins: `SharedArrayBuffer`, typed arrays, `DataView` and `Atomics` as code that is not ours knows them, over
 * memory that the scheduler watches. On a controlled thread they take the globals' names before such code is loaded.
 */
import { type AtomicOperations, STAND_IN_ATOMICS, StandInView } from "./atomics.ts";
import { ELEMENTS } from "./elements.ts";
import { SharedBytes, StandInBuffer } from "./shared-bytes.ts";
import { makeView, STAND_IN_ARRAYS } from "./typed-arrays.ts";

export type { AtomicOperations } from "./atomics.ts";
export { allocated, closeArena, rewind, useArena } from "./shared-bytes.ts";

export const standInAtomics: AtomicOperations = STAND_IN_ATOMICS;

/** Words of their own at the arena's next free place. */
export function standInWords(length: number): Int32Array {
  const type = ELEMENTS.find(({ name }) => name === "Int32Array");
  if (type === undefined) throw new Error("there is always an Int32Array");
  return makeView(type, new SharedBytes(4 * length), 0, length) as Int32Array;
}

/** From here on everything that this thread loads gets stand-ins. */
export function takeGlobalNames(): void {
  const names = {
    ...STAND_IN_ARRAYS,
    SharedArrayBuffer: StandInBuffer,
    Atomics: STAND_IN_ATOMICS,
    DataView: StandInView,
  };
  for (const [name, value] of Object.entries(names)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}
