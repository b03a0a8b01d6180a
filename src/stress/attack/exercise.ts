/** A well-behaved guest on a device, whatever it went through before: it must bind, do its work and leave. */
import type { Balloon, Console, Disk, Entropy, Nic } from "../../drivers/index.ts";
import type { Guest } from "../../guest/guest.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { STATUS } from "../../wire/status.ts";
import type { BenchMachine } from "./bench-machine.ts";

/** What to do with a device, by its driver's name. Rejects or resolves; the caller bounds it. */
const WORK: Readonly<Record<string, (facade: unknown) => Promise<unknown>>> = {
  virtio_rng: (facade) => (facade as Entropy).read(32),
  virtio_blk: (facade) => diskWork(facade as Disk),
  virtio_net: (facade) => (facade as Nic).send(new Uint8Array(64).fill(0xee)),
  virtio_console: async (facade) => (await (facade as Console).port(0)).write(new Uint8Array(8)),
  virtio_balloon: (facade) => (facade as Balloon).settled(),
};

async function diskWork(disk: Disk): Promise<void> {
  const data = new Uint8Array(2 * SECTOR_SIZE).fill(0x6b);
  const before = await disk.read(1, 2);
  await disk.write(1, data);
  const found = await disk.read(1, 2);
  await disk.write(1, before);
  if (Buffer.compare(found, data) !== 0)
    throw new Error("a disk that gives back other bytes than were written");
}

export const workOn = (driver: string, facade: unknown): Promise<unknown> =>
  WORK[driver]?.(facade) ?? Promise.resolve();

/** Throws if the device is not usable. */
export async function exercise(machine: BenchMachine): Promise<void> {
  const log: string[] = [];
  const guest = machine.boot(machine.bus, (line) => log.push(line));
  const [device] = guest.virtio.describe();
  if (device === undefined || device.driver === null) {
    throw new Error(`no driver binds after a reset: ${log.join("; ") || "no device found"}`);
  }
  const status = guest.virtio.devices[0]?.transport.getStatus() ?? 0;
  if ((status & STATUS.DRIVER_OK) === 0) throw new Error(`status 0x${status.toString(16)} after a probe`);
  const [facade] = guest.virtio.findAll(device.driver);
  const done = await machine.run(
    guest,
    workOn(device.driver, facade).then(() => true),
  );
  if (done !== true) throw new Error(`${device.driver}: no answer after a reset`);
  leave(guest);
}

/** Unbinds everything; what the drivers took must be given back. */
export function leave(guest: Guest): void {
  guest.shutdown();
  if (guest.memory.allocatedBytes !== 0)
    throw new Error(`${guest.memory.allocatedBytes} bytes leaked by a driver`);
  if (guest.irq.handlerCount !== 0)
    throw new Error(`${guest.irq.handlerCount} interrupt handlers left behind`);
}
