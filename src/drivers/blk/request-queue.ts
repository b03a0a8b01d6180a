/**
 * The request queue of a block device: puts jobs on the virtqueue, in order, as long as there is room, and completes
 * them as buffers come back. Synchronous and callback driven; promises are the façade's (`Disk`).
 */
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import type { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { BLK_HEADER, BLK_STATUS, BLK_TYPE } from "../../wire/blk.ts";
import { CancelledError, refusal } from "../errors.ts";
import { BlkError } from "./blk-error.ts";
import { type Job, type Slot, Slots, STATUS_UNWRITTEN } from "./slots.ts";

/** More than this in flight at once gains nothing: the rest waits its turn. */
const SLOTS_MAX = 1024;

export class RequestQueue {
  /** Longest data segment; more becomes several descriptors. */
  segmentBytes = Number.POSITIVE_INFINITY;
  /** The device broke this queue: whoever owns all of them resets it and cancels. */
  onBroken: (reason: string) => void = (reason) => this.cancel(reason);
  readonly #device: VirtioDevice;
  readonly #queue: DriverQueue<Slot>;
  readonly #slots: Slots;
  readonly #waiting: Job[] = [];
  #stopped: string | undefined;

  constructor(device: VirtioDevice, queue: DriverQueue<Slot>) {
    this.#device = device;
    this.#queue = queue;
    this.#slots = new Slots(device.memory, Math.min(queue.size, SLOTS_MAX));
  }

  get index(): number {
    return this.#queue.index;
  }

  get outstanding(): number {
    return this.#waiting.length + this.#slots.busy.length;
  }

  submit(job: Job): void {
    if (this.#stopped !== undefined) {
      job.done(new CancelledError(this.#stopped), undefined);
      return;
    }
    this.#waiting.push(job);
    if (this.#waiting.length === 1) this.#start();
  }

  /** The interrupt: complete what came back, look again after asking for the next interrupt, refill. */
  completed(): void {
    do {
      this.#queue.disableCallbacks();
      for (let slot = this.#queue.get(); slot !== undefined; slot = this.#queue.get()) this.#complete(slot);
      if (this.#queue.broken !== undefined) break;
    } while (!this.#queue.enableCallbacks());
    if (this.#queue.broken === undefined) this.#start();
    else this.onBroken(this.#queue.broken);
  }

  /** After a reset, when the device owns no buffer any more: gives every request back, once. */
  cancel(reason: string): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    while (this.#queue.detachUnused() !== undefined);
    const jobs = this.#slots.busy.map((slot) => {
      const { job } = slot;
      this.#slots.give(slot);
      return job;
    });
    const cancelled = new CancelledError(reason);
    for (const job of [...jobs, ...this.#waiting.splice(0)]) job?.done(cancelled, undefined);
  }

  /** After `cancel`. */
  destroy(): void {
    this.#slots.destroy();
  }

  /** Adds waiting jobs until something runs out; one kick for all of them. */
  #start(): void {
    while (this.#stopped === undefined) {
      const job = this.#waiting[0];
      const slot = job && this.#slots.take();
      if (job === undefined || slot === undefined) break;
      const problem = this.#add(job, slot);
      if (problem === "full") break;
      this.#waiting.shift();
      if (problem !== undefined) job.done(problem, undefined);
    }
    this.#queue.kick();
  }

  /** Undefined: on its way. "full": wait for buffers to come back. */
  #add(job: Job, slot: Slot): Error | "full" | undefined {
    const data = this.#prepareData(job, slot);
    if (data !== undefined) {
      this.#writeRequest(job, slot, data);
      slot.job = job;
      if (this.#queue.add(slot.list, slot)) return undefined;
    }
    this.#slots.give(slot);
    // With nothing in flight nothing will come back: waiting would be for ever.
    if (this.#queue.inFlight > 0) return "full";
    return refusal(this.#queue, `no guest memory for a request of ${job.bytes} bytes`);
  }

  #prepareData(job: Job, slot: Slot): number | undefined {
    if (job.address >= 0 || job.bytes === 0) return job.address;
    if (!this.#slots.reserveBounce(slot, job.bytes)) return undefined;
    if (job.source !== undefined) this.#device.memory.write(slot.bounce, job.source);
    return slot.bounce;
  }

  #writeRequest(job: Job, slot: Slot, data: number): void {
    const { memory } = this.#device;
    memory.write32(slot.header + BLK_HEADER.type, job.type);
    memory.write32(slot.header + BLK_HEADER.reserved, 0);
    memory.write64(slot.header + BLK_HEADER.sector, job.sector);
    memory.write8(slot.status, STATUS_UNWRITTEN);
    slot.list.clear().addReadable(slot.header, BLK_HEADER.bytes);
    const fromDevice = job.type === BLK_TYPE.IN || job.type === BLK_TYPE.GET_ID;
    addData(slot.list, data, job.bytes, this.segmentBytes, !fromDevice);
    slot.list.addWritable(slot.status, 1);
  }

  #complete(slot: Slot): void {
    const { job } = slot;
    if (job === undefined) throw new Error("a slot came back that was not in flight");
    // The device may still scribble: read once.
    const error = statusError(this.#device.memory.read8(slot.status), job);
    job.done(error, error === undefined ? slot : undefined);
    this.#slots.give(slot);
  }
}

function addData(
  list: ScatterList,
  address: number,
  bytes: number,
  segmentBytes: number,
  out: boolean,
): void {
  for (let done = 0; done < bytes; ) {
    const length = Math.min(bytes - done, segmentBytes);
    if (out) list.addReadable(address + done, length);
    else list.addWritable(address + done, length);
    done += length;
  }
}

function statusError(status: number, job: Job): Error | undefined {
  if (status === BLK_STATUS.OK) return undefined;
  const what = `request type ${job.type}, sector ${job.sector}, ${job.bytes} bytes`;
  if (status === BLK_STATUS.UNSUPP) return new BlkError("UNSUPP", `${what}: not supported`);
  if (status === BLK_STATUS.IOERR) return new BlkError("IOERR", `${what}: I/O error`);
  const found = status === STATUS_UNWRITTEN ? "no status" : `unknown status ${status}`;
  return new BlkError("IOERR", `${what}: ${found}`);
}
