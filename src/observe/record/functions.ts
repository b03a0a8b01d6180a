/**
 * What the stream of bus accesses says about each PCI function: its identity, where its registers are, what the
 * driver did to them. Everything a watcher knows it knows from here, so it works at either end of the bus and with
 * counterparts that are not ours.
 */
import { LEGACY, type LegacyRegister, legacyConfigOffset, NO_VECTOR } from "../../wire/legacy-registers.ts";
import { PAGE_SHIFT } from "../../wire/numbers.ts";
import {
  CAPABILITY,
  COMMAND,
  CONFIG_ADDRESS_PORT,
  CONFIG_DATA_PORT,
  CONFIG_ENABLE,
  MSIX,
  PCI,
  PM,
} from "../../wire/pci.ts";
import { isQueueSize, type RingLayout, ringLayout } from "../../wire/ring.ts";

export interface Access {
  readonly space: "port" | "memory";
  readonly write: boolean;
  readonly address: number;
  readonly width: number;
  readonly value: number;
}

/** A queue as the registers describe it. */
export class QueueView {
  readonly index: number;
  /** As the driver read it; undefined: it never asked. */
  size: number | undefined;
  pfn = 0;
  vector = NO_VECTOR;
  layout: RingLayout | undefined;

  constructor(index: number) {
    this.index = index;
  }

  /** Guest-physical address of the ring. */
  get address(): number {
    return this.pfn * 2 ** PAGE_SHIFT;
  }
}

export class FunctionView {
  readonly slot: number;
  /** False: what a driver still says to its registers is meant for one that was in this slot before. */
  there: boolean;
  /** Its last answer was all ones where that may be an answer: a device that is gone gives the same. */
  doubtful = false;
  /** How often its registers answered as only a device can. */
  answers = 0;
  /** Configuration space, as far as it was read or written. */
  readonly space = new Uint8Array(256);
  readonly seen = new Uint8Array(256);
  /** Of I/O BAR0, as the driver found out; until then as much as there can be of it. */
  ioBytes = BAR_BYTES;
  status = 0;
  offered: number | undefined;
  accepted = 0;
  select = 0;
  configVector = NO_VECTOR;
  queues = new Map<number, QueueView>();
  /** Message data of each MSI-X table entry. */
  readonly messages = new Map<number, number>();
  /* What configuration space says, worked out when it changes: it is asked for at every access. */
  virtioId = 0;
  msixEnabled = false;
  /** Entries of the MSI-X table; undefined where the capability was not read. */
  msixVectors: number | undefined;
  ioBase: number | undefined;
  memoryBase: number | undefined;

  constructor(slot: number, there = true) {
    this.slot = slot;
    this.there = there;
  }

  get name(): string {
    return `00:${this.slot.toString(16).padStart(2, "0")}.0`;
  }
  /** 16 bits of configuration space, without a look. */
  put(at: number, value: number): void {
    this.space[at] = value;
    this.space[at + 1] = value >>> 8;
  }
  /** Configuration space has changed. */
  configured(): void {
    this.virtioId = this.word(PCI.subsystemId);
    const at = this.capability(CAPABILITY.MSIX);
    const control = this.word(at + MSIX.control);
    this.msixEnabled = at !== 0 && (control & MSIX.enable) !== 0;
    this.msixVectors =
      at === 0 || this.seen[at + MSIX.control] === 0 ? undefined : (control & MSIX.sizeMask) + 1;
    const command = this.word(PCI.command);
    // The type bit is the device's and not in what was written; ports end at 64 KiB, where no memory is mapped.
    const bar = this.long(PCI.bar0);
    const decoded = (command & COMMAND.IO) !== 0 && bar > 1 && bar < 0x1_0000;
    this.ioBase = decoded ? bar & 0xfffc : undefined;
    this.memoryBase =
      (command & COMMAND.MEMORY) === 0 ? undefined : (this.long(PCI.bar0 + 4) & 0xffff_fff0) >>> 0;
  }

  word(at: number): number {
    return (this.space[at] ?? 0) | ((this.space[at + 1] ?? 0) << 8);
  }
  long(at: number): number {
    return (this.word(at) | (this.word(at + 2) << 16)) >>> 0;
  }
  /** In D3hot, as far as the driver said: only configuration space answers. */
  get asleep(): boolean {
    const at = this.capability(CAPABILITY.POWER_MANAGEMENT);
    return at !== 0 && (this.word(at + PM.control) & PM.stateMask) !== PM.D0;
  }
  /** Where a capability lies, as far as the list was read; 0: nowhere. */
  capability(id: number): number {
    let at = this.space[PCI.capabilityPointer] ?? 0;
    for (let hops = 0; at >= 0x40 && hops < 48; hops++) {
      if (this.space[at] === id) return at;
      at = this.space[at + 1] ?? 0;
    }
    return 0;
  }
  queue(index: number): QueueView {
    let queue = this.queues.get(index);
    if (queue === undefined) {
      queue = new QueueView(index);
      this.queues.set(index, queue);
    }
    return queue;
  }
  /** Device reset. */
  reset(): void {
    this.status = 0;
    this.accepted = 0;
    this.select = 0;
    this.configVector = NO_VECTOR;
    this.queues = new Map();
  }
}

