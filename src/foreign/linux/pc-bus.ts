/**
 * Our PCI root in v86's PC: its configuration space, I/O ports and memory become ours where one of our functions is,
 * and stay v86's everywhere else. BARs are followed as they move; sizing moves each several times.
 */
import type { PortHandler, Width } from "../../bus/port-bus.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT } from "../../wire/pci.ts";
import type { V86Cpu, V86Port } from "./v86.ts";

/** v86 looks handlers of memory up by blocks of that many bytes, as a power of two. */
const BLOCK_SHIFT = 17;

export type PortOwner = Pick<PortHandler, "portRead" | "portWrite">;

export interface Range {
  readonly start: number;
  readonly bytes: number;
}

/** What the bus asks of whoever has the devices. */
export interface PcDevices {
  readonly handler: PortHandler;
  /** Whether a PCI slot of bus 0 is ours. */
  owns(slot: number): boolean;
  /** Configuration space was written. */
  configured(): void;
  /** What our functions decode now. */
  decoded(kind: "io" | "memory"): readonly Range[];
  /** An access by port has ended: let the devices work, deliver interrupts. */
  served(): void;
}

export class PcBus {
  readonly #cpu: V86Cpu;
  readonly #devices: PcDevices;
  /** What was at the ports that our BARs cover now. */
  readonly #covered = new Map<number, V86Port>();
  readonly #blocks = new Set<number>();

  constructor(cpu: V86Cpu, devices: PcDevices) {
    this.#cpu = cpu;
    this.#devices = devices;
    for (let port = CONFIG_DATA_PORT; port < CONFIG_DATA_PORT + 4; port++) this.#interceptConfig(port);
  }

  /** Ports at a fixed place. */
  claim(first: number, end: number, owner: PortOwner): void {
    for (let port = first; port < end; port++) this.#cpu.io.ports[port] = this.#portEntry(port, owner);
  }

  /** Follows our functions' BARs. */
  remap(): void {
    const { ports } = this.#cpu.io;
    for (const [port, entry] of this.#covered) ports[port] = entry;
    this.#covered.clear();
    for (const { start, bytes } of this.#devices.decoded("io")) {
      for (let port = start; port < start + bytes; port++) {
        this.#covered.set(port, ports[port] ?? this.#cpu.io.create_empty_entry());
        ports[port] = this.#portEntry(port);
      }
    }
    for (const { start } of this.#devices.decoded("memory")) this.#shareBlock(start >>> BLOCK_SHIFT);
  }

  #portEntry(port: number, owner: PortOwner = this.#devices.handler): V86Port {
    return portEntry(
      (width) => this.#served(owner.portRead(port, width)),
      (width, value) => this.#served(owner.portWrite(port, width, value)),
    );
  }

  #interceptConfig(port: number): void {
    const theirs = this.#cpu.io.ports[port] ?? this.#cpu.io.create_empty_entry();
    const ours = portEntry(
      (width) => this.#devices.handler.portRead(port, width),
      (width, value) => {
        this.#devices.handler.portWrite(port, width, value);
        this.#devices.configured();
        this.#devices.served();
      },
    );
    const nobodys = this.#cpu.io.create_empty_entry();
    this.#cpu.io.ports[port] = choosePort(theirs.device, () => {
      const address = this.#cpu.devices.pci.pci_addr32[0] >>> 0;
      const bdf = (address >>> 8) & 0xffff;
      if (bdf <= 0xff && this.#devices.owns(bdf >>> 3)) {
        this.#devices.handler.portWrite(CONFIG_ADDRESS_PORT, 4, address);
        return ours;
      }
      // v86 does not bear a write to a function that is not there.
      return this.#cpu.devices.pci.device_spaces[bdf] === undefined ? nobodys : theirs;
    });
  }

  /** Puts us before whoever has a block of memory; it is ours only where one of our functions decodes. */
  #shareBlock(block: number): void {
    if (this.#blocks.has(block)) return;
    this.#blocks.add(block);
    const cpu = this.#cpu;
    const { handler } = this.#devices;
    const [read8, read32] = [cpu.memory_map_read8[block], cpu.memory_map_read32[block]];
    const [write8, write32] = [cpu.memory_map_write8[block], cpu.memory_map_write32[block]];
    // Nothing is delivered from in here: v86 cannot take an interrupt in the middle of a memory access.
    cpu.memory_map_read8[block] = (at) =>
      this.#decodes(at) ? handler.mmioRead(at >>> 0, 1) : (read8?.(at) ?? 0xff);
    cpu.memory_map_read32[block] = (at) =>
      this.#decodes(at) ? handler.mmioRead(at >>> 0, 4) | 0 : (read32?.(at) ?? -1);
    cpu.memory_map_write8[block] = (at, value) =>
      this.#decodes(at) ? handler.mmioWrite(at >>> 0, 1, value & 0xff) : write8?.(at, value);
    cpu.memory_map_write32[block] = (at, value) =>
      this.#decodes(at) ? handler.mmioWrite(at >>> 0, 4, value >>> 0) : write32?.(at, value);
  }

  #decodes(at: number): boolean {
    const address = at >>> 0;
    return this.#devices
      .decoded("memory")
      .some(({ start, bytes }) => address >= start && address < start + bytes);
  }

  #served<T>(result: T): T {
    this.#devices.served();
    return result;
  }
}

/** v86 takes 32 bits as signed numbers, and may give them so. */
function portEntry(read: (width: Width) => number, write: (width: Width, value: number) => void): V86Port {
  return {
    read8: () => read(1),
    read16: () => read(2),
    read32: () => read(4) | 0,
    write8: (value) => write(1, value & 0xff),
    write16: (value) => write(2, value & 0xffff),
    write32: (value) => write(4, value >>> 0),
    device: undefined,
  };
}

function choosePort(device: unknown, pick: () => V86Port): V86Port {
  return {
    read8: (port) => pick().read8.call(device, port),
    read16: (port) => pick().read16.call(device, port),
    read32: (port) => pick().read32.call(device, port),
    write8: (value) => pick().write8.call(device, value),
    write16: (value) => pick().write16.call(device, value),
    write32: (value) => pick().write32.call(device, value),
    device,
  };
}
