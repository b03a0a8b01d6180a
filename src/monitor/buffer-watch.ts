/** The buffers' part of the observer: whose chain an access hits, what was written into it, what came back last. */
import type { Chain, Queue, Segment } from "./model.ts";
import type { Moments, RingField, Side } from "./moments.ts";
import type { Observer } from "./observer.ts";
import { bytesPart } from "./rule-book.ts";

const [DRIVER_READS, DRIVER_WRITES] = [bytesPart("driver", false), bytesPart("driver", true)];
const [DEVICE_READS, DEVICE_WRITES] = [bytesPart("device", false), bytesPart("device", true)];

/** Tells of a store that hit a ring. */
type Stored = (queue: Queue, side: Side, offset: number, value: number) => RingField | undefined;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Hit {
  readonly queue: Queue;
  readonly chain: Chain;
  readonly part: Segment;
}

export class BufferWatch {
  private readonly observer: Observer;
  private readonly stored: Stored;
  private readonly moment: Writable<Moments["bytes"]>;
  /** The chain that the device took last, and the one that it touched last: mostly it goes on with one of them. */
  private newest: { queue: Queue; chain: Chain } | undefined;
  private last: { queue: Queue; chain: Chain } | undefined;

  constructor(observer: Observer, stored: Stored) {
    this.observer = observer;
    this.stored = stored;
    this.moment = {
      device: undefined as never,
      view: undefined as never,
      peek: observer.peek,
      side: "driver",
      write: false,
      offset: 0,
      length: 0,
      queue: undefined,
      chain: undefined,
      part: undefined,
    };
  }

  /** The device has read the avail entry. */
  taken(queue: Queue, chain: Chain): void {
    chain.taken = true;
    this.newest = { queue, chain };
  }

  access(side: Side, write: boolean, offset: number, length: number): void {
    if (length === 0) return;
    const { rings, peek } = this.observer;
    if (write) {
      const queue = rings.at(offset);
      if (queue !== undefined) this.stored(queue, side, offset, -1);
    }
    const address = peek.ram.base + offset;
    if (side === "driver") this.driver(write, address, offset, length);
    else this.device(write, address, offset, length);
  }

  /** Memory that is used for something else says nothing about the buffer that it was. */
  forgetUsed(address: number, length: number): void {
    for (const queue of this.observer.rings.queues) {
      const segments = queue.lastUsed?.chain?.segments;
      if (segments === undefined) continue;
      for (const part of segments) {
        if (address >= part.address + part.length || part.address >= address + length) continue;
        queue.lastUsed = undefined;
        break;
      }
    }
  }

  private driver(write: boolean, address: number, offset: number, length: number): void {
    if (write) this.forgetUsed(address, length);
    // Memory that came back may have been lent again, to somebody who is not watched.
    else if (this.observer.unknownInUse) this.forgetUsed(address, length);
    const moment = this.moment;
    moment.side = "driver";
    moment.write = write;
    moment.offset = offset;
    moment.length = length;
    moment.queue = undefined;
    moment.chain = undefined;
    moment.part = undefined;
    const part = write ? DRIVER_WRITES : DRIVER_READS;
    for (const device of this.observer.devices) {
      moment.device = device;
      moment.view = device.view;
      this.observer.emit(part, moment);
    }
  }

  private device(write: boolean, address: number, offset: number, length: number): void {
    const hit = this.hit(address, write);
    if (hit === undefined) return;
    const { queue, chain, part } = hit;
    this.last = hit;
    const moment = this.moment;
    moment.side = "device";
    moment.write = write;
    moment.offset = offset;
    moment.length = length;
    moment.device = queue.device;
    moment.view = queue.device.view;
    moment.queue = queue;
    moment.chain = chain;
    moment.part = part;
    this.observer.emit(write ? DEVICE_WRITES : DEVICE_READS, moment);
    const whole = address + length <= part.address + part.length;
    if (write && part.writable && chain.taken && whole) chain.written += length;
  }

  /** The outstanding chain with this address: one where the access is right, if there is any. */
  private hit(address: number, write: boolean): Hit | undefined {
    const near = within(this.last, address, write) ?? within(this.newest, address, write);
    if (near !== undefined) return near;
    let wrong: Hit | undefined;
    let untaken: Hit | undefined;
    for (const queue of this.observer.rings.queues) {
      for (const chain of queue.outstanding.values()) {
        const part = partAt(chain, address);
        if (part === undefined) continue;
        if (part.writable !== write) wrong = { queue, chain, part };
        else if (chain.taken) return { queue, chain, part };
        else untaken = { queue, chain, part };
      }
    }
    return untaken ?? wrong;
  }
}

/** The same for a chain that was hit or taken before. */
function within(
  known: { readonly queue: Queue; readonly chain: Chain } | undefined,
  address: number,
  write: boolean,
): Hit | undefined {
  if (known === undefined || !known.chain.out || !known.queue.live) return undefined;
  const { queue, chain } = known;
  const part = partAt(chain, address);
  return part?.writable === write ? { queue, chain, part } : undefined;
}

function partAt(chain: Chain, address: number): Segment | undefined {
  for (const part of chain.segments) {
    if (address >= part.address && address < part.address + part.length) return part;
  }
  return undefined;
}
