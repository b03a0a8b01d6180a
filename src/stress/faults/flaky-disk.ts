/**
 * A block device whose back-end has bad days: reads and writes fail (EIO, ENOSPC), files answer with less than was
 * asked for, answers come late, and some reads never get one. How often is said per mille of requests.
 */

import { BLK_OPTIONS, checkBlkOptions } from "../../devices/blk/definition.ts";
import type { Disk } from "../../devices/blk/disk.ts";
import { type DiskFile, openFileDisk } from "../../devices/blk/file-disk.ts";
import { memoryDisk } from "../../devices/blk/memory-disk.ts";
import { blk } from "../../devices/blk/model.ts";
import { type DeviceOption, type DeviceOptions, defineDevice } from "../../host/device.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { Random } from "../../wire/random.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";

const LATE_MS_MAX = 20;
const MEMORY_BYTES = 1 << 20;

/** Per mille of requests. */
export type Misfortune = Partial<
  Record<"eio" | "enospc" | "short" | "late" | "never" | "lost" | "flipped", number>
>;

const perMille = (help: string): DeviceOption => ({ type: "number", default: 0, help: `${help}, per mille` });

export default defineDevice({
  name: "blk",
  virtioId: VIRTIO_TYPE.blk.id,
  summary: "block device that fails, is late and forgets",
  options: {
    ...BLK_OPTIONS,
    mood: { type: "number", help: "seed of its bad days", default: 1 },
    eio: perMille("reads and writes that fail"),
    enospc: perMille("writes that find no space, half of them after half of the data"),
    short: perMille("file operations that do less than was asked for"),
    late: perMille("requests that are answered late"),
    never: perMille("reads and flushes that are never answered"),
    lost: perMille("writes that are acknowledged and not done"),
    flipped: perMille("reads that come back with a bit flipped"),
  },
  async create(options) {
    const mood = new Mood(options);
    const disk =
      options.file === undefined
        ? memoryDisk({ bytes: MEMORY_BYTES, readOnly: false })
        : await openFileDisk(String(options.file), false, (file) => shortened(file, mood));
    return blk(flaky(disk, mood), checkBlkOptions(options));
  },
});

class Mood {
  readonly #options: DeviceOptions;
  readonly #random: Random;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#random = new Random(Number(options.mood));
  }

  is(name: keyof Misfortune): boolean {
    return this.below(1000) < Number(this.#options[name] ?? 0);
  }
  below(limit: number): number {
    return this.#random.next() % Math.max(1, limit);
  }
  async delay(): Promise<void> {
    if (this.is("late")) await new Promise((resolve) => setTimeout(resolve, this.below(LATE_MS_MAX)));
  }
}

const failure = (code: string): Error => Object.assign(new Error(`${code}: asked for`), { code });
const forever = new Promise<never>(() => {});

function flaky(disk: Disk, mood: Mood): Disk {
  return {
    get bytes() {
      return disk.bytes;
    },
    readOnly: disk.readOnly,
    async read(position, length, take) {
      await mood.delay();
      if (mood.is("never")) return forever;
      if (mood.is("eio")) throw failure("EIO");
      return disk.read(position, length, (bytes) => take(mood.is("flipped") ? flipped(bytes, mood) : bytes));
    },
    async write(position, sources) {
      const data = Buffer.concat(sources);
      await mood.delay();
      if (mood.is("lost")) return;
      if (mood.is("eio")) throw failure("EIO");
      if (mood.is("enospc")) {
        // What fits is written: whole sectors.
        if (mood.below(2) === 0) await disk.write(position, [data.subarray(0, (data.length / 2) & ~511)]);
        throw failure("ENOSPC");
      }
      await disk.write(position, [data]);
    },
    zero: (position, length, mayUnmap) => disk.zero(position, length, mayUnmap),
    async flush() {
      await mood.delay();
      if (mood.is("never")) return forever;
      if (mood.is("eio")) throw failure("EIO");
      await disk.flush();
    },
    resize: (bytes) => disk.resize(bytes),
    close: () => disk.close(),
  };
}

function flipped(bytes: Uint8Array, mood: Mood): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = mood.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << mood.below(8));
  return copy;
}

/**
 * A file that may do less than it was asked to, as every file may. It writes whole sectors: a host that is killed before
 * the rest of a write must not have torn one, which no disk does and the ledger does not expect.
 */
export function shortened(file: DiskFile, mood: Pick<Mood, "is" | "below">): DiskFile {
  const part = (length: number): number => (mood.is("short") ? 1 + mood.below(length) : length);
  const sectors = (length: number): number =>
    mood.is("short") ? SECTOR_SIZE * (1 + mood.below(length / SECTOR_SIZE)) : length;
  return {
    get fd() {
      return file.fd;
    },
    read: (buffer, offset, length, position) => file.read(buffer, offset, part(length), position),
    write: (buffer, offset, length, position) => file.write(buffer, offset, sectors(length), position),
    datasync: () => file.datasync(),
    truncate: (bytes) => file.truncate(bytes),
    close: () => file.close(),
  };
}
