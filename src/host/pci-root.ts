/**
 * The PCI root of the machine, bus 0: configuration mechanism 1 at ports 0xCF8 and 0xCFC, a plain host bridge at
 * 00:00.0, and decode of ports and memory to the functions' BARs. What nobody claims reads as all ones; a write to it
 * is dropped, and so is an access that reaches over a BAR's end.
 */
import { allOnes, type PortHandler, type Width } from "../bus/port-bus.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, CONFIG_ENABLE } from "../wire/pci.ts";
import { type Bar, PciFunction } from "./pci-function.ts";

export const SLOT_COUNT = 32;

/** Ports of a device on the mainboard, outside PCI: always decoded. */
export interface FixedPorts extends Pick<PortHandler, "portRead" | "portWrite"> {
  readonly first: number;
  readonly end: number;
}

/** An address range that a function decodes now. */
interface Range {
  readonly start: number;
  readonly end: number;
  readonly owner: PciFunction;
  readonly bar: number;
}

/** What PC people know at 00:00.0. */
const HOST_BRIDGE = {
  vendorId: 0x8086,
  deviceId: 0x1237,
  revision: 2,
  classCode: 0x060000,
  subsystemVendorId: 0,
  subsystemId: 0,
} as const;

/** Bits of the address register that exist: enable, bus, slot, function, dword. */
const ADDRESS_MASK = 0x80ff_fffc;

export class PciRoot implements PortHandler {
  readonly #slots = new Map<number, PciFunction>([[0, new PciFunction({ identity: HOST_BRIDGE })]]);
  readonly #fixed: FixedPorts | undefined;
  #address = 0;
  #ranges: Record<Bar["kind"], readonly Range[]> = { io: [], memory: [] };

  constructor(fixed?: FixedPorts) {
    this.#fixed = fixed;
  }

  /** Plugs function 0 of a slot in. */
  addFunction(slot: number, pci: PciFunction): void {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SLOT_COUNT) {
      throw new RangeError(`PCI slot must be 0..${SLOT_COUNT - 1}, not ${slot}`);
    }
    if (this.#slots.has(slot)) throw new RangeError(`PCI slot ${slot} is taken`);
    this.#slots.set(slot, pci);
    this.#decode();
  }

  /** Pulls a slot's function out: from now on its addresses read as all ones. */
  removeFunction(slot: number): PciFunction | undefined {
    const pci = this.#slots.get(slot);
    this.#slots.delete(slot);
    this.#decode();
    return pci;
  }

  portRead(port: number, width: Width): number {
    if (port >= CONFIG_ADDRESS_PORT && port < CONFIG_DATA_PORT + 4) return this.#configPortRead(port, width);
    if (this.#isFixed(port)) return this.#fixed?.portRead(port, width) ?? allOnes(width);
    const hit = find(this.#ranges.io, port, width);
    return hit?.owner.hooks?.ioRead(hit.bar, port - hit.start, width) ?? allOnes(width);
  }

  portWrite(port: number, width: Width, value: number): void {
    if (port >= CONFIG_ADDRESS_PORT && port < CONFIG_DATA_PORT + 4) {
      this.#configPortWrite(port, width, value);
      return;
    }
    if (this.#isFixed(port)) {
      this.#fixed?.portWrite(port, width, (value & allOnes(width)) >>> 0);
      return;
    }
    const hit = find(this.#ranges.io, port, width);
    hit?.owner.hooks?.ioWrite(hit.bar, port - hit.start, width, (value & allOnes(width)) >>> 0);
  }

  mmioRead(address: number, width: Width): number {
    const hit = find(this.#ranges.memory, address, width);
    return hit?.owner.hooks?.mmioRead(hit.bar, address - hit.start, width) ?? allOnes(width);
  }

  mmioWrite(address: number, width: Width, value: number): void {
    const hit = find(this.#ranges.memory, address, width);
    hit?.owner.hooks?.mmioWrite(hit.bar, address - hit.start, width, (value & allOnes(width)) >>> 0);
  }

  #isFixed(port: number): boolean {
    return this.#fixed !== undefined && port >= this.#fixed.first && port < this.#fixed.end;
  }

  #configPortRead(port: number, width: Width): number {
    if (port < CONFIG_DATA_PORT) return isAddressAccess(port, width) ? this.#address : allOnes(width);
    const byte = port - CONFIG_DATA_PORT;
    const target = this.#target();
    if (target === undefined || byte + width > 4) return allOnes(width);
    return target.configRead((this.#address & 0xfc) + byte, width);
  }

  #configPortWrite(port: number, width: Width, value: number): void {
    if (port < CONFIG_DATA_PORT) {
      if (isAddressAccess(port, width)) this.#address = (value & ADDRESS_MASK) >>> 0;
      return;
    }
    const byte = port - CONFIG_DATA_PORT;
    const target = this.#target();
    if (target === undefined || byte + width > 4) return;
    target.configWrite((this.#address & 0xfc) + byte, width, value);
    this.#decode();
  }

  /** The function that the address register names: bus 0, function 0 of a slot. */
  #target(): PciFunction | undefined {
    const enabled = (this.#address & CONFIG_ENABLE) !== 0;
    const bus = (this.#address >>> 16) & 0xff;
    const fn = (this.#address >>> 8) & 7;
    return enabled && bus === 0 && fn === 0 ? this.#slots.get((this.#address >>> 11) & 31) : undefined;
  }

  #decode(): void {
    const ranges: Record<Bar["kind"], Range[]> = { io: [], memory: [] };
    for (const owner of this.#slots.values()) {
      owner.bars.forEach((bar, index) => {
        const start = owner.decodedAt(index);
        if (start !== undefined) ranges[bar.kind].push({ start, end: start + bar.bytes, owner, bar: index });
      });
    }
    this.#ranges = ranges;
  }
}

/** The address register answers 32-bit accesses only; others on its ports belong to whoever else is there: nobody. */
const isAddressAccess = (port: number, width: Width): boolean => port === CONFIG_ADDRESS_PORT && width === 4;

function find(ranges: readonly Range[], address: number, width: Width): Range | undefined {
  for (const range of ranges) {
    if (address >= range.start && address + width <= range.end) return range;
  }
  return undefined;
}
