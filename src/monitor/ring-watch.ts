/**
 * The rings' part of the observer: stores, loads, publications, and the chains that they make. It runs at every access
 * to shared memory, so it allocates nothing but chains: its moments are used again and again.
 */
import { FEATURE } from "../wire/features.ts";
import { needEvent, USED_ELEMENT_BYTES } from "../wire/ring.ts";
import type { Site } from "../wire/sites.ts";
import { BufferWatch } from "./buffer-watch.ts";
import type { Decision, Queue, UsedElement } from "./model.ts";
import type { Moments, RingField, Side } from "./moments.ts";
import type { Observer } from "./observer.ts";
import { fieldAt, type RingSite, ringSite, slotAt, writerOf } from "./ring-sites.ts";
import { PART, storePart } from "./rule-book.ts";
import { walk } from "./walk.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Access = Writable<Moments["store"]>;

export class RingWatch {
  readonly buffers: BufferWatch;
  private readonly observer: Observer;
  private readonly access: Access;
  private readonly available: Writable<Moments["available"]>;
  private readonly used: Writable<Moments["used"]>;

  constructor(observer: Observer) {
    this.observer = observer;
    this.buffers = new BufferWatch(observer, (...store) => this.stored(...store));
    const at = {
      device: undefined as never,
      view: undefined as never,
      peek: observer.peek,
      queue: undefined as never,
    };
    this.available = { ...at, chain: undefined as never };
    this.used = { ...at, element: undefined as never, batch: undefined as never, at: 0 };
    this.access = {
      ...at,
      side: "driver",
      field: "descriptor",
      slot: 0,
      value: 0,
    };
  }

  write(number: Site, offset: number, value: number): void {
    const known = ringSite(number);
    if (known === undefined) return;
    const queue = this.observer.rings.at(offset);
    if (queue === undefined) {
      this.stray(known, offset);
      return;
    }
    const { side, field } = known;
    const slot = slotAt(queue, field, offset);
    if (slot < 0) {
      this.misplaced(queue, known, offset, value);
      return;
    }
    const moment = this.at(queue, side, field, slot, value);
    this.observer.emit(queue.device, known.store, moment);
    if (side === "driver") this.driverStored(queue, field, value);
    else this.deviceStored(queue, field, value);
  }

  read(number: Site, offset: number, value: number): void {
    const known = ringSite(number);
    // Descriptors are looked at where the chain is walked.
    if (known === undefined || known.field === "descriptor") return;
    const queue = this.observer.rings.at(offset);
    const { side, field } = known;
    const slot = queue === undefined ? -1 : slotAt(queue, field, offset);
    if (queue === undefined || slot < 0) {
      this.stray(known, offset);
      return;
    }
    this.observer.emit(queue.device, known.look, this.at(queue, side, field, slot, value));
    if (side === "driver") this.driverLooked(queue, field, value);
    else this.deviceLooked(queue, field, value);
  }

  private at(queue: Queue, side: Side, field: RingField, slot: number, value: number): Access {
    const access = this.access;
    access.device = queue.device;
    access.view = queue.device.view;
    access.queue = queue;
    access.side = side;
    access.field = field;
    access.slot = slot;
    access.value = value;
    return access;
  }

  private stored(queue: Queue, side: Side, offset: number, value: number): RingField | undefined {
    const place = fieldAt(queue, offset);
    if (place === undefined) return undefined;
    const moment = this.at(queue, side, place.field, place.slot, value);
    this.observer.emit(queue.device, storePart(side, place.field), moment);
    return place.field;
  }

  /** A store whose site names another field. */
  private misplaced(queue: Queue, known: RingSite, offset: number, value: number): void {
    const field = this.stored(queue, known.side, offset, value);
    // In the other side's half it is a breach of its own.
    if (field !== undefined && writerOf(field) === known.side) this.stray(known, offset);
  }

  /** Indirect tables lie outside rings; nothing else that these sites name does. */
  private stray(known: RingSite, offset: number): void {
    if (known.field === "descriptor") return;
    const { devices, unknownInUse } = this.observer;
    const within = (old: Queue): boolean => offset >= old.base && offset < old.base + old.layout.bytes;
    const owner = devices.find(({ retired }) => retired.some(within));
    const device = owner ?? (unknownInUse ? undefined : devices.find(({ queues }) => queues.size > 0));
    if (device === undefined) return;
    const { side, label } = known;
    const at = this.observer.at(device);
    this.observer.emit(device, PART.stray, { ...at, side, label, offset, retired: owner !== undefined });
  }

  private driverStored(queue: Queue, field: RingField, value: number): void {
    queue.driven = true;
    if (field === "availEntry") queue.entriesWritten = (queue.entriesWritten + 1) & 0xffff;
    else if (field === "availIndex") {
      queue.settled = true;
      this.published(queue, value);
      queue.kick.due = true;
    } else if (field === "availFlags" && (value & 1) === 0) queue.recheckDue = true;
    else if (field === "usedEvent" && ((value - queue.usedIndex) & 0xffff) < queue.size)
      queue.recheckDue = true;
  }