/** One access, in terms of the function that it went to. `view` is as it was before the access. */
export type FunctionAccess = {
  readonly view: FunctionView;
  readonly write: boolean;
  readonly value: number;
} & (
  | { readonly kind: "pci"; readonly offset: number; readonly width: number }
  | { readonly kind: "register"; readonly name: LegacyRegister }
  | { readonly kind: "config"; readonly offset: number; readonly width: number; readonly raw: number }
  /** Not at a register's place and width. */
  | { readonly kind: "odd"; readonly offset: number; readonly width: number }
  | { readonly kind: "msix"; readonly offset: number }
);

/** By offset and width. */
const REGISTERS: (LegacyRegister | undefined)[][] = [];
for (const [name, { offset, bytes }] of Object.entries(LEGACY)) {
  const widths = REGISTERS[offset] ?? [];
  widths[bytes] = name as LegacyRegister;
  REGISTERS[offset] = widths;
}
const BAR_BYTES = 256;
/** Written to a BAR, it reads back as its size. */
const ALL_ONES = 0xffff_ffff;

export interface FunctionListener {
  /** Before an access changes what is known. */
  before?(access: FunctionAccess): void;
  /** When it has. */
  after?(access: FunctionAccess): void;
  /** The function has left its slot, or it was reset by whoever switched it off. */
  lost?(view: FunctionView): void;
}

/**
 * Which function is in which slot, and what was said to it.
 *
 * A function that is pulled out, or whose host dies, does not say so: the bus answers all ones from then on, and the
 * next one in its slot has no addresses yet. A driver goes on with the old one for a while, and none of that is a
 * conversation with anybody. The next conversation begins when the next one's BAR is sized, as each enumeration does.
 */
export class FunctionTable {
  readonly functions = new Map<number, FunctionView>();
  /** Whether a driver uses some function without there being a conversation. */
  unknownInUse = false;
  readonly #listener: FunctionListener;
  #address = 0;

  constructor(listener: FunctionListener = {}) {
    this.#listener = listener;
  }

  access(access: Access): void {
    const decoded = access.space === "port" ? this.#port(access) : this.#memory(access);
    if (decoded === undefined || this.#unanswered(decoded)) return;
    if (isForgetful(decoded)) {
      this.slotChanged(decoded.view.slot);
      this.access(access);
      return;
    }
    this.#listener.before?.(decoded);
    apply(decoded);
    if (decoded.kind === "pci") this.#lookForUnknown();
    this.#listener.after?.(decoded);
  }

  /** A function that was configured before anybody watched; `msixAt` is its MSI-X capability, on, or 0. */
  adopt(slot: number, ioBase: number, msixAt: number): FunctionView {
    const view = new FunctionView(slot);
    view.put(PCI.command, COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER);
    view.put(PCI.bar0, ioBase | 1);
    if (msixAt !== 0) {
      view.put(PCI.capabilityPointer, msixAt);
      view.put(msixAt, CAPABILITY.MSIX);
      view.put(msixAt + MSIX.control, MSIX.enable);
    }
    view.configured();
    this.functions.set(slot, view);
    return view;
  }

  /** For whoever knows without looking at the bus: what was in a slot is there no more. */
  slotChanged(slot: number): void {
    const old = this.functions.get(slot);
    this.functions.set(slot, new FunctionView(slot, false));
    this.#lookForUnknown();
    if (old?.there) this.#listener.lost?.(old);
  }

  #lookForUnknown(): void {
    this.unknownInUse = [...this.functions.values()].some(
      ({ there, ioBase }) => !there && ioBase !== undefined,
    );
  }

  #port(access: Access): FunctionAccess | undefined {
    const { address, width, value, write } = access;
    if (address === CONFIG_ADDRESS_PORT && width === 4) {
      if (write) this.#address = value;
      return undefined;
    }
    if (address >= CONFIG_DATA_PORT && address < CONFIG_DATA_PORT + 4) {
      const view = this.#selected();
      const offset = (this.#address & 0xfc) + address - CONFIG_DATA_PORT;
      return view && { kind: "pci", view, write, value, offset, width };
    }
    for (const view of this.functions.values()) {
      const base = view.ioBase;
      if (base === undefined || !view.there || address < base || address >= base + view.ioBytes) continue;
      return decodeBlock(view, access, address - base);
    }
    return undefined;
  }

