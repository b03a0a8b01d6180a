/** The buffers' part of the observer: whose chain an access hits, what was written into it, what came back last. */
import type { Chain, Queue, Segment } from "./model.ts";
import type { Moments, RingField, Side } from "./moments.ts";
import type { Observer } from "./observer.ts";
import type { RingMap } from "./ring-map.ts";
import { bytesPart } from "./rule-book.ts";

const [DRIVER_READS, DRIVER_WRITES] = [bytesPart("driver", false), bytesPart("driver", true)];
const [DEVICE_READS, DEVICE_WRITES] = [bytesPart("device", false), bytesPart("device", true)];

/** Tells of a store that hit a ring. */
type Stored = (queue: Queue, side: Side, offset: number, value: number) => RingField | undefined;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Place {
  readonly queue: Queue;
  readonly chain: Chain;
}

export class BufferWatch {
  private readonly observer: Observer;
  private readonly rings: RingMap;
  private readonly ramBase: number;
  private readonly stored: Stored;
  private readonly moment: Writable<Moments["bytes"]>;
  /** The chain that the device took last, and the one that it touched last: mostly it goes on with one of them. */
  private newest: Place | undefined;
  private last: Place | undefined;

  constructor(observer: Observer, stored: Stored) {
    this.observer = observer;
    this.rings = observer.rings;
    this.ramBase = observer.peek.ram.base;
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
    if (write) {
      const queue = this.rings.at(offset);
      if (queue !== undefined) this.stored(queue, side, offset, -1);
    }
    const address = this.ramBase + offset;
    if (side === "driver") this.driver(write, address, offset, length);
    else this.device(write, address, offset, length);
  }

  /** A chain is out: what its memory was before is over. */
  forgetChain(chain: Chain): void {
    if (this.rings.read.length === 0) return;
    for (const part of chain.segments) this.forgetUsed(part.address, part.length);
  }

  /** Memory that is used for something else says nothing about the buffer that it was. */
  private forgetUsed(address: number, length: number): void {
    for (const queue of this.rings.read) {
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
    if (write ? !this.rings.writesAsked : !this.rings.readsAsked) return;
    const part = write ? DRIVER_WRITES : DRIVER_READS;
    const moment = this.moment;
    moment.side = "driver";
    moment.write = write;
    moment.offset = offset;
    moment.length = length;
    moment.queue = undefined;
    moment.chain = undefined;
    moment.part = undefined;
    for (const device of this.observer.devices) {
      moment.device = device;
      moment.view = device.view;
      this.observer.emit(device, part, moment);
    }
  }

  private device(write: boolean, address: number, offset: number, length: number): void {
    let place = this.last;
    let part = near(place, address, write);
    if (part === undefined) {
      place = this.newest;
      part = near(place, address, write);
    }
    if (part === undefined) {
      place = this.search(address, write);
      part = place && partAt(place.chain, address);
    }
    if (place === undefined || part === undefined) return;
    const { queue, chain } = place;
    this.last = place;
    const { device } = queue;
    const moment = this.moment;
    moment.side = "device";
    moment.write = write;
    moment.offset = offset;
    moment.length = length;
    moment.device = device;
    moment.view = device.view;
    moment.queue = queue;
    moment.chain = chain;
    moment.part = part;
    this.observer.emit(device, write ? DEVICE_WRITES : DEVICE_READS, moment);
    const whole = address + length <= part.address + part.length;
    if (write && part.writable && chain.taken && whole) chain.written += length;
  }

  /** The outstanding chain with this address: one where the access is right, if there is any. */
  private search(address: number, write: boolean): Place | undefined {
    let wrong: Place | undefined;
    let untaken: Place | undefined;
    for (const queue of this.rings.queues) {
      for (const chain of queue.outstanding.values()) {
        const part = partAt(chain, address);
        if (part === undefined) continue;
        if (part.writable !== write) wrong = { queue, chain };
        else if (chain.taken) return { queue, chain };
        else untaken = { queue, chain };
      }
    }
    return untaken ?? wrong;
  }
}

/** The part of a chain that was hit or taken before, where the access is right. */
function near(known: Place | undefined, address: number, write: boolean): Segment | undefined {
  if (known === undefined || !known.chain.out || !known.queue.live) return undefined;
  const part = partAt(known.chain, address);
  return part?.writable === write ? part : undefined;
}

function partAt({ segments }: Chain, address: number): Segment | undefined {
  for (let at = 0; at < segments.length; at++) {
    const part = segments[at] as Segment;
    if (address >= part.address && address < part.address + part.length) return part;
  }
  return undefined;
}
