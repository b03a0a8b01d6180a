/**
 * A disk in a file. What the system has in memory is read at once (`warm-reads.ts`). All else goes side by side through
 * the engine's I/O threads, from and to buffers of their own: after a reset the driver may use its memory for something
 * else, and what was already on its way could not be called back.
 */
import { open, stat } from "node:fs/promises";
import { UsageError } from "../../host/index.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import type { Disk } from "./disk.ts";
import { WarmReads } from "./warm-reads.ts";
import { ZeroRange } from "./zero-range.ts";

/** What is asked of a file. */
export interface DiskFile {
  readonly fd: number;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

const SPARE_MOST = 64;
const SPARE_BYTES = 16_384;
const SPARE_BYTES_MOST = 1 << 20;

/** Opens a disk image; a bad one is the user's fault and says what was expected. `through` may stand in front of it. */
export async function openFileDisk(
  path: string,
  readOnly: boolean,
  through: (file: DiskFile) => DiskFile = (file) => file,
): Promise<Disk> {
  let bytes = await checkedSize(path);
  const opened = await open(path, readOnly ? "r" : "r+").catch((error: NodeJS.ErrnoException) => {
    const wanted = readOnly ? "readable" : "readable and writable";
    throw new UsageError(`blk: expected a ${wanted} disk image at ${path}, found ${reason(error)}`);
  });
  const file = through(opened);
  const range = new ZeroRange(file);
  const warm = new WarmReads(opened.fd);
  const spare = new SpareBuffers();
  return {
    get bytes() {
      return bytes;
    },
    readOnly,
    // What stands in front of the file would be passed by.
    ...(file === opened && { readNow: (position, windows) => warm.read(position, windows) }),
    async read(position, length, take) {
      const buffer = spare.take(length);
      try {
        return take(await readAll(file, position, buffer.subarray(0, length)));
      } finally {
        spare.give(buffer);
      }
    },
    async write(position, sources) {
      const length = sources.reduce((sum, source) => sum + source.length, 0);
      const buffer = spare.take(length);
      try {
        let at = 0;
        for (const source of sources) {
          buffer.set(source, at);
          at += source.length;
        }
        await writeAll(file, position, buffer.subarray(0, length));
      } finally {
        spare.give(buffer);
      }
    },
    zero: (position, length, mayUnmap) => range.zero(position, length, mayUnmap),
    flush: () => file.datasync(),
    async resize(size) {
      await file.truncate(size);
      bytes = size;
    },
    close: () => file.close(),
    ...(file === opened && {
      get share() {
        return { kind: "file", path, bytes, readOnly } as const;
      },
      follow(share) {
        if (share.kind === "file") bytes = share.bytes;
      },
    }),
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
async function readAll(file: DiskFile, position: number, buffer: Uint8Array): Promise<Uint8Array> {
  const { length } = buffer;
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw new Error(`end of file at ${position + done}`);
    done += bytesRead;
  }
  return buffer;
}

async function writeAll(file: DiskFile, position: number, data: Uint8Array): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    if (bytesWritten === 0) throw new Error(`nothing written at ${position + done}`);
    done += bytesWritten;
  }
}

/** Buffers of earlier requests, for later ones: a fresh one for each would keep the collector busy. */
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
