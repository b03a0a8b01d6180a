/**
 * Address space: BARs are sized and given addresses where firmware has not, and claimed by drivers. A window
 * hands out naturally aligned ranges, lowest first.
 */
import { alignUp } from "../../wire/numbers.ts";
import { BAR_COUNT, BAR_IO, BAR_IO_MASK, BAR_MEMORY_MASK, COMMAND, PCI } from "../../wire/pci.ts";
import { ProbeError } from "../probe-error.ts";
import type { Bar, PciDevice } from "./pci-device.ts";

const IO_WINDOW = { first: 0xc000, end: 0x1_0000 };
const MEMORY_WINDOW = { first: 0xe000_0000, end: 0xfec0_0000 };
const BAR_WIDE = 2 << 1;

interface Range {
  readonly first: number;
  readonly end: number;
  readonly owner: string;
}

const overlap = (a: { first: number; end: number }, b: { first: number; end: number }): boolean =>
  a.first < b.end && b.first < a.end;

class Window {
  readonly #bounds: { first: number; end: number };
  readonly #assigned: Range[] = [];
  readonly #claims: Range[] = [];

  constructor(bounds: { first: number; end: number }) {
    this.#bounds = bounds;
  }

  reserve(range: Range): void {
    this.#assigned.push(range);
  }

  assign(bytes: number, owner: string): number {
    let first = alignUp(this.#bounds.first, bytes);
    for (;;) {
      const end = first + bytes;
      if (end > this.#bounds.end)
        throw new ProbeError("ENOSPC", `no ${bytes} bytes of addresses for ${owner}`);
      const taken = this.#assigned.find((range) => overlap(range, { first, end }));
      if (taken === undefined) {
        this.reserve({ first, end, owner });
        return first;
      }
      first = alignUp(taken.end, bytes);
    }
  }

  unassign(owner: string): void {
    removeOwned(this.#assigned, (range) => range.owner === owner);
  }

  claim(range: Range): void {
    const holder = this.#claims.find((claim) => overlap(claim, range));
    if (holder !== undefined) {
      throw new ProbeError("EBUSY", `0x${range.first.toString(16)} is claimed by ${holder.owner}`);
    }
    this.#claims.push(range);
  }

  release(first: number): void {
    removeOwned(this.#claims, (claim) => claim.first === first);
  }

  get claims(): readonly Range[] {
    return this.#claims;
  }
}

export class Resources {
  readonly #windows = { io: new Window(IO_WINDOW), memory: new Window(MEMORY_WINDOW) };

  /** Sizes the device's BARs and keeps clear of the addresses that they have. */
  discover(device: PciDevice): void {
    device.bars = sizeBars(device);
    for (const bar of device.bars) {
      if (bar.address !== 0) this.#windows[bar.kind].reserve({ ...span(bar), owner: device.name });
    }
  }

  /** Gives an address to each BAR that has none. */
  assign(device: PciDevice): void {
    for (const bar of device.bars) {
      if (bar.address !== 0) continue;
      bar.address = this.#windows[bar.kind].assign(bar.bytes, device.name);
      writeBar(device, bar);
    }
  }

  /** The device has gone: its addresses are free for the next. */
  unassign(device: PciDevice): void {
    this.#windows.io.unassign(device.name);
    this.#windows.memory.unassign(device.name);
  }

  /** All of the device's regions, or none. */
  claim(device: PciDevice, owner: string): void {
    const done: Bar[] = [];
    try {
      for (const bar of device.bars) {
        this.#windows[bar.kind].claim({ ...span(bar), owner });
        done.push(bar);
      }
    } catch (error) {
      for (const bar of done.reverse()) this.#windows[bar.kind].release(bar.address);
      throw error;
    }
  }

  release(device: PciDevice): void {
    for (const bar of device.bars) this.#windows[bar.kind].release(bar.address);
  }

  /** `/proc/ioports` and `/proc/iomem`: claimed ranges and by whom. */
  get claims(): readonly Range[] {
    return [...this.#windows.io.claims, ...this.#windows.memory.claims];
  }
}

/** Decoding is off while BARs hold all ones, so that the probe answers nobody else's address. */
function sizeBars(device: PciDevice): Bar[] {
  const command = device.read16(PCI.command);
  device.write16(PCI.command, command & ~(COMMAND.IO | COMMAND.MEMORY));
  const bars: Bar[] = [];
  for (let index = 0; index < BAR_COUNT; index++) {
    const bar = sizeBar(device, index);
    if (bar === undefined) continue;
    bars.push(bar);
    if (bar.wide) index++;
  }
  device.write16(PCI.command, command);
  return bars;
}

function sizeBar(device: PciDevice, index: number): Bar | undefined {
  const offset = PCI.bar0 + 4 * index;
  const before = device.read32(offset);
  device.write32(offset, 0xffff_ffff);
  const probed = device.read32(offset);
  device.write32(offset, before);
  if (probed === 0) return undefined;
  const io = (probed & BAR_IO) !== 0;
  const mask = io ? BAR_IO_MASK : BAR_MEMORY_MASK;
  // I/O BARs may leave the upper half unwired; then it reads as zero.
  const wired = io && probed >>> 16 === 0 ? 0xffff : 0xffff_ffff;
  // What sizing wrote, by somebody whose function was swapped in the middle of it, is no address.
  const address = ((before & mask) === (probed & mask) ? 0 : before & mask) >>> 0;
  const bytes = ((~(probed & mask) & wired) + 1) >>> 0;
  return {
    index,
    kind: io ? "io" : "memory",
    wide: !io && (probed & 6) === BAR_WIDE,
    bytes,
    address,
  };
}

function writeBar(device: PciDevice, bar: Bar): void {
  device.write32(PCI.bar0 + 4 * bar.index, bar.address);
  if (bar.wide) device.write32(PCI.bar0 + 4 * bar.index + 4, 0);
}

const span = (bar: Bar) => ({ first: bar.address, end: bar.address + bar.bytes });

function removeOwned(ranges: Range[], goes: (range: Range) => boolean): void {
  ranges.splice(0, ranges.length, ...ranges.filter((range) => !goes(range)));
}
