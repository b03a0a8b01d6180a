/**
 * Request slots: each has its header and status byte in guest memory, its scatter list, and a bounce buffer that is
 * kept from request to request. So a request in steady state allocates no guest memory.
 */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import { ProbeError } from "../../guest/probe-error.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { BLK_HEADER } from "../../wire/blk.ts";

/** Header and status together fill a cache line of their own. */
const SLOT_BYTES = 64;
const STATUS_OFFSET = BLK_HEADER.bytes;
/** No device answers this: the status byte was never written. */
export const STATUS_UNWRITTEN = 0xff;
/** Larger bounce buffers are given back after use. */
const BOUNCE_KEEP_BYTES = 65_536;

/** One block request, from its caller to its completion. */
export interface Job {
  readonly type: number;
  readonly sector: number;
  /** Where the data is, or -1: in a bounce buffer. */
  readonly address: number;
  readonly bytes: number;
  /** Written through the bounce buffer. */
  readonly source?: Uint8Array;
  /** `slot` still holds the data; undefined where there is an error. */
  done(error: Error | undefined, slot: Slot | undefined): void;
}

export interface Slot {
  readonly header: number;
  readonly status: number;
  readonly list: ScatterList;
  bounce: number;
  bounceBytes: number;
  job: Job | undefined;
}

export class Slots {
  readonly #memory: GuestMemory;
  readonly #base: number;
  readonly #all: readonly Slot[];
  readonly #free: Slot[];

  constructor(memory: GuestMemory, count: number) {
    const base = memory.allocate(count * SLOT_BYTES);
    if (base === undefined) throw new ProbeError("ENOMEM", `no guest memory for ${count} request slots`);
    this.#memory = memory;
    this.#base = base;
    this.#all = Array.from({ length: count }, (_, index) => newSlot(base + index * SLOT_BYTES));
    this.#free = [...this.#all];
  }

  take(): Slot | undefined {
    return this.#free.pop();
  }

  give(slot: Slot): void {
    slot.job = undefined;
    if (slot.bounceBytes > BOUNCE_KEEP_BYTES) this.#freeBounce(slot);
    this.#free.push(slot);
  }

  /** Slots with a request in flight. */
  get busy(): readonly Slot[] {
    return this.#all.filter(({ job }) => job !== undefined);
  }

  /** Makes the slot's bounce buffer large enough. False: no guest memory. */
  reserveBounce(slot: Slot, bytes: number): boolean {
    if (slot.bounceBytes >= bytes) return true;
    this.#freeBounce(slot);
    const address = this.#memory.allocate(bytes);
    if (address === undefined) return false;
    slot.bounce = address;
    slot.bounceBytes = bytes;
    return true;
  }

  destroy(): void {
    for (const slot of this.#all) this.#freeBounce(slot);
    this.#memory.free(this.#base, this.#all.length * SLOT_BYTES);
  }

  #freeBounce(slot: Slot): void {
    if (slot.bounceBytes > 0) this.#memory.free(slot.bounce, slot.bounceBytes);
    slot.bounceBytes = 0;
  }
}

const newSlot = (header: number): Slot => ({
  header,
  status: header + STATUS_OFFSET,
  list: new ScatterList(),
  bounce: 0,
  bounceBytes: 0,
  job: undefined,
});
