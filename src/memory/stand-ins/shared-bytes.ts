/**
 * A stand-in for `SharedArrayBuffer` on a thread under the scheduler: a range of the scenario's memory. The n-th one
 * that a thread makes while its module loads, or while its program is set up, is the same memory on every thread.
 */
import type { ScheduledMemory } from "../scheduled-memory.ts";

/** Real ones, kept before anything takes their names. */
export const REAL_BUFFER = SharedArrayBuffer;

const ALIGN = 8;

interface Arena {
  /** Bytes there are; the memory itself comes when the thread is built. */
  memory: ScheduledMemory | undefined;
  used: number;
  /** Set while a thread's own function runs: what is made then is nobody else's. */
  closed: boolean;
}

const arena: Arena = { memory: undefined, used: 0, closed: false };

/** Memory that stand-ins of this thread lie in. */
export function useArena(memory: ScheduledMemory): void {
  arena.memory = memory;
}

/** What was allocated so far; give it back to `rewind` to make the same allocations again. */
export const allocated = (): number => arena.used;
export function rewind(used: number): void {
  arena.used = used;
  arena.closed = false;
}
/** From here on new buffers are the thread's own, and not watched. */
export function closeArena(): void {
  arena.closed = true;
}
export const arenaClosed = (): boolean => arena.closed;

export function arenaMemory(): ScheduledMemory {
  if (arena.memory !== undefined) return arena.memory;
  throw new Error(
    "shared memory is touched while its module loads: initialise it in `setup`, which runs before each execution",
  );
}

export class SharedBytes {
  readonly byteLength: number;
  readonly start: number;

  constructor(byteLength = 0) {
    if (!Number.isInteger(byteLength) || byteLength < 0) {
      throw new RangeError(`shared memory: expected a length in bytes, got ${byteLength}`);
    }
    this.start = arena.used;
    this.byteLength = byteLength;
    const end = this.start + Math.ceil(byteLength / ALIGN) * ALIGN;
    const limit = arena.memory?.byteLength ?? Number.POSITIVE_INFINITY;
    if (end > limit) {
      throw new RangeError(
        `shared memory: ${byteLength} bytes more than the ${limit - this.start} left: give sharedMemory more \`bytes\``,
      );
    }
    arena.used = end;
  }

  get growable(): boolean {
    return false;
  }
  get maxByteLength(): number {
    return this.byteLength;
  }
  get [Symbol.toStringTag](): string {
    return "SharedArrayBuffer";
  }
  grow(): never {
    throw new TypeError("shared memory that grows has no stand-in");
  }
  /** A copy, of memory that nobody else has. */
  slice(begin = 0, end = this.byteLength): SharedArrayBuffer {
    const from = begin < 0 ? Math.max(0, this.byteLength + begin) : Math.min(begin, this.byteLength);
    const to = end < 0 ? Math.max(0, this.byteLength + end) : Math.min(end, this.byteLength);
    const length = Math.max(0, to - from);
    const copy = new REAL_BUFFER(length);
    if (length > 0) arenaMemory().readBytes(this.start + from, new Uint8Array(copy), 0);
    return copy;
  }
}

/** What takes the name: a stand-in while the arena is open, the real thing for what a thread makes for itself. */
export const StandInBuffer: SharedArrayBufferConstructor = new Proxy(REAL_BUFFER, {
  construct(real, args, target) {
    if (arenaClosed()) return Reflect.construct(real, args, target === StandInBuffer ? real : target);
    return new SharedBytes(args[0] as number);
  },
  get(real, key) {
    if (key === Symbol.hasInstance) {
      return (value: unknown): boolean => value instanceof SharedBytes || value instanceof real;
    }
    return Reflect.get(real, key);
  },
});
