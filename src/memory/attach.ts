/** Choosing how this thread touches shared memory: once, when it starts. */
import { LiveMemory } from "./live-memory.ts";
import type { BufferMemory } from "./shared-memory.ts";

/** Shared bytes as they travel between threads; only this room looks inside. */
export type SharedBuffer = SharedArrayBuffer;
export type MemoryFactory = (buffer: SharedBuffer) => BufferMemory;

let factory: MemoryFactory = (buffer) => new LiveMemory(buffer);

/** Replaces the live class for this thread; call before anything is attached. */
export function useMemory(replacement: MemoryFactory): void {
  factory = replacement;
}

export const attachMemory: MemoryFactory = (buffer) => factory(buffer);

/** New shared bytes, zeroed. Throws RangeError with what was asked for when the engine cannot. */
export function allocateShared(bytes: number): SharedBuffer {
  assertLittleEndian();
  try {
    const buffer = new SharedArrayBuffer(bytes);
    // The engine may allocate more than a view can cover: find out here and not in the middle of a run.
    if (new Uint8Array(buffer).length === bytes) return buffer;
  } catch {
    // Falls through to the one error.
  }
  throw new RangeError(`cannot allocate ${bytes} bytes of shared memory on Node ${process.version}`);
}

/** Typed arrays use the platform's byte order and legacy rings the guest's: both must be little-endian. */
function assertLittleEndian(): void {
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
    throw new Error("virtlab needs a little-endian platform");
  }
}
