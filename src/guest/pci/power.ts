/** Power states and the configuration that is saved across them [PCI Power Management 1.2]. */
import type { PortBus } from "../../bus/port-bus.ts";
import { CAPABILITY, PM } from "../../wire/pci.ts";
import { isStillThere, tellsApart } from "./enumerate.ts";
import { programMsix } from "./msix.ts";
import type { PciDevice } from "./pci-device.ts";

const HEADER_WORDS = 16;

export type PowerState = typeof PM.D0 | typeof PM.D3HOT;

export function saveState(device: PciDevice): void {
  device.savedState = Array.from({ length: HEADER_WORDS }, (_, word) => device.read32(4 * word));
}

/**
 * From the top down. False: another function is in the place of the one whose state it was. It may also come between any
 * two of these accesses, so what tells functions apart is not written: given that, nobody would see it any more. One that
 * is still there has kept it.
 */
export function restoreState(device: PciDevice): boolean {
  const saved = device.savedState;
  if (saved === undefined) return true;
  device.savedState = undefined;
  if (!isStillThere(device)) return false;
  for (let word = HEADER_WORDS - 1; word >= 0; word--) {
    if (tellsApart(4 * word)) continue;
    const value = saved[word] ?? 0;
    if (device.read32(4 * word) !== value) device.write32(4 * word, value);
  }
  return true;
}

/** Nothing to do for a function without the capability. */
export function setPowerState(device: PciDevice, state: PowerState, bus: PortBus): void {
  const capability = device.capabilities.get(CAPABILITY.POWER_MANAGEMENT);
  if (capability === undefined) return;
  const control = device.read16(capability + PM.control);
  if ((control & PM.stateMask) === state) return;
  device.write16(capability + PM.control, (control & ~PM.stateMask) | state);
  // The MSI-X table answers in D0 only, and the function may have forgotten it.
  if (state === PM.D0 && device.msixMessages.length > 0) programMsix(device, bus);
}
