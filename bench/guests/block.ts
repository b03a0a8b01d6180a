/** Reads or writes of a block device at a given depth, through the driver's promises, timed. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";

export interface BlockArgs {
  readonly operation: "read" | "write";
  readonly order: "random" | "sequential";
  readonly bytes: number;
  readonly depth: number;
  readonly count: number;
}

export interface BlockResult {
  readonly ms: number;
  /** Sum of the first word of each request's data, when it was read. */
  readonly checksum: number;
}

/** Where request `number` goes, in units of its size. Both sides of the comparison go there. */
export function place(args: Pick<BlockArgs, "order">, number: number, places: number): number {
  return (args.order === "random" ? Math.imul(number, 2_654_435_761) >>> 0 : number) % places;
}

export default defineGuest(async ({ virtio, memory, args }): Promise<BlockResult> => {
  const task = args as BlockArgs;
  const disk = virtio.find(blk);
  const sectors = task.bytes / SECTOR_SIZE;
  const places = Math.floor(disk.capacitySectors / sectors);
  let next = 0;
  let checksum = 0;
  const buffers = Array.from({ length: task.depth }, () => memory.allocate(task.bytes) ?? 0);
  const lane = async (address: number): Promise<void> => {
    while (next < task.count) {
      const sector = place(task, next++, places) * sectors;
      if (task.operation === "read") {
        await disk.readInto(sector, sectors, address);
        checksum = (checksum + memory.read32(address)) >>> 0;
      } else await disk.writeFrom(sector, sectors, address);
    }
  };
  const begun = performance.now();
  await Promise.all(buffers.map(lane));
  const ms = performance.now() - begun;
  for (const buffer of buffers) memory.free(buffer, task.bytes);
  return { ms, checksum };
});
