/** A block device for people: sectors of 512 bytes in and out, as promises. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { BLK_ID_BYTES, BLK_SEGMENT, BLK_TYPE } from "../../wire/blk.ts";
import { putU32, putU64 } from "../../wire/bytes.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { notBytes, notWhole, shown, whole } from "../arguments.ts";
import { BlkError } from "./blk-error.ts";
import { type DiskFacts, writeWriteback } from "./facts.ts";
import type { RequestQueue } from "./request-queue.ts";

/** In place of an address: the data pass through a buffer of the driver's. */
const BOUNCE = -1;

export class Disk {
  /** May change while the machine runs. */
  capacitySectors: number;
  readonly facts: DiskFacts;
  readonly #memory: GuestMemory;
  readonly #device: VirtioDevice;
  #queues: readonly RequestQueue[];
  #segmentBytes: number;
  #writeback: boolean;
  #turn = 0;
  #gone = false;

  constructor(device: VirtioDevice, queues: readonly RequestQueue[], facts: DiskFacts, writeback: boolean) {
    this.capacitySectors = facts.capacitySectors;
    this.facts = facts;
    this.#memory = device.memory;
    this.#device = device;
    this.#queues = queues;
    this.#writeback = writeback;
    this.#segmentBytes = facts.segmentBytesMax;
    for (const queue of queues) {
      queue.segmentBytes = facts.segmentBytesMax;
      queue.onBroken = (reason) => this.cancel(reason);
    }
  }

  get readOnly(): boolean {
    return this.facts.readOnly;
  }
  get blockSize(): number {
    return this.facts.blockSize;
  }

  /** Longest data segment: a smaller one makes longer descriptor chains of the same request. */
  get segmentBytes(): number {
    return this.#segmentBytes;
  }
  set segmentBytes(bytes: number) {
    // Infinity: as long as the device allows, which may be without bound.
    if (bytes !== Number.POSITIVE_INFINITY) whole("segmentBytes", bytes, 1, Number.MAX_SAFE_INTEGER);
    this.#segmentBytes = Math.min(bytes, this.facts.segmentBytesMax);
    for (const queue of this.#queues) queue.segmentBytes = this.#segmentBytes;
  }

  /** Requests submitted and not yet completed. */
  get outstanding(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.outstanding, 0);
  }

  /** Most data bytes of one request. */
  get requestBytesMax(): number {
    return this.facts.segmentsMax * this.segmentBytes;
  }

  read(sector: number, count: number): Promise<Uint8Array> {
    const problem = this.#badRange(sector, count);
    return problem === undefined
      ? this.#fetch(BLK_TYPE.IN, sector, count * SECTOR_SIZE)
      : Promise.reject(problem);
  }

  /** Straight into guest memory at `address`. */
  readInto(sector: number, count: number, address: number): Promise<void> {
    return this.#direct(BLK_TYPE.IN, sector, count, address);
  }

  write(sector: number, data: Uint8Array): Promise<void> {
    const problem =
      notBytes("data", data) ?? partOfSector(data) ?? this.#badRange(sector, data.length / SECTOR_SIZE);
    if (problem !== undefined) return Promise.reject(problem);
    return this.#transfer(BLK_TYPE.OUT, sector, BOUNCE, data.length, data);
  }

  /** Straight from guest memory at `address`. */
  writeFrom(sector: number, count: number, address: number): Promise<void> {
    return this.#direct(BLK_TYPE.OUT, sector, count, address);
  }

  /** Resolves when everything that was written before, whatever the queue, is stable. */
  flush(): Promise<void> {
    const needed = this.facts.canFlush && this.#writeback;
    return needed ? this.#transfer(BLK_TYPE.FLUSH, 0, BOUNCE, 0) : Promise.resolve();
  }

  /** False: every write is stable when it completes. */
  get writeback(): boolean {
    return this.#writeback;
  }

