/**
 * Split virtqueue, driver side [virtio 1.4, 2.7]: add, kick (prepare and notify apart), get, callbacks off and on
 * (with the second look), delayed callbacks, detach unused.
 *
 * The device may scribble over anything it can reach, so nothing the driver wrote is ever read back: free list,
 * chain lengths, indices and what the descriptors say are private shadows. What the device writes (used elements) is read
 * once and checked against them; a breach breaks the queue, with a reason.
 *
 * A descriptor is written where it differs from what the driver last wrote there: each store takes the cache line from the
 * device. (A device that wrote there itself has spoiled its own input, until the reset that only such a device needs.) The
 * free list is first in, first out, so that a driver whose buffers come back in order finds each with its descriptor.
 */
import type { SharedMemory } from "../../memory/shared-memory.ts";
import type { QueueCounters } from "../../observe/record/counters.ts";
import {
  AVAIL_FLAG_NO_INTERRUPT,
  DESCRIPTOR_BYTES,
  DESCRIPTOR_FLAG,
  needEvent,
  type RingLayout,
  USED_ELEMENT_BYTES,
  USED_FLAG_NO_NOTIFY,
} from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { type Descriptor, descriptorTable, writeDescriptor } from "./descriptor.ts";
import type { DriverQueueOptions } from "./driver-queue-options.ts";
import { type IndirectTable, IndirectTables } from "./indirect-tables.ts";
import type { ScatterList } from "./scatter-list.ts";

const WRITE_AVAIL_ENTRY = site("driver: write avail ring entry");
const PUBLISH_AVAIL = site("driver: publish avail.idx");
const WRITE_AVAIL_FLAGS = site("driver: write avail.flags");
const WRITE_USED_EVENT = site("driver: write used_event");
const READ_USED_FLAGS = site("driver: read used.flags");
const READ_AVAIL_EVENT = site("driver: read avail_event");
const READ_USED_INDEX = site("driver: read used.idx");
const READ_USED_ELEMENT = site("driver: read used element");

// Constants of its own the engine folds into a function's code; imported ones it loads and checks at each use.
const { NEXT, WRITE, INDIRECT } = DESCRIPTOR_FLAG;
const [DESCRIPTOR_STRIDE, USED_STRIDE] = [DESCRIPTOR_BYTES, USED_ELEMENT_BYTES];

export class DriverQueue<Token = unknown> {
  readonly index: number;
  readonly name: string;
  readonly size: number;
  readonly counters: QueueCounters;
  /** Bytes the device wrote into the buffer that `get` returned last. */
  lastLength = 0;
  protected readonly options: DriverQueueOptions;
  protected readonly memory: SharedMemory;
  protected readonly layout: RingLayout;
  protected readonly ring: number;
  /** Offsets in RAM that every buffer needs, added up once. */
  protected readonly availRing: number;
  protected readonly usedRing: number;
  protected readonly mask: number;
  protected readonly eventIndex: boolean;
  protected readonly indirect: boolean;
  protected readonly descriptors: readonly Descriptor[];
  protected readonly tables: IndirectTables;
  protected freeHead: Descriptor;
  protected freeTail: Descriptor;
  protected freeCount: number;
  protected availIndex = 0;
  protected publishedAvail = 0;
  protected kickedAvail = 0;
  /** Next used entry to get, the device's index as last read, and used_event as last written. */
  protected lastUsed = 0;
  protected usedIndex = 0;
  protected usedEvent = 0;
  protected callbacksOn = true;
  protected failure: string | undefined;

  constructor(options: DriverQueueOptions) {
    const { size } = options.layout;
    this.index = options.index;
    this.name = options.name;
    this.size = size;
    this.counters = options.counters;
    this.options = options;
    this.memory = options.ram.memory;
    this.layout = options.layout;
    this.ring = options.ringOffset;
    this.availRing = this.ring + this.layout.availRing;
    this.usedRing = this.ring + this.layout.usedRing;
    this.mask = size - 1;
    this.eventIndex = options.eventIndex;
    this.indirect = options.indirect;
    this.descriptors = descriptorTable(size, this.ring, DESCRIPTOR_STRIDE);
    this.freeHead = this.descriptors[0] as Descriptor;
    this.freeTail = this.descriptors[size - 1] as Descriptor;
    this.tables = new IndirectTables(options.tables);
    this.freeCount = size;
    if (!options.hasCallback) this.disableCallbacks();
  }

