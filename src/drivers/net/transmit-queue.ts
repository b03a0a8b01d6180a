/**
 * A transmit queue: frames go into guest memory behind a header of their own, in order, as long as there is room;
 * each is done when the device has returned its buffer. Slots are kept, so that steady state allocates nothing.
 */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { encodeNetHeader, type NetHeader } from "../../wire/net.ts";
import { refusal } from "../errors.ts";

export interface Outgoing {
  readonly frame: Uint8Array;
  readonly header: NetHeader;
  done(error?: Error): void;
}

interface Slot {
  readonly list: ScatterList;
  /** Header first, the frame in the next cache line. */
  address: number;
  bytes: number;
  sending: Outgoing | undefined;
}

const HEADER_ROOM_BYTES = 64;
const SLOT_BYTES_MIN = 2048;
/** Larger buffers are given back after use. */
const KEEP_BYTES = 4096;
const SLOTS_MAX = 512;

export class TransmitQueue {
  readonly #memory: GuestMemory;
  readonly #queue: DriverQueue<Slot>;
  readonly #header: Uint8Array;
  readonly #slots: readonly Slot[];
  readonly #free: Slot[];
  readonly #waiting: Outgoing[] = [];
  #held: boolean;

  /** A queue that is held sends nothing before `start`. */
  constructor(
    memory: GuestMemory,
    queue: DriverQueue<Slot>,
    headerBytes: number,
    { held = false }: { readonly held?: boolean } = {},
  ) {
    this.#held = held;
    this.#memory = memory;
    this.#queue = queue;
    this.#header = new Uint8Array(headerBytes);
    this.#slots = Array.from({ length: Math.min(queue.size, SLOTS_MAX) }, newSlot);
    this.#free = [...this.#slots];
  }

  get outstanding(): number {
    return this.#waiting.length + this.#slots.length - this.#free.length;
  }

  send(outgoing: Outgoing): void {
    this.#waiting.push(outgoing);
    if (this.#waiting.length === 1 && !this.#held) this.#sendWaiting();
  }

  start(): void {
    this.#held = false;
    this.#sendWaiting();
  }

  /** The interrupt: whatever came back is done. The next one may wait until most of the rest has come back. */
  completed(): void {
    do {
      this.#queue.disableCallbacks();
      for (let slot = this.#queue.get(); slot !== undefined; slot = this.#queue.get()) this.#finish(slot);
    } while (this.#queue.broken === undefined && !this.#queue.enableCallbacksDelayed());
    if (this.#queue.broken === undefined) this.#sendWaiting();
  }

  get broken(): string | undefined {
    return this.#queue.broken;
  }

  /** After a reset: everything unfinished ends with the error, once. */
  cancel(error: Error): void {
    while (this.#queue.detachUnused() !== undefined);
    const unfinished = this.#slots.flatMap(({ sending }) => sending ?? []);
    for (const slot of this.#slots) this.#release(slot, 0);
    for (const outgoing of [...unfinished, ...this.#waiting.splice(0)]) outgoing.done(error);
  }

  #sendWaiting(): void {
    for (;;) {
      const next = this.#waiting[0];
      const slot = next && this.#free.pop();
      if (next === undefined || slot === undefined) break;
      if (!this.#add(next, slot)) {
        this.#free.push(slot);
        if (this.#queue.inFlight > 0) break;
        // Nothing is on its way, so nothing would ever make room.
        next.done(refusal(this.#queue, `no guest memory for a frame of ${next.frame.length} bytes`));
      }
      this.#waiting.shift();
    }
    this.#queue.kick();
  }

  #add(outgoing: Outgoing, slot: Slot): boolean {
    const { frame, header } = outgoing;
    if (!this.#reserve(slot, HEADER_ROOM_BYTES + frame.length)) return false;
    encodeNetHeader(this.#header, header, 0);
    const headerBytes = this.#header.length;
    const separate = this.#queue.size > 1;
    const at = slot.address + (separate ? 0 : HEADER_ROOM_BYTES - headerBytes);
    this.#memory.write(at, this.#header);
    this.#memory.write(slot.address + HEADER_ROOM_BYTES, frame);
    slot.list.clear();
    if (separate) {
      slot.list.addReadable(at, headerBytes).addReadable(slot.address + HEADER_ROOM_BYTES, frame.length);
    } else slot.list.addReadable(at, headerBytes + frame.length);
    if (!this.#queue.add(slot.list, slot)) return false;
    slot.sending = outgoing;
    return true;
  }

  #finish(slot: Slot): void {
    const { sending } = slot;
    this.#release(slot, KEEP_BYTES);
    this.#free.push(slot);
    sending?.done();
  }

  #reserve(slot: Slot, bytes: number): boolean {
    if (slot.bytes >= bytes) return true;
    this.#release(slot, 0);
    const wanted = Math.max(SLOT_BYTES_MIN, bytes);
    const address = this.#memory.allocate(wanted);
    if (address === undefined) return false;
    slot.address = address;
    slot.bytes = wanted;
    return true;
  }

  #release(slot: Slot, keepBytes: number): void {
    slot.sending = undefined;
    if (slot.bytes <= keepBytes) return;
    if (slot.bytes > 0) this.#memory.free(slot.address, slot.bytes);
    slot.bytes = 0;
  }
}

const newSlot = (): Slot => ({ list: new ScatterList(), address: 0, bytes: 0, sending: undefined });
