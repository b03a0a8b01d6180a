/** MSI-X of a function, as the PCI core switches it on and off [PCI 3.0, 6.8.2]. */
import type { PortBus } from "../../bus/port-bus.ts";
import { CAPABILITY, MSIX, msiAddress } from "../../wire/pci.ts";
import type { IrqCore } from "../irq.ts";
import type { MsiMessage } from "../msi-vectors.ts";
import type { PciDevice } from "./pci-device.ts";

const BIR_MASK = 7;

/** Exactly as many irqs as were asked for, or how many there could be. */
export type MsixResult =
  | { readonly ok: true; readonly irqs: readonly number[] }
  | { readonly ok: false; readonly available: number };

export function enableMsix(
  device: PciDevice,
  count: number,
  bus: PortBus,
  irq: IrqCore,
  cpu?: number,
): MsixResult {
  const capability = device.capabilities.get(CAPABILITY.MSIX);
  if (capability === undefined || device.msixMessages.length > 0) return { ok: false, available: 0 };
  const available = Math.min(device.msixSize, irq.availableMsi);
  const table = tableAddress(device, capability);
  if (count > available || table === undefined) return { ok: false, available };
  const messages: MsiMessage[] = [];
  while (messages.length < count) {
    const message = irq.allocateMsi(cpu);
    if (message === undefined) break;
    messages.push(message);
  }
  device.msixMessages = messages;
  device.msixTable = table;
  programMsix(device, bus);
  return { ok: true, irqs: messages.map((message) => message.irq) };
}

/** Writes the table under the function mask, so that nothing is sent half-written. Also what a resume needs. */
export function programMsix(device: PciDevice, bus: PortBus): void {
  const capability = device.capabilities.get(CAPABILITY.MSIX);
  const { msixTable: table } = device;
  if (capability === undefined || table === undefined) return;
  setControl(device, capability, MSIX.enable | MSIX.functionMask, 0);
  device.msixMessages.forEach((message, index) => {
    const entry = table + index * MSIX.entryBytes;
    bus.mmioWrite(entry + MSIX.entryAddress, 4, message.address);
    bus.mmioWrite(entry + MSIX.entryAddressHigh, 4, 0);
    bus.mmioWrite(entry + MSIX.entryData, 4, message.data);
    bus.mmioWrite(entry + MSIX.entryControl, 4, device.maskedVectors.has(index) ? MSIX.entryMasked : 0);
  });
  device.setIntx(false);
  if (!device.functionMasked) setControl(device, capability, MSIX.enable, MSIX.functionMask);
}

/** Leaves every entry masked, as a PCI reset would, and INTx allowed again. */
export function disableMsix(device: PciDevice, bus: PortBus, irq: IrqCore): void {
  const capability = device.capabilities.get(CAPABILITY.MSIX);
  if (capability === undefined) return;
  device.msixMessages.forEach((_, index) => {
    bus.mmioWrite(entryAddress(device, index) + MSIX.entryControl, 4, MSIX.entryMasked);
  });
  setControl(device, capability, 0, MSIX.enable | MSIX.functionMask);
  device.setIntx(true);
  for (const message of device.msixMessages) irq.freeMsi(message.irq);
  device.msixMessages = [];
  device.msixTable = undefined;
  device.maskedVectors.clear();
  device.functionMasked = false;
}

/** A function may come with MSI-X on, from whoever had it before: nobody takes its messages yet. */
export function silenceMsix(device: PciDevice): void {
  const capability = device.capabilities.get(CAPABILITY.MSIX);
  if (capability === undefined) return;
  const control = device.read16(capability + MSIX.control);
  if ((control & MSIX.enable) !== 0) setControl(device, capability, 0, MSIX.enable | MSIX.functionMask);
}

/** While it is masked a vector that is raised stays pending; unmasked, it arrives. */
export function maskVector(device: PciDevice, bus: PortBus, vector: number, masked: boolean): void {
  if (masked) device.maskedVectors.add(vector);
  else device.maskedVectors.delete(vector);
  const entry = entryAddress(device, vector);
  bus.mmioWrite(entry + MSIX.entryControl, 4, masked ? MSIX.entryMasked : 0);
  // Flush: when this returns, no message that the mask should have stopped is still to come.
  bus.mmioRead(entry + MSIX.entryControl, 4);
}

/** All vectors at once; which are masked one by one stays as it is. */
export function maskFunction(device: PciDevice, masked: boolean): void {
  const capability = device.capabilities.get(CAPABILITY.MSIX);
  if (capability === undefined) throw new RangeError(`${device.name} has no MSI-X`);
  device.functionMasked = masked;
  setControl(device, capability, masked ? MSIX.functionMask : 0, masked ? 0 : MSIX.functionMask);
}

/** Sends a vector to another virtual CPU. An entry may be rewritten only while it is masked [PCI 3.0, 6.8.2.9]. */
export function setAffinity(device: PciDevice, bus: PortBus, vector: number, cpu: number): void {
  const entry = entryAddress(device, vector);
  const wasMasked = device.maskedVectors.has(vector);
  maskVector(device, bus, vector, true);
  bus.mmioWrite(entry + MSIX.entryAddress, 4, msiAddress(cpu));
  device.msixMessages = device.msixMessages.map((message, index) =>
    index === vector ? { ...message, address: msiAddress(cpu) } : message,
  );
  if (!wasMasked) maskVector(device, bus, vector, false);
}

function entryAddress(device: PciDevice, vector: number): number {
  const { msixTable: table } = device;
  if (table === undefined || vector < 0 || vector >= device.msixMessages.length) {
    throw new RangeError(
      `${device.name} has ${device.msixMessages.length} MSI-X vectors in use, no ${vector}`,
    );
  }
  return table + vector * MSIX.entryBytes;
}

function setControl(device: PciDevice, capability: number, set: number, clear: number): void {
  const control = device.read16(capability + MSIX.control);
  device.write16(capability + MSIX.control, (control & ~clear) | set);
}

/** Undefined where the function names no memory BAR: also where it has just been pulled out. */
function tableAddress(device: PciDevice, capability: number): number | undefined {
  const table = device.read32(capability + MSIX.table);
  const bar = device.bar(table & BIR_MASK);
  return bar?.kind === "memory" ? bar.address + (table & ~BIR_MASK) : undefined;
}
