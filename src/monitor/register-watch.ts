/** The registers' part of the observer: moments of the bus, and what they change in the model. */
import type { FunctionAccess } from "../observe/record/functions.ts";
import { ISR, type LegacyRegister, NO_VECTOR } from "../wire/legacy-registers.ts";
import { PAGE_SIZE } from "../wire/numbers.ts";
import { STATUS } from "../wire/status.ts";
import { type Device, Queue } from "./model.ts";
import type { Observer } from "./observer.ts";
import { PART } from "./rule-book.ts";
import { Session } from "./session.ts";

export class RegisterWatch {
  readonly #observer: Observer;
  readonly #met = new WeakSet<Device>();

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  before(device: Device, access: FunctionAccess): void {
    const observer = this.#observer;
    switch (access.kind) {
      case "pci":
        observer.emit(device, PART.pci, { ...observer.at(device), ...access });
        if (access.write) forgive(device);
        return;
      case "msix":
        return;
      case "odd":
        observer.emit(device, PART.odd, { ...observer.at(device), ...access });
        return;
      case "config":
        observer.emit(device, PART.config, { ...observer.at(device), ...access });
        noteConfig(device, access);
        return;
      case "register":
        this.#meet(device);
        this.#register(device, access.name, access.write, access.value);
    }
  }

  after(device: Device, access: FunctionAccess): void {
    if (access.kind === "pci" && !device.lost) device.page = this.#observer.pageOf(device);
    if (access.kind !== "register" || !access.write) return;
    const reset = access.name === "status" && access.value === 0;
    if (reset) resetDevice(device);
    else if (access.name === "queuePfn") this.#placeQueue(device);
    else return;
    this.#observer.rings.draw(this.#observer.devices);
  }

  #meet(device: Device): void {
    if (this.#met.has(device)) return;
    this.#met.add(device);
    this.#observer.emit(device, PART.met, this.#observer.at(device));
  }

  #register(device: Device, name: LegacyRegister, write: boolean, value: number): void {
    const observer = this.#observer;
    const { view } = device;
    const { peek } = observer;
    if (write && name === "queueNotify") {
      const queue = device.queues.get(value);
      observer.emit(device, PART.kick, { device, view, peek, index: value, queue });
      if (queue !== undefined) noteKick(queue);
      return;
    }
    observer.emit(device, write ? PART.write : PART.read, { device, view, peek, name, value });
    if (!write) noteRead(device, name, value);
    else noteWrite(device, name, value);
    if (write && name === "status" && (value & ~device.status & STATUS.DRIVER_OK) !== 0)
      observer.emit(device, PART.started, observer.at(device));
  }

  /** The PFN register has its new value. */
  #placeQueue(device: Device): void {
    const view = device.view.queue(device.view.select);
    const before = device.queues.get(view.index);
    if (before !== undefined) device.retire(before);
    if (view.layout === undefined || view.pfn === 0) return;
    const base = this.#observer.peek.ram.offsetOf(view.pfn * PAGE_SIZE, view.layout.bytes);
    if (base < 0) return;
    device.queues.set(view.index, new Queue(device, view, view.layout, base));
    for (const other of this.#observer.devices) {
      other.retired = other.retired.filter(
        (old) => old.base >= base + (view.layout?.bytes ?? 0) || old.base + old.layout.bytes <= base,
      );
    }
  }
}

function resetDevice(device: Device): void {
  for (const queue of device.queues.values()) device.retire(queue);
  device.previous = device.session;
  device.session = new Session();
  device.session.resetSeen = false;
  device.resets++;
  device.isr = 0;
  device.isrTaken = 0;
  device.config = [];
}

/** A kick that came while the device slept went nowhere and is said again: whatever the ring said before. */
function forgive(device: Device): void {
  for (const queue of device.queues.values()) queue.kick.denied = false;
}

function noteKick(queue: Queue): void {
  queue.kicked = true;
  queue.kick.due = false;
  queue.kick.wanted = false;
  queue.kick.denied = false;
  queue.kick.before = queue.availIndex;
}

function noteRead(device: Device, name: LegacyRegister, value: number): void {
  const { session } = device;
  if (name === "queueSize") session.sizeReads.add(device.view.select);
  else if (name === "status") session.resetSeen ||= value === 0;
  else if (name === "isr") {
    device.isr = 0;
    device.isrTaken = 0;
    if (value !== 0) session.isrRead = { value, usedLooked: false };
    if ((value & ISR.CONFIG) !== 0) session.configInterrupt = { readBack: new Set() };
  } else if (name === session.vectorDue?.name) {
    const key = name === "configVector" ? "config" : String(device.view.select);
    if (value === NO_VECTOR && session.vectorDue.vector !== NO_VECTOR) session.refused.add(key);
    else {
      session.refused.delete(key);
      if (value === session.vectorDue.vector) session.accepted.set(key, value);
    }
    session.vectorDue = undefined;
  }
}

function noteWrite(device: Device, name: LegacyRegister, value: number): void {
  const { session } = device;
  session.flushVector = false;
  if (name === "guestFeatures") {
    session.featuresWritten = true;
    session.writebackCause = "features";
  } else if (name === "status") {
    session.statusWritten = true;
    session.writebackCause = "status";
  } else if (name === "configVector" || name === "queueVector") {
    const { view } = device;
    const before = name === "configVector" ? view.configVector : view.queue(view.select).vector;
    session.vectorDue = { name, vector: value, before, queue: view.select };
    session.vectorsWritten.add(name === "configVector" ? "config" : String(device.view.select));
    session.flushVector = value === NO_VECTOR;
    device.mapped ||= value !== NO_VECTOR;
  }
}

type ConfigAccess = Extract<FunctionAccess, { kind: "config" }>;

/** Remembers each byte, who gave it its value, and how often it was read. */
function noteConfig(device: Device, { write, offset, width, value }: ConfigAccess): void {
  // Nobody's answer is no value to hold the device to.
  if (!write && value === 2 ** (8 * width) - 1) return;
  for (let byte = 0; byte < width; byte++) {
    const before = device.config[offset + byte];
    if (before?.value !== ((value >>> (8 * byte)) & 0xff)) device.changes++;
    device.config[offset + byte] = {
      value: (value >>> (8 * byte)) & 0xff,
      width,
      msix: device.view.msixEnabled,
      writer: write ? "driver" : "device",
      reads: (before?.reads ?? 0) + (write ? 0 : 1),
      announced: device.announced,
    };
    if (!write) device.session.configInterrupt?.readBack.add(offset + byte);
  }
}
