/** Which functions answer on bus 0, and whether one is still the one that was met before. */
import { BAR_COUNT, BAR_IO_MASK, BAR_MEMORY_MASK, type Bdf, PCI } from "../../wire/pci.ts";
import type { ConfigSpace } from "./config-space.ts";
import type { PciDevice } from "./pci-device.ts";

const SLOTS = 32;
const FUNCTIONS = 8;
const NOBODY = 0xffff;
const MULTIFUNCTION = 0x80;

export function presentFunctions(config: ConfigSpace): Bdf[] {
  const found: Bdf[] = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    const first = { bus: 0, slot, function: 0 };
    if (config.read(first, PCI.vendorId, 2) === NOBODY) continue;
    found.push(first);
    // Functions 1-7 exist only where function 0 says that there are several.
    if ((config.read(first, PCI.headerType, 1) & MULTIFUNCTION) === 0) continue;
    for (let fn = 1; fn < FUNCTIONS; fn++) {
      const other = { bus: 0, slot, function: fn };
      if (config.read(other, PCI.vendorId, 2) !== NOBODY) found.push(other);
    }
  }
  return found;
}

/**
 * Whether writing this register of the header, by words, would make another function look like one that was met: where its
 * addresses are, and its interrupt line.
 */
export const tellsApart = (offset: number): boolean =>
  offset === PCI.interruptLine || (offset >= PCI.bar0 && offset < PCI.bar0 + 4 * BAR_COUNT);

/**
 * A device that was swapped for another has other ids, or not the interrupt line or the addresses that it was given. Its pin
 * is what the line was chosen by.
 */
export function isStillThere(device: PciDevice): boolean {
  return (
    device.read16(PCI.vendorId) === device.vendor &&
    device.read16(PCI.deviceId) === device.device &&
    (device.pin === 0 || device.read16(PCI.interruptLine) === (device.irq | (device.pin << 8))) &&
    device.bars.every((bar) => {
      const mask = bar.kind === "io" ? BAR_IO_MASK : BAR_MEMORY_MASK;
      return (device.read32(PCI.bar0 + 4 * bar.index) & mask) >>> 0 === bar.address;
    })
  );
}