  get freeDescriptors(): number {
    return this.freeCount;
  }
  /** Buffers added and not yet returned by `get`. */
  get inFlight(): number {
    return (this.availIndex - this.lastUsed) & 0xffff;
  }
  /** Whether notifications go by event index rather than by flags. */
  get usesEventIndex(): boolean {
    return this.eventIndex;
  }
  /** Why the device can no longer be trusted, if so. */
  get broken(): string | undefined {
    return this.failure;
  }
  /** Marks the queue broken: the device failed or went away. Nothing more to get, so that no loop waits for it. */
  break(reason: string): void {
    this.failure ??= reason;
    this.usedIndex = this.lastUsed;
  }

  /**
   * Queues a buffer; the device sees it after the next kick. False: no room (kick, then get some back). A buffer
   * that no amount of room would take is the caller's bug.
   */
  add(list: ScatterList, token: Token): boolean {
    const { count } = list;
    if (count === 0) throw new Error(`${this.name}: a buffer needs at least one segment`);
    if (count > this.size && !this.indirect) {
      throw new Error(`${this.name}: ${count} segments never fit in ${this.size} descriptors`);
    }
    if (count === 1) {
      const write = list.readable === 0 ? WRITE : 0;
      return this.addSingle(list.addresses[0] as number, list.lengths[0] as number, write, token);
    }
    if (this.failure !== undefined || this.freeCount === 0) return false;
    const head = this.freeHead;
    const table = this.indirect ? this.table(count) : undefined;
    // Without memory for a table a chain will do, if there is room.
    const needed = table === undefined ? count : 1;
    if (needed > this.freeCount) return false;
    if (table === undefined) this.writeChain(head, list);
    else this.writeIndirect(head, table, list);
    this.freeCount -= needed;
    head.chainLength = needed;
    head.writableBytes = list.writableBytes;
    head.token = token;
    this.memory.write16(this.availRing + 2 * (this.availIndex & this.mask), head.index, WRITE_AVAIL_ENTRY);
    this.availIndex = (this.availIndex + 1) & 0xffff;
    return true;
  }

  /** `add` of one segment at a guest-physical address, without a list: one that the device may write, or may read. */
  addInbuf(address: number, length: number, token: Token): boolean {
    return this.addSingle(address, length, WRITE, token);
  }
  addOutbuf(address: number, length: number, token: Token): boolean {
    return this.addSingle(address, length, 0, token);
  }

  /** Writes down as little as it can: a processor has room for so many stores, and those to shared lines take long. */
  protected addSingle(address: number, length: number, write: number, token: Token): boolean {
    if (this.freeCount === 0 || this.failure !== undefined) return false;
    const head = this.freeHead;
    head.write(this.memory, address, length, write);
    this.memory.write16(this.availRing + 2 * (this.availIndex & this.mask), head.index, WRITE_AVAIL_ENTRY);
    this.freeHead = head.next;
    this.freeCount--;
    head.chainLength = 1;
    const writable = write === 0 ? 0 : length;
    if (head.writableBytes !== writable) head.writableBytes = writable;
    head.token = token;
    this.availIndex = (this.availIndex + 1) & 0xffff;
    return true;
  }

  /** Publishes what was added and says whether the device wants to be told. */
  kickPrepare(): boolean {
    this.publish();
    const before = this.kickedAvail;
    this.kickedAvail = this.availIndex;
    if (before === this.availIndex || this.failure !== undefined) return false;
    if (this.deviceWantsKick(before)) return true;
    this.counters.kicksSuppressed++;
    return false;
  }

  /** Ordering C: after avail.idx, the device's wish. */
  protected deviceWantsKick(before: number): boolean {
    if (this.eventIndex) {
      const event = this.memory.load16(this.ring + this.layout.availEvent, READ_AVAIL_EVENT);
      return needEvent(event, this.availIndex, before);
    }
    const flags = this.memory.load16(this.ring + this.layout.usedFlags, READ_USED_FLAGS);
    return (flags & USED_FLAG_NO_NOTIFY) === 0;
  }