  private deviceStored(queue: Queue, field: RingField, value: number): void {
    if (field === "usedElement") queue.elementsWritten++;
    else if (field === "usedIndex") {
      queue.settled = true;
      this.publishedUsed(queue, value);
      queue.interrupt.due = true;
    }
  }

  private driverLooked(queue: Queue, field: RingField, value: number): void {
    queue.driven = true;
    if (field === "usedIndex") {
      queue.usedRead();
      queue.recheckDue = false;
      const { isrRead } = queue.device.session;
      if (isrRead !== undefined) isrRead.usedLooked = true;
      this.publishedUsed(queue, value);
    } else if (field === "usedFlags" || field === "availEvent") {
      decide(queue, queue.kick, field, value, queue.availIndex, queue.entriesWritten !== queue.availIndex);
    }
  }

  private deviceLooked(queue: Queue, field: RingField, value: number): void {
    if (field === "availIndex") {
      queue.kicked = false;
      queue.availLooked = value;
      // What the driver did at the bus before it published this is known then.
      if (value !== queue.availIndex) this.observer.listen();
      queue.availRead();
      if (queue.live) this.published(queue, value);
    } else if (field === "availEntry") {
      const chain = queue.outstanding.get(value);
      if (chain !== undefined) this.buffers.taken(queue, chain);
    } else if (field === "availFlags" || field === "usedEvent") {
      decide(queue, queue.interrupt, field, value, queue.usedIndex, false);
    }
  }

  /** avail.idx is `index`, as the driver stores it or the device reads it: the second of the two changes nothing. */
  private published(queue: Queue, index: number): void {
    if (index === queue.availIndex) return;
    const observer = this.observer;
    const { peek } = observer;
    const { device } = queue;
    const { view } = device;
    observer.emit(device, PART.publish, { device, view, peek, queue, index });
    const moment = this.available;
    moment.device = device;
    moment.view = view;
    moment.queue = queue;
    const count = (index - queue.availIndex) & 0xffff;
    const first = queue.availIndex;
    queue.availIndex = index;
    queue.device.session.publishedAny = true;
    if (count > queue.size) return;
    for (let k = 0; k < count; k++) {
      const slot = (first + k) & (queue.size - 1);
      const chain = walk(queue, peek.u16(queue.base + queue.layout.availRing + 2 * slot), peek);
      moment.chain = chain;
      if (chain.faults.length > 0) observer.emit(device, PART.malformed, moment);
      observer.emit(device, PART.available, moment);
      this.buffers.forgetChain(chain);
      queue.lend(chain);
    }
  }

  private publishedUsed(queue: Queue, index: number): void {
    if (index === queue.usedIndex) return;
    const observer = this.observer;
    const { peek } = observer;
    const { device } = queue;
    const { view } = device;
    observer.emit(device, PART.publishUsed, { device, view, peek, queue, index });
    const count = (index - queue.usedIndex) & 0xffff;
    const first = queue.usedIndex;
    queue.usedIndex = index;
    if (count > queue.size) return;
    const batch: UsedElement[] = [];
    for (let k = 0; k < count; k++) batch.push(this.element(queue, first + k));
    const moment = this.used;
    moment.device = device;
    moment.view = view;
    moment.queue = queue;
    moment.batch = batch;
    for (let place = 0; place < batch.length; place++) {
      const element = batch[place] as UsedElement;
      moment.element = element;
      moment.at = place;
      observer.emit(device, PART.used, moment);
      queue.takeBack(element);
      queue.lastUsed = element;
    }
  }

  private element(queue: Queue, index: number): UsedElement {
    const { peek } = this.observer;
    const at = queue.base + queue.layout.usedRing + USED_ELEMENT_BYTES * (index & (queue.size - 1));
    const id = peek.u32(at);
    return { id, length: peek.u32(at + 4), chain: queue.outstanding.get(id), content: undefined };
  }
}

/** A suppression word was read: that is the decision, if there is something to decide. */
function decide(
  queue: Queue,
  decision: Decision,
  field: RingField,
  word: number,
  index: number,
  unpublished: boolean,
): void {
  const event = field === "usedEvent" || field === "availEvent";
  if (!event) decision.flags = word;
  if (event !== queue.device.has(FEATURE.EVENT_IDX)) return;
  if (!decision.due) {
    decision.early ||= unpublished;
    return;
  }
  const wants = event ? needEvent(word, index, decision.before) : (word & 1) === 0;
  decision.before = index;
  decision.due = false;
  decision.early = false;
  decision.wanted ||= wants;
  decision.denied = !wants;
}
