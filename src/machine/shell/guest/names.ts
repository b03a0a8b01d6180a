/** What the shell's words mean in the guest: devices by address, slot or virtio name; disks as Linux names them. */
import { blk, type Disk } from "../../../drivers/index.ts";
import type { GuestContext } from "../../../guest/define.ts";
import type { PciDevice } from "../../../guest/pci/pci-device.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { UsageError } from "../../../host/device.ts";

export type Words = readonly string[];

/** "00:04.0", "4" or "virtio0". */
export function findPci(guest: GuestContext, name: string | undefined): PciDevice {
  const { devices } = guest.pci;
  const found = devices.find(
    (device) =>
      device.name === name || String(device.bdf.slot) === name || virtioOf(guest, device)?.name === name,
  );
  if (found !== undefined) return found;
  const there = devices.map((device) => device.name).join(", ");
  throw new UsageError(
    `${name === undefined ? "expected a device" : `no device ${name}`}; there are ${there}`,
  );
}

/** The virtio device that a PCI function carries, while virtio-pci is bound to it. */
export const virtioOf = (guest: GuestContext, { driverData }: PciDevice): VirtioDevice | undefined =>
  driverData === undefined
    ? undefined
    : guest.virtio.devices.find(({ transport }) => transport === driverData);

/** Disks in the order in which they were bound: vda, vdb, ... */
export function disks(guest: GuestContext): Map<string, Disk> {
  const all = guest.virtio.findAll(blk);
  return new Map(all.map((disk, index) => [`vd${String.fromCharCode(97 + index)}`, disk]));
}

/** "vda" or "/dev/vda". */
export function findDisk(guest: GuestContext, name: string): Disk {
  const all = disks(guest);
  const found = all.get(name.replace(/^\/dev\//, ""));
  if (found !== undefined) return found;
  throw new UsageError(`no disk ${name}; there are ${[...all.keys()].join(", ") || "none"}`);
}

/** "key=value" words. */
export function pairs(words: Words, known: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const key = word.slice(0, Math.max(0, at));
    if (!known.includes(key))
      throw new UsageError(`expected ${known.map((k) => `${k}=…`).join(" ")}, got ${word}`);
    found.set(key, word.slice(at + 1));
  }
  return found;
}

export function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`expected ${name} to be a whole number, got ${text}`);
}
