/** Bytes of a device's own that all host threads see: what a model shares with its parts on I/O threads. */
import { allocateShared, type SharedBuffer } from "../memory/attach.ts";
import { LiveMemory } from "../memory/live-memory.ts";

/** As they travel between threads. */
export type SharedBytes = SharedBuffer;

/** Zeros. Throws RangeError where the engine has no room. */
export const sharedBytes = (bytes: number): SharedBytes => allocateShared(bytes);

/** All of them, on this thread. */
export const viewOf = (shared: SharedBytes): Uint8Array =>
  new LiveMemory(shared).window(0, shared.byteLength, "write", 0);
