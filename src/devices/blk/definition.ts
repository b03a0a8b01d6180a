/** virtio-blk's options: a file, or memory. */
import { defineDevice, UsageError } from "../../host/index.ts";
import { BLK_ID_BYTES } from "../../wire/blk.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { openFileDisk } from "./file-disk.ts";
import { memoryDisk } from "./memory-disk.ts";
import { blk } from "./model.ts";

const DEFAULT_BYTES = 64 * 1024 * 1024;

export default defineDevice({
  name: "blk",
  virtioId: VIRTIO_TYPE.blk.id,
  summary: "block device, in memory or on a file",
  options: {
    file: { type: "string", help: "disk image; without it the disk is in memory" },
    size: { type: "size", help: "size of the disk in memory", default: DEFAULT_BYTES },
    seed: { type: "number", help: "fills the disk in memory with the bytes of this seed" },
    "read-only": { type: "boolean", help: "refuses writes", default: false },
    serial: { type: "string", help: `serial number, ${BLK_ID_BYTES} bytes at most`, default: "virtlab" },
  },
  async create(options) {
    const readOnly = options["read-only"] === true;
    const serial = checkedSerial(String(options.serial ?? "virtlab"));
    const { file, seed } = options;
    if (file !== undefined) {
      if (seed !== undefined) throw new UsageError("blk: expected either file or seed, found both");
      return blk(await openFileDisk(String(file), readOnly), serial);
    }
    const bytes = checkedSize(Number(options.size ?? DEFAULT_BYTES));
    return blk(
      memoryDisk({ bytes, readOnly, ...(seed === undefined ? {} : { seed: Number(seed) }) }),
      serial,
    );
  },
});

function checkedSize(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes % SECTOR_SIZE === 0) return bytes;
  throw new UsageError(`blk: expected size to be a positive multiple of ${SECTOR_SIZE}, found ${bytes}`);
}

function checkedSerial(serial: string): string {
  const { length } = new TextEncoder().encode(serial);
  if (length <= BLK_ID_BYTES) return serial;
  throw new UsageError(`blk: expected serial to have at most ${BLK_ID_BYTES} bytes, found ${length}`);
}