  #memory({ address, value, write, width }: Access): FunctionAccess | undefined {
    for (const view of this.functions.values()) {
      const base = view.memoryBase;
      if (base === undefined || base === 0 || !view.there) continue;
      if (address < base || address >= base + 4096) continue;
      return width === 4 ? { kind: "msix", view, write, value, offset: address - base } : undefined;
    }
    return undefined;
  }

  #selected(): FunctionView | undefined {
    if ((this.#address & CONFIG_ENABLE) === 0 || (this.#address & 0x00ff_0700) !== 0) return undefined;
    const slot = (this.#address >>> 11) & 31;
    let view = this.functions.get(slot);
    if (view === undefined) {
      view = new FunctionView(slot);
      this.functions.set(slot, view);
    }
    return view;
  }

  /** Whether nobody answered this. */
  #unanswered(access: FunctionAccess): boolean {
    const { view } = access;
    if (access.write) return false;
    if (access.kind === "pci") {
      const gone = isNobodys(access);
      if (gone) this.slotChanged(view.slot);
      return gone;
    }
    const ones = isAllOnes(access);
    view.doubtful = ones;
    if (!ones) view.answers++;
    else if (access.kind === "register" && !isVector(access.name)) {
      // Asleep it will answer again, and what it was told before still stands.
      if (!view.asleep) this.slotChanged(view.slot);
      return true;
    }
    return ones && (access.kind === "msix" || view.asleep);
  }
}

const isVector = (name: LegacyRegister): boolean => name === "configVector" || name === "queueVector";

function isAllOnes(access: FunctionAccess): boolean {
  const width =
    access.kind === "register" ? LEGACY[access.name].bytes : access.kind === "msix" ? 4 : access.width;
  return access.value === 2 ** (8 * width) - 1;
}

type PciAccess = Extract<FunctionAccess, { kind: "pci" }>;

/** All ones where no function has them: anywhere but in single bytes that a driver may have written so. */
function isNobodys(access: PciAccess): boolean {
  return isAllOnes(access) && (access.width > 1 || access.offset === PCI.headerType);
}

/** A function that has lost its address or its MSI-X, or no longer decodes: not the one that was told to have them. */
function isForgetful(access: FunctionAccess): boolean {
  if (access.kind !== "pci" || access.write || !access.view.there) return false;
  const { view, offset, width, value } = access;
  if (offset === PCI.bar0 && width === 4) {
    const known = view.long(PCI.bar0);
    // Sized, an I/O region keeps some of the ones.
    if (known >= 0xffff_0000) return value === 1;
    return known > 1 && known < 0x1_0000 && value <= 1;
  }
  const msix = view.capability(CAPABILITY.MSIX);
  const control = msix + MSIX.control;
  if (msix !== 0 && offset <= control && offset + width >= control + 2)
    return view.msixEnabled && ((value >>> (8 * (control - offset))) & MSIX.enable) === 0;
  return offset === PCI.command && width > 1 && (view.word(PCI.command) & ~value & COMMAND.IO) !== 0;
}

function decodeBlock(view: FunctionView, access: Access, offset: number): FunctionAccess {
  const { width, value, write } = access;
  const config = legacyConfigOffset(view.msixEnabled);
  if (offset >= config)
    return { kind: "config", view, write, value, offset: offset - config, width, raw: offset };
  const name = REGISTERS[offset]?.[width];
  return name === undefined
    ? { kind: "odd", view, write, value, offset, width }
    : { kind: "register", view, write, value, name };
}

function apply(access: FunctionAccess): void {
  const { view, write, value } = access;
  if (access.kind === "pci") {
    // It may have been swapped since it was identified: what it is can then not be known.
    const identified = view.seen[PCI.vendorId] === 1;
    if (write && access.offset === PCI.bar0 && value === ALL_ONES && identified) view.there = true;
    if (!write && access.offset === PCI.bar0 && access.width === 4 && view.long(PCI.bar0) === ALL_ONES) {
      view.ioBytes = (0x1_0000 - (value & 0xfffc)) & 0xffff;
    }
    for (let byte = 0; byte < access.width; byte++) {
      view.space[access.offset + byte] = value >>> (8 * byte);
      view.seen[access.offset + byte] = 1;
    }
    view.configured();
  } else if (access.kind === "msix") {
    if (write && access.offset % MSIX.entryBytes === MSIX.entryData) {
      view.messages.set(Math.floor(access.offset / MSIX.entryBytes), value & 0xff);
    }
  } else if (access.kind === "register") {
    if (write) applyWrite(view, access.name, value);
    else applyRead(view, access.name, value);
  }
}

function applyRead(view: FunctionView, name: LegacyRegister, value: number): void {
  if (name === "hostFeatures") view.offered = value;
  else if (name === "queueSize") view.queue(view.select).size = value;
  else if (name === "configVector") view.configVector = value;
  else if (name === "queueVector") view.queue(view.select).vector = value;
  else if (name === "status") view.status = value;
}

function applyWrite(view: FunctionView, name: LegacyRegister, value: number): void {
  if (name === "guestFeatures") view.accepted = value;
  else if (name === "queueSelect") view.select = value;
  else if (name === "configVector") view.configVector = value;
  else if (name === "queueVector") view.queue(view.select).vector = value;
  else if (name === "queuePfn") {
    const queue = view.queue(view.select);
    queue.pfn = value;
    queue.layout = value !== 0 && isQueueSize(queue.size ?? 0) ? ringLayout(queue.size ?? 0) : undefined;
  } else if (name === "status") {
    if (value === 0) view.reset();
    else view.status = value;
  }
}
