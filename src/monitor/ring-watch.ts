/** The rings' part of the observer: stores, loads, publications, and the chains that they make. */
import { FEATURE } from "../wire/features.ts";
import { needEvent, USED_ELEMENT_BYTES } from "../wire/ring.ts";
import type { Site } from "../wire/sites.ts";
import type { Chain, Decision, Device, Queue, UsedElement } from "./model.ts";
import type { RingField, Side } from "./moments.ts";
import type { Observer } from "./observer.ts";
import { fieldAt, type RingSite, ringSite, writerOf } from "./ring-sites.ts";
import { walk } from "./walk.ts";

export class RingWatch {
  readonly #observer: Observer;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  write(number: Site, offset: number, value: number): void {
    const known = ringSite(number);
    const queue = this.#observer.queueAt(offset);
    if (known === undefined) return;
    if (queue === undefined) {
      this.#stray(known, offset);
      return;
    }
    const place = fieldAt(queue, offset);
    if (place === undefined) return;
    const { side } = known;
    this.#observer.emit("store", { ...this.#observer.at(queue.device), queue, side, ...place, value });
    if (place.field !== known.field) {
      // In the other side's half it is a breach of its own.
      if (writerOf(place.field) === side) this.#stray(known, offset);
    } else if (side === "driver") this.#driverStored(queue, place.field, value);
    else this.#deviceStored(queue, place.field, value);
  }

  read(number: Site, offset: number, value: number): void {
    const known = ringSite(number);
    if (known === undefined) return;
    const queue = this.#observer.queueAt(offset);
    const place = queue && fieldAt(queue, offset);
    if (queue === undefined || place?.field !== known.field) {
      this.#stray(known, offset);
      return;
    }
    const { side } = known;
    this.#observer.emit("look", { ...this.#observer.at(queue.device), queue, side, ...place, value });
    if (side === "driver") this.#driverLooked(queue, place.field, value);
    else this.#deviceLooked(queue, place.field, value);
  }

  bytes(side: Side, write: boolean, offset: number, length: number): void {
    if (length === 0) return;
    const queue = this.#observer.queueAt(offset);
    const place = queue && fieldAt(queue, offset);
    if (write && queue !== undefined && place !== undefined) {
      this.#observer.emit("store", { ...this.#observer.at(queue.device), queue, side, ...place, value: -1 });
    }
    if (write && side === "driver") this.#forgetUsed(this.#observer.peek.ram.addressOf(offset), length);
    for (const device of this.#observer.devices) {
      this.#observer.emit("bytes", { ...this.#observer.at(device), side, write, offset, length });
      if (side === "device" && write) this.#noteWritten(device, offset, length);
    }
  }

  /** Indirect tables lie outside rings; nothing else that these sites name does. */
  #stray(known: RingSite, offset: number): void {
    if (known.field === "descriptor") return;
    const devices = [...this.#observer.devices];
    const within = (old: Queue): boolean => offset >= old.base && offset < old.base + old.layout.bytes;
    const owner = devices.find(({ retired }) => retired.some(within));
    const device = owner ?? devices.find(({ queues }) => queues.size > 0);
    if (device === undefined) return;
    const { side, label } = known;
    this.#observer.emit("stray", {
      ...this.#observer.at(device),
      side,
      label,
      offset,
      retired: owner !== undefined,
    });
  }

  #driverStored(queue: Queue, field: RingField, value: number): void {
    if (field === "availEntry") queue.entriesWritten = (queue.entriesWritten + 1) & 0xffff;
    else if (field === "availIndex") {
      this.#published(queue, value);
      queue.kick.due = true;
    } else if (field === "availFlags" && (value & 1) === 0) queue.recheckDue = true;
    else if (field === "usedEvent" && ((value - queue.usedIndex) & 0xffff) < queue.size)
      queue.recheckDue = true;
  }

  #deviceStored(queue: Queue, field: RingField, value: number): void {
    if (field === "usedElement") queue.elementsWritten++;
    else if (field === "usedIndex") {
      this.#publishedUsed(queue, value);
      queue.interrupt.due = true;
    }
  }

  #driverLooked(queue: Queue, field: RingField, value: number): void {
    if (field === "usedIndex") {
      queue.recheckDue = false;
      const { isrRead } = queue.device.session;
      if (isrRead !== undefined) isrRead.usedLooked = true;
      this.#publishedUsed(queue, value);
    } else if (field === "usedFlags" || field === "availEvent") {
      decide(queue, queue.kick, field, value, queue.availIndex, queue.entriesWritten !== queue.availIndex);
    }
  }

  #deviceLooked(queue: Queue, field: RingField, value: number): void {
    if (field === "availIndex") {
      queue.kicked = false;
      queue.availLooked = value;
      this.#published(queue, value);
    } else if (field === "availEntry") {
      const chain = queue.outstanding.get(value);
      if (chain !== undefined) chain.taken = true;
    } else if (field === "availFlags" || field === "usedEvent") {
      decide(queue, queue.interrupt, field, value, queue.usedIndex, false);
    }
  }

  /** avail.idx is `index`, as the driver stores it or the device reads it: the second of the two changes nothing. */
  #published(queue: Queue, index: number): void {
    if (index === queue.availIndex) return;
    const { peek } = this.#observer;
    const at = { ...this.#observer.at(queue.device), queue };
    this.#observer.emit("publish", { ...at, index });
    const count = (index - queue.availIndex) & 0xffff;
    const first = queue.availIndex;
    queue.availIndex = index;
    queue.device.session.publishedAny = true;
    if (count > queue.size) return;
    for (let k = 0; k < count; k++) {
      const slot = (first + k) & (queue.size - 1);
      const chain = walk(queue, peek.u16(queue.base + queue.layout.availRing + 2 * slot), peek);
      this.#observer.emit("available", { ...at, chain });
      for (const part of chain.segments) this.#forgetUsed(part.address, part.length);
      queue.outstanding.set(chain.head, chain);
    }
  }

  #publishedUsed(queue: Queue, index: number): void {
    if (index === queue.usedIndex) return;
    const at = { ...this.#observer.at(queue.device), queue };
    this.#observer.emit("publishUsed", { ...at, index });
    const count = (index - queue.usedIndex) & 0xffff;
    const first = queue.usedIndex;
    queue.usedIndex = index;
    if (count > queue.size) return;
    const batch: UsedElement[] = [];
    for (let k = 0; k < count; k++) batch.push(this.#element(queue, first + k));
    batch.forEach((element, place) => {
      this.#observer.emit("used", { ...at, element, batch, at: place });
      queue.outstanding.delete(element.id);
      queue.lastUsed = element;
    });
  }

  #element(queue: Queue, index: number): UsedElement {
    const { peek } = this.#observer;
    const at = queue.base + queue.layout.usedRing + USED_ELEMENT_BYTES * (index & (queue.size - 1));
    const id = peek.u32(at);
    return { id, length: peek.u32(at + 4), chain: queue.outstanding.get(id) };
  }

  /** Memory that is used for something else says nothing about the buffer that it was. */
  #forgetUsed(address: number, length: number): void {
    for (const device of this.#observer.devices) {
      for (const queue of device.queues.values()) {
        const overlaps = queue.lastUsed?.chain?.segments.some(
          (part) => address < part.address + part.length && part.address < address + length,
        );
        if (overlaps) queue.lastUsed = undefined;
      }
    }
  }

  #noteWritten(device: Device, offset: number, length: number): void {
    const address = this.#observer.peek.ram.addressOf(offset);
    for (const queue of device.queues.values()) {
      for (const chain of queue.outstanding.values()) {
        if (chain.taken && covers(chain, address, length)) chain.written += length;
      }
    }
  }
}

const covers = (chain: Chain, address: number, length: number): boolean =>
  chain.segments.some(
    (part) => part.writable && address >= part.address && address + length <= part.address + part.length,
  );

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
