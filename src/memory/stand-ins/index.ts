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

/** Words of their own at the arena's next free place, and the same memory in halves. */
export function standInWords(length: number): { words: Int32Array; halves: Uint16Array } {
  const buffer = new SharedBytes(4 * length);
  const view = (name: string, elements: number): object => {
    const type = ELEMENTS.find((each) => each.name === name);
    if (type === undefined) throw new Error(`there is always an ${name}`);
    return makeView(type, buffer, 0, elements);
  };
  return {
    words: view("Int32Array", length) as Int32Array,
    halves: view("Uint16Array", 2 * length) as Uint16Array,
  };
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
