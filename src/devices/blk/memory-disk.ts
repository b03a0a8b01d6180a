/** A disk in the host's own memory: answers at once, and forgets at the end. */
import { UsageError } from "../../host/index.ts";
import { Random } from "../../wire/random.ts";
import type { Disk } from "./disk.ts";

export interface MemoryDiskOptions {
  readonly bytes: number;
  readonly readOnly: boolean;
  /** Fills the disk with bytes that the same seed gives again; zeros without it. */
  readonly seed?: number;
}

export function memoryDisk({ bytes, readOnly, seed }: MemoryDiskOptions): Disk {
  let content = allocate(bytes);
  if (seed !== undefined) new Random(seed).fill(content);
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
      const resized = allocate(size);
      resized.set(content.subarray(0, size));
      content = resized;
    },
    close() {},
  };
}

function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw new UsageError(`blk: expected a size that fits in memory, found ${bytes} bytes`);
  }
}
