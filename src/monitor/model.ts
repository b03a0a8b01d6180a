/**
 * What the monitor knows of a machine: devices, their queues, the chains in flight. It is made from one thread's own
 * accesses plus a look at published bytes, and never asks either side.
 */
import type { FunctionView, QueueView } from "../observe/record/functions.ts";
import type { RingLayout } from "../wire/ring.ts";
import { NO_RULES, type Page } from "./rule-book.ts";
import { Session } from "./session.ts";

export interface Segment {
  readonly address: number;
  readonly length: number;
  readonly writable: boolean;
}

/** What is wrong with a chain's shape, found while it was walked. */
export type ChainFault =
  | "head-range"
  | "loop"
  | "next-range"
  | "indirect-off"
  | "indirect-nested"
  | "indirect-next"
  | "indirect-length"
  | "outside-ram";

/** A chain in flight. Its queue uses the object again for the next chain with the same head. */
export class Chain {
  readonly head: number;
  readonly segments: Segment[] = [];
  readonly readable: Segment[] = [];
  readonly writable: Segment[] = [];
  /** Slots of the descriptor table that it occupies. */
  readonly descriptors: number[] = [];
  readonly faults: ChainFault[] = [];
  readableBytes = 0;
  writableBytes = 0;
  indirect = false;
  /** Bytes that the device was seen to write into it. */
  written = 0;
  /** The driver has it out; the device has taken it. */
  out = false;
  taken = false;
  /** Among those that are out. */
  place = 0;
  /** What the rules of the device's type make of it, made once. */
  content: unknown;
  private readonly spare: { address: number; length: number; writable: boolean }[] = [];
  /** How far the lists are filled. */
  private parts = 0;
  private readableParts = 0;
  private descriptorParts = 0;

  constructor(head: number) {
    this.head = head;
  }

  /** Its lists are written over and cut at the end of the walk: the next chain mostly has as many parts. */
  clear(): this {
    this.parts = 0;
    this.readableParts = 0;
    this.descriptorParts = 0;
    if (this.faults.length > 0) this.faults.length = 0;
    this.readableBytes = 0;
    this.writableBytes = 0;
    this.indirect = false;
    this.written = 0;
    this.taken = false;
    this.content = undefined;
    return this;
  }

  /** While it is walked. */
  add(address: number, length: number, writable: boolean): void {
    const at = this.parts++;
    let part = this.spare[at];
    if (part === undefined) {
      part = { address, length, writable };
      this.spare[at] = part;
    } else {
      part.address = address;
      part.length = length;
      part.writable = writable;
    }
    this.segments[at] = part;
    if (writable) {
      this.writable[at - this.readableParts] = part;
      this.writableBytes += length;
    } else {
      this.readable[this.readableParts++] = part;
      this.readableBytes += length;
    }
  }
  addDescriptor(slot: number): void {
    this.descriptors[this.descriptorParts++] = slot;
  }
  /** It has been walked. */
  walked(): this {
    cut(this.segments, this.parts);
    cut(this.readable, this.readableParts);
    cut(this.writable, this.parts - this.readableParts);
    cut(this.descriptors, this.descriptorParts);
    return this;
  }

  get bytes(): number {
    return this.readableBytes + this.writableBytes;
  }
}

function cut(list: unknown[], length: number): void {
  if (list.length > length) list.length = length;
}

/** The chains that a queue has out, by head. */
export class Outstanding {
  size = 0;
  private readonly byHead: (Chain | undefined)[] = [];
  private readonly chains: Chain[] = [];

  get(head: number): Chain | undefined {
    const chain = this.byHead[head];
    return chain?.out === true ? chain : undefined;
  }
  has(head: number): boolean {
    return this.get(head) !== undefined;
  }
  values(): readonly Chain[] {
    return this.chains;
  }
  /** An object for a chain that is about to go out. */
  fresh(head: number): Chain {
    const old = this.byHead[head];
    return old === undefined || old.out ? new Chain(head) : old.clear();
  }
  add(chain: Chain): void {
    const before = this.get(chain.head);
    if (before !== undefined) this.delete(chain.head);
    chain.out = true;
    this.byHead[chain.head] = chain;
    chain.place = this.chains.length;
    this.chains.push(chain);
    this.size++;
  }
  delete(head: number): void {
    const chain = this.get(head);
    if (chain === undefined) return;
    chain.out = false;
    this.size--;
    const last = this.chains.pop() as Chain;
    if (last === chain) return;
    this.chains[chain.place] = last;
    last.place = chain.place;
  }
}

