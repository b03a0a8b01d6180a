/** What the guest can do to a device: let go of it and take it back, put it to sleep, mask its interrupts, reset it. */
import type { GuestContext } from "../../../guest/define.ts";
import type { PciDevice } from "../../../guest/pci/pci-device.ts";
import { UsageError } from "../../../host/device.ts";
import { findPci, virtioOf, type Words, wholeNumber } from "./names.ts";

export function unbind(guest: GuestContext, [name]: Words): string {
  const device = findPci(guest, name);
  const { driver } = device;
  if (driver === undefined) throw new UsageError(`${device.name} has no driver`);
  guest.pci.unbind(device);
  return `${device.name}: ${driver.name} has let go`;
}

export function bind(guest: GuestContext, [name]: Words): string {
  const device = findPci(guest, name);
  if (device.driver !== undefined) throw new UsageError(`${device.name} belongs to ${device.driver.name}`);
  if (!guest.pci.attach(device)) throw new Error(`no driver takes ${device.name}`);
  return `${device.name}: ${describe(guest, device)}`;
}

export function rescan(guest: GuestContext): string {
  const before = new Set(guest.pci.devices);
  guest.pci.rescan();
  const after = new Set(guest.pci.devices);
  const gone = [...before].filter((device) => !after.has(device)).map(({ name }) => `${name} is gone`);
  const come = [...after].filter((device) => !before.has(device)).map(({ name }) => `${name} is new`);
  return [...gone, ...come].join("\n") || "nothing has changed";
}

export function suspend(guest: GuestContext, [name]: Words): string {
  const device = findPci(guest, name);
  if (device.driver?.suspend === undefined) throw new UsageError(`${device.name} has no driver that could`);
  guest.pci.suspend(device);
  return `${device.name}: D3hot`;
}

export function resume(guest: GuestContext, [name]: Words): string {
  const device = findPci(guest, name);
  guest.pci.resume(device);
  return `${device.name}: D0`;
}

export function reset(guest: GuestContext, [name]: Words): string {
  const device = findPci(guest, name);
  const virtio = virtioOf(guest, device);
  if (virtio === undefined) throw new UsageError(`${device.name} carries no virtio device that is bound`);
  guest.virtio.reset(virtio);
  return `${device.name}: reset; ${describe(guest, device)}`;
}

export const mask = (guest: GuestContext, words: Words): string => setMask(guest, words, true);
export const unmask = (guest: GuestContext, words: Words): string => setMask(guest, words, false);

/** One vector, or everything: the whole function with MSI-X, its line without. */
function setMask(guest: GuestContext, [name, vector]: Words, masked: boolean): string {
  const device = findPci(guest, name);
  const done = masked ? "masked" : "unmasked";
  if (device.msixMessages.length === 0) {
    if (vector !== undefined) throw new UsageError(`${device.name} uses its line, not vectors`);
    device.setIntx(!masked);
    return `${device.name}: INTx ${done}`;
  }
  if (vector === undefined) {
    guest.pci.maskFunction(device, masked);
    return `${device.name}: all vectors ${done}`;
  }
  guest.pci.maskVector(device, wholeNumber("the vector", vector), masked);
  return `${device.name}: vector ${vector} ${done}`;
}

function describe(guest: GuestContext, device: PciDevice): string {
  const virtio = virtioOf(guest, device);
  return `bound to ${device.driver?.name ?? "nothing"}, ${virtio?.name ?? "no virtio device"}, ${virtio?.transport.tier ?? "none"}`;
}
