/** A disk in the host's own memory: answers at once, and forgets at the end. */
import { type SharedBytes, sharedBytes, UsageError, viewOf } from "../../host/index.ts";
import { Random } from "../../wire/random.ts";
import type { Disk } from "./disk.ts";

export interface MemoryDiskOptions {
  readonly bytes: number;
  readonly readOnly: boolean;
  /** Fills the disk with bytes that the same seed gives again; zeros without it. */
  readonly seed?: number;
}

export function memoryDisk({ bytes, readOnly, seed }: MemoryDiskOptions): Disk {
  const shared = allocate(bytes);
  if (seed !== undefined) new Random(seed).fill(viewOf(shared));
  return sharedDisk(shared, readOnly);
}

/** On content that other threads may have too. */
export function sharedDisk(shared: SharedBytes, readOnly: boolean): Disk {
  let content = viewOf(shared);
  return {
    get bytes() {
      return content.length;
    },
    readOnly,
    read: (position, length, take) => take(content.subarray(position, position + length)),
    write(position, sources) {
      for (const source of sources) {
        content.set(source, position);
        position += source.length;
      }
    },
    zero(position, length) {
      content.fill(0, position, position + length);
    },
    flush() {},
    resize(size) {
      shared = allocate(size);
      const resized = viewOf(shared);
      resized.set(content.subarray(0, size));
      content = resized;
    },
    close() {},
    get share() {
      return { kind: "memory", content: shared, readOnly } as const;
    },
    follow(share) {
      if (share.kind === "memory") content = viewOf(share.content);
    },
  };
}

function allocate(bytes: number): SharedBytes {
  try {
    return sharedBytes(bytes);
  } catch {
    throw new UsageError(`blk: expected a size that fits in memory, found ${bytes} bytes`);
  }
}