  /** Switches the device's write cache; what was written before is flushed first. */
  async setWriteback(writeback: boolean): Promise<void> {
    if (!this.facts.canSetCache) throw new BlkError("UNSUPP", "the device's write cache cannot be switched");
    if (!writeback) await this.flush();
    writeWriteback(this.#device, writeback);
    this.#writeback = writeback;
  }

  /** The sectors' contents are of no use any more; what they read as is the device's choice. */
  discard(sector: number, count: number): Promise<void> {
    return this.#eraseAll(BLK_TYPE.DISCARD, this.facts.discardSectorsMax, { sector, count, flags: 0 });
  }

  /** The sectors read as zeros. With `unmap` the device may give their storage back. */
  writeZeroes(sector: number, count: number, options: { unmap?: boolean } = {}): Promise<void> {
    const flags = options.unmap ? BLK_SEGMENT.flagUnmap : 0;
    return this.#eraseAll(BLK_TYPE.WRITE_ZEROES, this.facts.writeZeroesSectorsMax, { sector, count, flags });
  }

  /** The device's serial number. */
  async id(): Promise<string> {
    const bytes = await this.#fetch(BLK_TYPE.GET_ID, 0, BLK_ID_BYTES);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  }

  /** For the driver: the device goes away. Every request in flight ends with `CancelledError`. */
  remove(): void {
    this.cancel("the disk was removed");
    this.#device.transport.deleteQueues();
    for (const queue of this.#queues) queue.destroy();
  }

  /** For the driver: another CPU has these queues now. */
  gaveAway(queues: readonly number[]): void {
    for (const queue of this.#queues) if (queues.includes(queue.index)) queue.destroy();
    this.#queues = this.#queues.filter(({ index }) => !queues.includes(index));
    this.#turn = 0;
  }

  /**
   * For the driver. Resets the device, which then owns no buffer any more, and gives every request back as cancelled.
   * Of a part of a device, that comes when CPU 0 has reset it.
   */
  cancel(reason: string): void {
    if (this.#gone || this.#device.transport.askForReset?.()) return;
    this.#gone = true;
    this.#device.transport.reset();
    for (const queue of this.#queues) queue.cancel(reason);
  }

  /** In requests of one range each, as long as the device allows. */
  async #eraseAll(type: number, most: number, range: { sector: number; count: number; flags: number }) {
    if (most === 0) throw new BlkError("UNSUPP", `request type ${type}: the device does not offer it`);
    whole("sector", range.sector, 0, Number.MAX_SAFE_INTEGER);
    whole("count", range.count, 1, Number.MAX_SAFE_INTEGER - range.sector);
    const requests: Promise<void>[] = [];
    for (let done = 0; done < range.count; done += most) {
      const bytes = new Uint8Array(BLK_SEGMENT.bytes);
      putU64(bytes, BLK_SEGMENT.sector, range.sector + done);
      putU32(bytes, BLK_SEGMENT.sectors, Math.min(most, range.count - done));
      putU32(bytes, BLK_SEGMENT.flags, range.flags);
      requests.push(this.#transfer(type, 0, BOUNCE, bytes.length, bytes));
    }
    await Promise.all(requests);
  }

  #fetch(type: number, sector: number, bytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#submit(type, sector, BOUNCE, bytes, undefined, (error, bounce) => {
        if (error !== undefined) return reject(error);
        const data = new Uint8Array(bytes);
        this.#memory.read(bounce, data);
        resolve(data);
      });
    });
  }

  #direct(type: number, sector: number, count: number, address: number): Promise<void> {
    const bytes = count * SECTOR_SIZE;
    const problem = this.#badRange(sector, count) ?? this.#badAddress(address, bytes);
    return problem === undefined ? this.#transfer(type, sector, address, bytes) : Promise.reject(problem);
  }

  /** The caller's mistakes, before the device has to answer for them. What lies past the end it answers itself. */
  #badRange(sector: number, count: number): Error | undefined {
    return (
      notWhole("sector", sector, 0, Number.MAX_SAFE_INTEGER) ??
      notWhole("count", count, 1, Math.floor(this.requestBytesMax / SECTOR_SIZE))
    );
  }

  #badAddress(address: number, bytes: number): Error | undefined {
    if (Number.isSafeInteger(address) && this.#memory.ram.offsetOf(address, bytes) >= 0) return undefined;
    return new RangeError(`address: expected that of ${bytes} bytes of guest RAM, got ${shown(address)}`);
  }

  #transfer(
    type: number,
    sector: number,
    address: number,
    bytes: number,
    source?: Uint8Array,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#submit(type, sector, address, bytes, source, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  #submit(
    type: number,
    sector: number,
    address: number,
    bytes: number,
    source: Uint8Array | undefined,
    finish: (error: Error | undefined, bounce: number) => void,
  ): void {
    this.#nextQueue().submit({
      type,
      sector,
      address,
      bytes,
      ...(source && { source }),
      done: (error, slot) => finish(error, slot?.bounce ?? 0),
    });
  }

  /** Requests take the queues in turn. */
  #nextQueue(): RequestQueue {
    const queue = this.#queues[this.#turn];
    if (queue === undefined) throw new Error("a disk has at least one queue");
    this.#turn = (this.#turn + 1) % this.#queues.length;
    return queue;
  }
}

function partOfSector({ length }: Uint8Array): Error | undefined {
  return length % SECTOR_SIZE === 0 ? undefined : new RangeError(`${length} bytes are not whole sectors`);
}