  /** Tells the device. Apart from `kickPrepare`, so that a driver may do it outside its lock. */
  notify(): void {
    this.counters.kicksSent++;
    this.options.notify();
  }

  kick(): void {
    if (this.kickPrepare()) this.notify();
  }

  /** Makes what was added visible to a device that polls, without deciding about a kick. */
  publish(): void {
    if (this.availIndex === this.publishedAvail) return;
    // Many publications may pass before the next kick decision, more than an index can count; the device asks for a
    // kick at an entry it has not taken, so no more than a ring's worth of them can matter.
    const undecided = ((this.availIndex - this.kickedAvail - 1) & 0xffff) + 1;
    if (undecided > this.size) this.kickedAvail = (this.availIndex - this.size) & 0xffff;
    this.publishedAvail = this.availIndex;
    // Ordering A: descriptors and entries, then avail.idx. Ordering C: avail.idx, then the device's wish.
    this.memory.store16(this.ring + this.layout.availIndex, this.availIndex, PUBLISH_AVAIL);
  }

  /**
   * The token of the next buffer that the device returned, its length in `lastLength`; undefined: none yet. With
   * callbacks on, one comes for the first buffer after an undefined.
   */
  get(): Token | undefined {
    if (this.lastUsed === this.usedIndex && !this.hasUsed) return undefined;
    const element = this.usedRing + USED_STRIDE * (this.lastUsed & this.mask);
    const head = this.memory.read32(element, READ_USED_ELEMENT);
    return this.accept(head, this.memory.read32(element + 4, READ_USED_ELEMENT));
  }

  /** The buffer that the next used element names, if the element can be believed. */
  protected accept(id: number, length: number): Token | undefined {
    const head = this.descriptors[id];
    if (head === undefined) return this.breach(`used id ${id} is out of range (queue size ${this.size})`);
    if (head.chainLength === 0) return this.breach(`used id ${id} is not a head in flight`);
    if (length > head.writableBytes) {
      return this.breach(
        `used length ${length} of id ${id}, but it has ${head.writableBytes} writable bytes`,
      );
    }
    this.lastUsed = (this.lastUsed + 1) & 0xffff;
    this.lastLength = length;
    this.counters.requests++;
    this.counters.bytes += length;
    return this.release(head);
  }

  /** Whether the device has returned something. May be stale: more may have come since. */
  get hasUsed(): boolean {
    if (this.lastUsed !== this.usedIndex) return true;
    // Ordering D: the wish, then used.idx. An event position that was passed asks for nothing any more.
    const ahead = (this.usedEvent - this.lastUsed) & 0xffff;
    if (this.eventIndex && this.callbacksOn && ahead >= this.size) this.writeUsedEvent(this.lastUsed);
    return this.refresh();
  }

  /** Asks the device not to interrupt. A hint: one may still be on its way. */
  disableCallbacks(): void {
    if (!this.callbacksOn) return;
    this.callbacksOn = false;
    // With event index, flags stay 0 [2.7.7.1]; a position behind the last look is never crossed next.
    if (this.eventIndex) this.writeUsedEvent((this.lastUsed - 1) & 0xffff);
    else this.writeAvailFlags(AVAIL_FLAG_NO_INTERRUPT);
  }

  /** Asks for interrupts and looks again. False: buffers have come back meanwhile; get them, then try again. */
  enableCallbacks(): boolean {
    return this.arm(this.lastUsed, 0);
  }

  /** As `enableCallbacks`, but asks for an interrupt only when three quarters of what is in flight has come back. */
  enableCallbacksDelayed(): boolean {
    const wait = this.eventIndex ? (((this.publishedAvail - this.lastUsed) & 0xffff) * 3) >>> 2 : 0;
    return this.arm((this.lastUsed + wait) & 0xffff, wait);
  }

  /** After a reset: the next buffer that never came back, or undefined. */
  detachUnused(): Token | undefined {
    const head = this.descriptors.find((descriptor) => descriptor.chainLength !== 0);
    return head === undefined ? undefined : this.release(head);
  }

