/** What a PCI driver is to the PCI core. */
import type { PciDevice } from "./pci-device.ts";

/** An id left out matches anything. */
export interface PciDeviceId {
  readonly vendor?: number;
  readonly device?: number;
}

export interface PciDriver {
  readonly name: string;
  readonly idTable: readonly PciDeviceId[];
  /** Takes the device; throws a `ProbeError` to refuse it, with everything undone. */
  probe(device: PciDevice): void;
  remove(device: PciDevice): void;
  suspend?(device: PciDevice): void;
  resume?(device: PciDevice): void;
}

export function matches(driver: PciDriver, device: PciDevice): boolean {
  return driver.idTable.some(
    (id) =>
      (id.vendor === undefined || id.vendor === device.vendor) &&
      (id.device === undefined || id.device === device.device),
  );
}