/** A used element, with the chain that it returns. */
export interface UsedElement {
  readonly id: number;
  readonly length: number;
  readonly chain: Chain | undefined;
  /** What the rules of the device's type make of it, made once. */
  content: unknown;
}

/** Whether to notify: decided by the peer's word, read after the index was published. */
export class Decision {
  /** The index up to which it was decided last. */
  before = 0;
  /** Published, and not decided yet. */
  due = false;
  /** The word was read while something was written and not published. */
  early = false;
  /** The word asked for a notification that has not been sent, or asked for none. */
  wanted = false;
  denied = false;
  /** The peer's flags when it was decided: with event index they have no say. */
  flags = 0;
}

/** A queue from the moment its ring has an address until the device is reset or the address taken away. */
export class Queue {
  readonly device: Device;
  readonly view: QueueView;
  readonly layout: RingLayout;
  /** Offset of the ring in RAM. */
  readonly base: number;
  readonly outstanding = new Outstanding();
  /** By descriptor: the outstanding chain that it belongs to. */
  readonly owners: (Chain | undefined)[];
  /** The chain that came back last. */
  lastUsed: UsedElement | undefined;
  availIndex = 0;
  /** avail.idx as the device last read it. */
  availLooked = 0;
  usedIndex = 0;
  /** Of the thread whose accesses are seen: entries and elements written so far, as free-running counts. */
  entriesWritten = 0;
  elementsWritten = 0;
  readonly kick = new Decision();
  readonly interrupt = new Decision();
  /** Callbacks were asked for and used.idx not looked at since. */
  recheckDue = false;
  /** The driver kicked, and the device has not looked since. */
  kicked = false;
  /** The driver was seen to use it: another CPU that is not seen may have it. */
  driven = false;
  /**
   * What its index has just come to cover was put there when all that is known of the device was so already. Whoever
   * stores the index knows that. Who reads it does if it has read it since the last change, and found less.
   */
  settled = true;
  /** `Device.changes` when the device last read avail.idx, and the driver used.idx. */
  private availChanges: number;
  private usedChanges: number;
  /** What the rules of the device's type say that it is for, once they were asked. */
  purpose: unknown;
  /** No reset has taken it out of service. */
  live = true;

  constructor(device: Device, view: QueueView, layout: RingLayout, base: number) {
    this.device = device;
    this.view = view;
    this.layout = layout;
    this.base = base;
    this.owners = new Array(layout.size).fill(undefined);
    this.availChanges = device.changes;
    this.usedChanges = device.changes;
  }

  /** Its indices stand here, and nothing is out. */
  begin(index: number): void {
    this.availIndex = index;
    this.availLooked = index;
    this.usedIndex = index;
    this.entriesWritten = index;
    this.elementsWritten = index;
    this.kick.before = index;
    this.interrupt.before = index;
  }
  /** A chain is out. */
  lend(chain: Chain): void {
    this.outstanding.add(chain);
    for (const slot of chain.descriptors) this.owners[slot] = chain;
  }
  /** It has come back. */
  takeBack({ id, chain }: UsedElement): void {
    this.outstanding.delete(id);
    if (chain === undefined) return;
    for (const slot of chain.descriptors) if (this.owners[slot] === chain) this.owners[slot] = undefined;
  }

  /** The device reads avail.idx. */
  availRead(): void {
    this.settled = this.availChanges === this.device.changes;
    this.availChanges = this.device.changes;
  }
  /** The driver reads used.idx. */
  usedRead(): void {
    this.settled = this.usedChanges === this.device.changes;
    this.usedChanges = this.device.changes;
  }