  /** Frees indirect tables; the ring itself belongs to the transport. */
  destroy(): void {
    this.tables.free();
  }

  describe() {
    return {
      index: this.index,
      name: this.name,
      size: this.size,
      broken: this.failure ?? null,
      free: this.freeCount,
      inFlight: this.inFlight,
      availIndex: this.availIndex,
      publishedAvail: this.publishedAvail,
      kickedAvail: this.kickedAvail,
      lastUsed: this.lastUsed,
      callbacksOn: this.callbacksOn,
    };
  }

  protected arm(event: number, tolerated: number): boolean {
    this.callbacksOn = true;
    // Ordering D: the wish, then used.idx.
    if (this.eventIndex) this.writeUsedEvent(event);
    else this.writeAvailFlags(0);
    this.refresh();
    return ((this.usedIndex - this.lastUsed) & 0xffff) <= tolerated;
  }

  protected writeUsedEvent(index: number): void {
    this.usedEvent = index;
    this.memory.store16(this.ring + this.layout.usedEvent, index, WRITE_USED_EVENT);
  }
  protected writeAvailFlags(flags: number): void {
    this.memory.store16(this.ring + this.layout.availFlags, flags, WRITE_AVAIL_FLAGS);
  }

  protected refresh(): boolean {
    if (this.failure !== undefined) return false;
    // Ordering B and D: used.idx, then the elements it covers.
    const index = this.memory.load16(this.ring + this.layout.usedIndex, READ_USED_INDEX);
    if (((index - this.lastUsed) & 0xffff) > ((this.publishedAvail - this.lastUsed) & 0xffff)) {
      this.breach(`used.idx ${index}, last seen ${this.lastUsed}, published ${this.publishedAvail}`);
      return false;
    }
    this.usedIndex = index;
    return index !== this.lastUsed;
  }

  /** Writes a chain into the descriptor table along the free list, which moves past it. */
  protected writeChain(head: Descriptor, list: ScatterList): void {
    const { addresses, lengths, readable, count } = list;
    let descriptor = head;
    for (let segment = 0; segment < count; segment++) {
      const { next } = descriptor;
      const write = segment < readable ? 0 : WRITE;
      const flags = segment < count - 1 ? write | NEXT | (next.index << 16) : write;
      descriptor.write(this.memory, addresses[segment] as number, lengths[segment] as number, flags);
      descriptor = next;
    }
    this.freeHead = descriptor;
  }

  protected writeIndirect(head: Descriptor, table: IndirectTable, list: ScatterList): void {
    const start = table.address - this.options.ram.base;
    const { addresses, lengths, readable, count } = list;
    for (let segment = 0; segment < count; segment++) {
      const write = segment < readable ? 0 : WRITE;
      const flags = segment < count - 1 ? write | NEXT | ((segment + 1) << 16) : write;
      const at = start + DESCRIPTOR_STRIDE * segment;
      writeDescriptor(this.memory, at, addresses[segment] as number, lengths[segment] as number, flags);
    }
    head.write(this.memory, table.address, DESCRIPTOR_STRIDE * count, INDIRECT);
    head.table = table;
    this.freeHead = head.next;
  }

  /** An indirect table for a buffer; undefined: there is no memory for one. */
  protected table(entries: number): IndirectTable | undefined {
    return this.tables.take(entries);
  }

  /** Puts the chain of `head` at the end of the free list and returns its token. */
  protected release(head: Descriptor): Token | undefined {
    const { chainLength } = head;
    let last = head;
    for (let step = 1; step < chainLength; step++) last = last.next;
    if (this.freeCount === 0) this.freeHead = head;
    else this.freeTail.next = head;
    this.freeTail = last;
    this.freeCount += chainLength;
    head.chainLength = 0;
    if (head.table !== undefined) this.giveTable(head, head.table);
    const token = head.token as Token | undefined;
    head.token = undefined;
    return token;
  }

  private giveTable(head: Descriptor, table: IndirectTable): void {
    head.table = undefined;
    this.tables.give(table);
  }

  protected breach(reason: string): undefined {
    return void this.break(`${this.name}: ${reason}`);
  }
}
