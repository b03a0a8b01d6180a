/**
 * Takes the disk away from busy CPUs again and again, in the way that is asked for. Whatever memory its rings had is
 * then filled, and must stay as it was filled.
 */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { type BusyResult, STOP } from "./cpus-busy.guest.ts";

export type Disturbance = "reset" | "rebind" | "suspend";
export interface UnsettledResult {
  readonly cpus: readonly BusyResult[];
  /** Bytes of memory that somebody wrote who had lost it. */
  readonly spoilt: number;
  readonly leaked: number;
}

const BUSY = new URL("cpus-busy.guest.ts", import.meta.url);
const ROUNDS = 8;
const PATTERN = 0xee;
const PIECE = 4096;

export default defineGuest(async (guest): Promise<UnsettledResult> => {
  const { virtio, pci, memory } = guest;
  const how = guest.args as Disturbance;
  const busy = Array.from({ length: guest.cpus - 1 }, (_, index) => guest.runOn(index + 1, BUSY));
  const function0 = () => pci.devices.find(({ subsystemDevice }) => subsystemDevice === 2);
  let spoilt = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // So long the others are at it.
    for (let read = 0; read < 20; read++) await virtio.find(blk).read(0, 1);
    const device = function0();
    const [mounted] = virtio.devices;
    if (device === undefined || mounted === undefined) throw new Error("no disk");
    if (how === "reset") virtio.reset(mounted);
    else if (how === "suspend") {
      pci.suspend(device);
      await new Promise((resolve) => setTimeout(resolve, 2));
      pci.resume(device);
    } else {
      pci.unbind(device);
      spoilt += await spoiltBytes(guest);
      pci.attach(device);
    }
  }
  await virtio.find(blk).write(0, new Uint8Array(512).fill(STOP));
  // Each CPU ends when it has seen that, and has no disk any more.
  for (let read = 0; read < 200; read++) await virtio.find(blk).read(0, 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const device = function0();
  if (device === undefined) throw new Error("no disk");
  pci.unbind(device);
  const cpus = (await Promise.all(busy)) as BusyResult[];
  const leaked = memory.allocatedBytes;
  pci.attach(device);
  return { cpus, spoilt, leaked };

  async function spoiltBytes({ memory }: typeof guest): Promise<number> {
    const pieces: number[] = [];
    for (let at = memory.allocate(PIECE); at !== undefined; at = memory.allocate(PIECE)) pieces.push(at);
    const filled = new Uint8Array(PIECE).fill(PATTERN);
    for (const at of pieces) memory.write(at, filled);
    await new Promise((resolve) => setTimeout(resolve, 2));
    let wrong = 0;
    const found = new Uint8Array(PIECE);
    for (const at of pieces) {
      memory.read(at, found);
      wrong += found.filter((byte) => byte !== PATTERN).length;
      memory.free(at, PIECE);
    }
    return wrong;
  }
});
