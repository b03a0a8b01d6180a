/**
 * Split virtqueue, device side [virtio 1.4, 2.7]. It never blocks and never throws at what the driver wrote: a
 * malformed index, chain or address becomes a `Violation`, and the queue is broken until it is reset.
 *
 * Shared indices are shadowed: `avail.idx` is read once per batch, `used.idx` published once per `flush`.
 */
import type { Ram } from "../../memory/ram.ts";
import type { SharedMemory } from "../../memory/shared-memory.ts";
import type { QueueCounters } from "../../observe/record/counters.ts";
import { PAGE_SIZE } from "../../wire/numbers.ts";
import {
  AVAIL_FLAG_NO_INTERRUPT,
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
  DESCRIPTOR_FLAG,
  needEvent,
  type RingLayout,
  USED_ELEMENT_BYTES,
  USED_FLAG_NO_NOTIFY,
} from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { HeldPages } from "../held-pages.ts";
import type { ViolationKind } from "../violation.ts";
import { Chain } from "./chain.ts";
import { ChainWalker } from "./chain-walker.ts";

const READ_AVAIL_INDEX = site("device: read avail.idx");
const READ_AVAIL_ENTRY = site("device: read avail ring entry");
const READ_DESCRIPTOR = site("device: read descriptor");
const WRITE_USED_ELEMENT = site("device: write used element");
const PUBLISH_USED = site("device: publish used.idx");
const WRITE_USED_FLAGS = site("device: write used.flags");
const WRITE_AVAIL_EVENT = site("device: write avail_event");
const READ_AVAIL_FLAGS = site("device: read avail.flags");
const READ_USED_EVENT = site("device: read used_event");

// Constants of its own the engine folds into a function's code; imported ones it loads and checks at each use.
const { addressLow: ADDRESS_LOW, addressHigh: ADDRESS_HIGH, length: LENGTH, flags: FLAGS } = DESCRIPTOR;
const { WRITE } = DESCRIPTOR_FLAG;
/** The chain goes on elsewhere. */
const MORE = DESCRIPTOR_FLAG.NEXT | DESCRIPTOR_FLAG.INDIRECT;
const [DESCRIPTOR_STRIDE, USED_STRIDE] = [DESCRIPTOR_BYTES, USED_ELEMENT_BYTES];

const NO_PAGES = new HeldPages(0);

/** A publication and a look at the driver's wish for so many chains: so the driver can work while the device does. */
const CHAINS_PER_FLUSH = 4;

/** Of a queue that shares its thread with others: a driver may refill it as fast as it is served. */
export interface Turn {
  /** Asked after every few chains: is it somebody else's turn? */
  over(chains: number): boolean;
  /** The queue was left with work in it, and wants another turn without a kick. */
  left(): void;
}

export interface DeviceQueueOptions {
  readonly index: number;
  readonly ram: Ram;
  /** Pages that the driver must leave alone; without it there are none. */
  readonly heldPages?: HeldPages;
  /** Where the ring block starts in RAM, in bytes; checked against RAM by whoever activated the queue. */
  readonly ringOffset: number;
  readonly layout: RingLayout;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
  /** Grows with each reset of the device: chains popped before it are dead. */
  readonly epoch: number;
  readonly counters: QueueCounters;
  /** Without it `serve` goes on until the queue is empty. */
  readonly turn?: Turn;
  /** Asks the transport for this queue's interrupt. */
  readonly interrupt: () => void;
  readonly violated: (kind: ViolationKind, detail: string) => void;
}

export class DeviceQueue {
  readonly index: number;
  readonly size: number;
  readonly epoch: number;
  readonly counters: QueueCounters;
  protected readonly options: DeviceQueueOptions;
  protected readonly ram: Ram;
  protected readonly ramBase: number;
  protected readonly ramSize: number;
  protected readonly memory: SharedMemory;
  protected readonly layout: RingLayout;
  protected readonly mask: number;
  protected readonly ring: number;
  /** Offsets in RAM that every buffer needs, added up once. */
  protected readonly descriptors: number;
  protected readonly availRing: number;
  protected readonly availIndexAt: number;
  protected readonly usedRing: number;
  protected readonly eventIndex: boolean;
  protected readonly walker: ChainWalker;
  protected readonly heldPages: HeldPages;
  protected readonly chains: (Chain | undefined)[] = [];
  /** Next available entry to take, and the driver's index as last read. */
  protected lastAvail = 0;
  protected availIndex = 0;
  /** Next used entry to write, what the driver has been shown, and where the last interrupt decision stood. */
  protected usedIndex = 0;
  protected publishedUsed = 0;
  protected signalledUsed = 0;
  /** Broken or detached: nothing is taken or given back. */
  protected dead = false;
  #broken = false;
  #detached = false;

