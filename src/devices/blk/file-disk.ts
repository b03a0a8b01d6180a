/**
 * A disk in a file. Requests run side by side in the engine's I/O threads. Writes go straight out of guest RAM. Reads
 * arrive in a buffer of their own: after a reset the driver may use its memory for something else, and a read that
 * was already on its way could not be called back from there.
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { UsageError } from "../../host/index.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import type { Disk } from "./disk.ts";
import { ZeroRange } from "./zero-range.ts";

const SPARE_MOST = 64;
const SPARE_BYTES = 16_384;
const SPARE_BYTES_MOST = 1 << 20;

/** Opens a disk image; a bad one is the user's fault and says what was expected. */
export async function openFileDisk(path: string, readOnly: boolean): Promise<Disk> {
  let bytes = await checkedSize(path);
  const file = await open(path, readOnly ? "r" : "r+").catch((error: NodeJS.ErrnoException) => {
    const wanted = readOnly ? "readable" : "readable and writable";
    throw new UsageError(`blk: expected a ${wanted} disk image at ${path}, found ${reason(error)}`);
  });
  const range = new ZeroRange(file);
  const spare = new SpareBuffers();
  return {
    get bytes() {
      return bytes;
    },
    readOnly,
    async read(position, length, take) {
      const buffer = spare.take(length);
      try {
        return take(await readAll(file, position, buffer.subarray(0, length)));
      } finally {
        spare.give(buffer);
      }
    },
    write: (position, sources) => writeAll(file, position, sources),
    zero: (position, length, mayUnmap) => range.zero(position, length, mayUnmap),
    flush: () => file.datasync(),
    async resize(size) {
      await file.truncate(size);
      bytes = size;
    },
    close: () => file.close(),
  };
}

async function checkedSize(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`blk: expected a disk image at ${path}, found ${reason(error)}`);
  });
  if (found.isDirectory()) throw new UsageError(`blk: expected a disk image at ${path}, found a directory`);
  if (!found.isFile()) throw new UsageError(`blk: expected a disk image at ${path}, found no regular file`);
  if (found.size === 0) throw new UsageError(`blk: expected a disk image at ${path}, found an empty file`);
  if (found.size % SECTOR_SIZE !== 0) {
    throw new UsageError(
      `blk: expected the size of ${path} to be a multiple of ${SECTOR_SIZE}, found ${found.size} bytes`,
    );
  }
  return found.size;
}

function reason(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "no such file";
  if (error.code === "EACCES" || error.code === "EPERM") return "permission denied";
  if (error.code === "EROFS") return "a read-only file system";
  return error.message;
}

/** The engine may read less than asked; the end of the file before the end of the request is an I/O error. */
async function readAll(file: FileHandle, position: number, buffer: Uint8Array): Promise<Uint8Array> {
  const { length } = buffer;
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw new Error(`end of file at ${position + done}`);
    done += bytesRead;
  }
  return buffer;
}

async function writeAll(file: FileHandle, position: number, sources: readonly Uint8Array[]): Promise<void> {
  let rest = sources.filter((source) => source.length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, position);
    if (bytesWritten === 0) throw new Error(`nothing written at ${position}`);
    position += bytesWritten;
    rest = afterBytes(rest, bytesWritten);
  }
}

/** Buffers of earlier reads, for later ones: a fresh one for each would keep the collector busy. */
class SpareBuffers {
  readonly #buffers: Uint8Array[] = [];

  take(length: number): Uint8Array {
    const buffer = this.#buffers.pop();
    return buffer !== undefined && buffer.length >= length
      ? buffer
      : new Uint8Array(Math.max(length, SPARE_BYTES));
  }

  give(buffer: Uint8Array): void {
    if (this.#buffers.length < SPARE_MOST && buffer.length <= SPARE_BYTES_MOST) this.#buffers.push(buffer);
  }
}

/** What is left of a list of buffers after its first `count` bytes. */
export function afterBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (count < buffer.length) rest.push(buffer.subarray(count));
    count = Math.max(0, count - buffer.length);
  }
  return rest;
}