  get index(): number {
    return this.view.index;
  }
  get watched(): readonly string[] {
    return this.device.watched;
  }
  get size(): number {
    return this.layout.size;
  }
}

/** The driver may use it where it is not seen. */
export const isAnotherCpus = ({ device, driven }: Queue): boolean => device.order.manyCpus && !driven;

/** What a configuration byte was when somebody last read or wrote it. */
export interface ConfigByte {
  readonly value: number;
  readonly width: number;
  readonly msix: boolean;
  readonly writer: "device" | "driver";
  readonly reads: number;
  /** Changes that the device had announced by then. */
  readonly announced: number;
}

/** What of the order of events is not known. */
export interface Order {
  /** The driver runs on several CPUs, each with an order of its own; one of them is seen at most. */
  readonly manyCpus: boolean;
  /** Of the bus this thread only hears: what it says of kicks may come before they do, or after. */
  readonly busHeard: boolean;
}

const IN_ORDER: Order = { manyCpus: false, busHeard: false };

/** Rings remembered as out of service. */
const RETIRED_MAX = 256;

export class Device {
  readonly view: FunctionView;
  queues = new Map<number, Queue>();
  /** The rules that are asked about it. */
  page: Page = NO_RULES;
  /** Rings that a reset took out of service: nobody but the driver's next use may touch them. */
  retired: readonly Queue[] = [];
  /** Threads that are not seen here serve queues of it. */
  elsewhere = false;
  /** It has left its slot: nothing is asked about it any more. */
  lost = false;
  /** Since the last reset, and before it. */
  session = new Session();
  previous: Session | undefined;
  resets = 0;
  /** Since power-on. */
  mapped = false;
  /** Bits set since it was read; meaningful once one was seen to be set (`isrSeen`). */
  isr = 0;
  isrSeen = false;
  /** What was set when it was cleared, until the driver's read is told of. */
  isrTaken = 0;
  /** By offset. */
  config: (ConfigByte | undefined)[] = [];
  /** Changes of configuration that the device has announced. */
  announced = 0;
  firstMtu: number | undefined;
  /**
   * How often something changed by which another queue is judged: an answer to a command, a command on its way,
   * configuration as the driver reads it. See `Queue.settled`.
   */
  changes = 0;

  /** Whose accesses to memory are seen: "driver", "device" or both. */
  readonly watched: readonly string[];
  readonly order: Order;

  constructor(view: FunctionView, watched: readonly string[], order: Order = IN_ORDER) {
    this.view = view;
    this.watched = watched;
    this.order = order;
  }

  /** Its ring is out of service. */
  retire(queue: Queue): void {
    queue.live = false;
    this.queues.delete(queue.index);
    this.retired = [queue, ...this.retired].slice(0, RETIRED_MAX);
  }
  /** `before` has left the same slot, and its driver may not know even that. */
  leave(before: Device | undefined): void {
    if (before !== undefined) this.retired = [...this.retired, ...before.retired].slice(0, RETIRED_MAX);
    for (const queue of this.queues.values()) this.retire(queue);
    this.page = NO_RULES;
    this.lost = true;
  }

  /** The driver's bus accesses are seen in the order in which it made them. */
  get driverOrdered(): boolean {
    return !this.order.manyCpus || this.watched.includes("driver");
  }
  get status(): number {
    return this.view.status;
  }
  get features(): number {
    return this.view.accepted;
  }
  has(bit: number): boolean {
    return ((this.view.accepted >>> bit) & 1) === 1;
  }
  offers(bit: number): boolean {
    return (((this.view.offered ?? 0) >>> bit) & 1) === 1;
  }
  /** Whether a change was announced since this byte was last seen. */
  announcedSince(at: number): boolean {
    return this.config[at]?.announced !== this.announced;
  }
  configByte(at: number): number | undefined {
    return this.config[at]?.value;
  }
  /** A little-endian field, if each of its bytes was seen. */
  configField(at: number, bytes: number): number | undefined {
    let value = 0;
    for (let byte = bytes - 1; byte >= 0; byte--) {
      const part = this.configByte(at + byte);
      if (part === undefined) return undefined;
      value = value * 256 + part;
    }
    return value;
  }
}