  constructor(options: DeviceQueueOptions) {
    this.index = options.index;
    this.size = options.layout.size;
    this.epoch = options.epoch;
    this.counters = options.counters;
    this.options = options;
    this.ram = options.ram;
    this.ramBase = options.ram.base;
    this.ramSize = options.ram.size;
    this.memory = options.ram.memory;
    this.layout = options.layout;
    this.mask = options.layout.size - 1;
    this.ring = options.ringOffset;
    this.descriptors = this.ring + this.layout.descriptors;
    this.availRing = this.ring + this.layout.availRing;
    this.availIndexAt = this.ring + this.layout.availIndex;
    this.usedRing = this.ring + this.layout.usedRing;
    this.eventIndex = options.eventIndex;
    this.walker = new ChainWalker({
      ram: options.ram,
      size: this.size,
      indirect: options.indirect,
      malformed: (kind, detail) => this.malformed(kind, detail),
    });
    this.heldPages = options.heldPages ?? NO_PAGES;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** True once the device was reset or the queue taken down: late completions must leave RAM alone. */
  get detached(): boolean {
    return this.#detached;
  }

  /** Chains taken and not yet returned. */
  get inFlight(): number {
    return (this.lastAvail - this.usedIndex) & 0xffff;
  }

  /** The device was reset or unplugged: nothing is popped, pushed or published any more. */
  detach(): void {
    this.#detached = true;
    this.dead = true;
    this.availIndex = this.lastAvail;
  }

  /** The next chain, or undefined: the ring is empty, or broken. */
  pop(): Chain | undefined {
    // A dead queue has nothing available, and learns of nothing new.
    if (this.lastAvail === this.availIndex && !this.refresh()) return undefined;
    const slot = this.availRing + 2 * (this.lastAvail & this.mask);
    return this.take(this.memory.read16(slot, READ_AVAIL_ENTRY));
  }

  /** The chain that the next available entry names. Kept short: the engine inlines no more than so much into a loop. */
  protected take(head: number): Chain | undefined {
    if (head >= this.size) return this.badHead(head);
    const chain = this.chains[head] ?? this.newChain(head);
    const { epoch, memory } = this;
    const at = READ_DESCRIPTOR;
    if (chain.epoch === epoch) return this.badHead(head);
    const descriptor = this.descriptors + DESCRIPTOR_STRIDE * head;
    const low = memory.read32(descriptor + ADDRESS_LOW, at);
    const high = memory.read32(descriptor + ADDRESS_HIGH, at);
    const length = memory.read32(descriptor + LENGTH, at);
    const flags = memory.read32(descriptor + FLAGS, at);
    const offset = low - this.ramBase;
    // One segment below 4 GiB: most chains are that. Done here, because calls would cost more than the work.
    if ((flags & MORE) === 0 && high === 0 && offset >= 0 && offset + length <= this.ramSize) {
      chain.epoch = epoch;
      chain.segments = 1;
      chain.firstOffset = offset;
      const readable = (flags & WRITE) === 0 ? 1 : 0;
      chain.readableSegments = readable;
      chain.readableBytes = readable * length;
      chain.writableBytes = length - readable * length;
    } else if (!this.walk(chain, low, high, length, flags)) {
      return undefined;
    }
    this.lastAvail = (this.lastAvail + 1) & 0xffff;
    if (this.heldPages.count > 0) this.checkPages(chain);
    return chain;
  }

  /** Any other chain. */
  private walk(chain: Chain, low: number, high: number, length: number, flags: number): boolean {
    chain.begin(this.epoch);
    return this.walker.walk(chain, this.descriptors, low, high, length, flags);
  }

  private newChain(head: number): Chain {
    const chain = new Chain(this.ram, head);
    this.chains[head] = chain;
    return chain;
  }

  private badHead(head: number): undefined {
    const entry = `avail ring entry ${this.lastAvail & this.mask} names`;
    if (head >= this.size) return this.break("head-range", `${entry} descriptor ${head}`);
    return this.break("head-in-flight", `${entry} head ${head}, which has not been returned`);
  }

  /** Whether the driver has published something that was not popped. */
  get hasAvailable(): boolean {
    return this.lastAvail !== this.availIndex || this.refresh();
  }

  /** Reports a page that a balloon holds, in the chain or under the ring. The bytes are there: the queue goes on. */
  protected checkPages(chain: Chain): void {
    const { heldPages: held } = this;
    chain.checkedAt = held.changes;
    const report = (page: number, what: string) => {
      if (page < 0) return;
      const address = (this.ram.base + page * PAGE_SIZE).toString(16);
      this.options.violated("ballooned-page", `${what} page ${page} (0x${address}), which a balloon holds`);
    };
    report(held.find(this.ring, this.layout.bytes), "the ring uses");
    for (let index = 0; index < chain.segments; index++) {
      const page = held.find(chain.segmentOffset(index), chain.segmentLength(index));
      report(page, `a buffer of head ${chain.head} uses`);
    }
  }

  /** If pages were given away since it was last checked. */
  private checkPagesAgain(chain: Chain): void {
    if (this.heldPages.changes !== chain.checkedAt) this.checkPages(chain);
  }

  /** Returns a chain with `written` bytes of its writable part filled. Visible to the driver after `flush`. */
  push(chain: Chain, written: number): void {
    if (this.dead || chain.epoch !== this.epoch) return;
    // Pages given away while the device had the chain.
    if (this.heldPages.count > 0) this.checkPagesAgain(chain);
    const element = this.usedRing + USED_STRIDE * (this.usedIndex & this.mask);
    this.memory.write32(element, chain.head, WRITE_USED_ELEMENT);
    this.memory.write32(element + 4, written, WRITE_USED_ELEMENT);
    this.usedIndex = (this.usedIndex + 1) & 0xffff;
    chain.end();
    const { counters } = this;
    counters.requests++;
    counters.bytes += written + chain.readableBytes;
  }

  /** Publishes what was pushed, and interrupts the driver if it asked for that. */
  flush(): void {
    if (this.usedIndex === this.publishedUsed || this.#detached) return;
    // Ordering B: used elements, then used.idx. Ordering D: used.idx, then the driver's wish.
    this.memory.store16(this.ring + this.layout.usedIndex, this.usedIndex, PUBLISH_USED);
    this.publishedUsed = this.usedIndex;
    if (this.driverWantsInterrupt()) {
      this.counters.interruptsSent++;
      this.options.interrupt();
    } else {
      this.counters.interruptsSuppressed++;
    }
  }

  /**
   * Asks the driver for kicks again and looks once more. True: work has arrived meanwhile and no kick need come for
   * it, so serve it; false: the queue may rest.
   */
  enableNotifications(): boolean {
    if (this.dead) return false;
    // Ordering C: the wish, then avail.idx.
    if (this.eventIndex) {
      this.memory.store16(this.ring + this.layout.availEvent, this.lastAvail, WRITE_AVAIL_EVENT);
    } else {
      this.memory.store16(this.ring + this.layout.usedFlags, 0, WRITE_USED_FLAGS);
    }
    return this.refresh();
  }

  /** Tells the driver that kicks are not needed. With event index the armed position, once crossed, says so. */
  disableNotifications(): void {
    if (this.eventIndex || this.dead) return;
    this.memory.store16(this.ring + this.layout.usedFlags, USED_FLAG_NO_NOTIFY, WRITE_USED_FLAGS);
  }

  /**
   * Serves the queue until it is empty and kicks are enabled again, or its turn is over: the loop that every device
   * wants. `handle` may push at once or keep the chain for later (then it calls `flush` itself).
   */
  serve(handle: (chain: Chain) => void): void {
    const { turn } = this.options;
    let served = 0;
    do {
      this.disableNotifications();
      for (let chain = this.pop(); chain !== undefined; chain = this.pop()) {
        handle(chain);
        if (++served % CHAINS_PER_FLUSH !== 0) continue;
        this.flush();
        if (!turn?.over(served) || this.dead) continue;
        turn.left();
        return;
      }
      this.flush();
    } while (this.enableNotifications());
  }

  /** Ends the queue's use with a breach that a device found in a request. */
  violate(kind: ViolationKind, detail: string): void {
    this.break(kind, detail);
  }

  describe() {
    const at = (offset: number) => this.memory.load16(this.ring + offset, 0);
    return {
      index: this.index,
      size: this.size,
      broken: this.#broken,
      lastAvail: this.lastAvail,
      usedIndex: this.usedIndex,
      publishedUsed: this.publishedUsed,
      signalledUsed: this.signalledUsed,
      shared: {
        availIndex: at(this.layout.availIndex),
        availFlags: at(this.layout.availFlags),
        usedIndex: at(this.layout.usedIndex),
        usedFlags: at(this.layout.usedFlags),
        usedEvent: at(this.layout.usedEvent),
        availEvent: at(this.layout.availEvent),
      },
    };
  }

  /** Reads avail.idx; true if there is something new. The answer may be stale: more may have come since. */
  protected refresh(): boolean {
    if (this.dead) return false;
    // Ordering A and C: avail.idx, then the entries it covers.
    const index = this.memory.load16(this.availIndexAt, READ_AVAIL_INDEX);
    const pending = (index - this.lastAvail) & 0xffff;
    if (pending > this.size) {
      return this.malformed(
        "avail-index",
        `avail.idx ${index}, last taken ${this.lastAvail}, queue size ${this.size}`,
      );
    }
    this.availIndex = index;
    return pending !== 0;
  }

  protected driverWantsInterrupt(): boolean {
    const before = this.signalledUsed;
    this.signalledUsed = this.usedIndex;
    // Ordering D: after used.idx, the driver's wish.
    if (this.eventIndex) {
      const event = this.memory.load16(this.ring + this.layout.usedEvent, READ_USED_EVENT);
      return needEvent(event, this.usedIndex, before);
    }
    const flags = this.memory.load16(this.ring + this.layout.availFlags, READ_AVAIL_FLAGS);
    return (flags & AVAIL_FLAG_NO_INTERRUPT) === 0;
  }

  protected malformed(kind: ViolationKind, detail: string): false {
    this.break(kind, detail);
    return false;
  }

  protected break(kind: ViolationKind, detail: string): undefined {
    this.#broken = true;
    this.dead = true;
    // Nothing more to take, so that no loop waits for it.
    this.availIndex = this.lastAvail;
    this.options.violated(kind, detail);
    return undefined;
  }
}
