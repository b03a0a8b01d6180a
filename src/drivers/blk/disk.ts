/** A block device for people: sectors of 512 bytes in and out, as promises. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { BLK_ID_BYTES, BLK_TYPE } from "../../wire/blk.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import type { RequestQueue } from "./request-queue.ts";

export interface DiskFacts {
  readonly capacitySectors: number;
  readonly readOnly: boolean;
  readonly blockSize: number;
  /** False: every write is stable when it completes. */
  readonly needsFlush: boolean;
  /** Data segments of one request, and bytes of each. */
  readonly segmentsMax: number;
  readonly segmentBytesMax: number;
}

export class Disk {
  /** May change while the machine runs. */
  capacitySectors: number;
  readonly readOnly: boolean;
  /** What the device likes best, in bytes; requests count in sectors all the same. */
  readonly blockSize: number;
  readonly #memory: GuestMemory;
  readonly #device: VirtioDevice;
  readonly #requests: RequestQueue;
  readonly #facts: DiskFacts;

  constructor(device: VirtioDevice, requests: RequestQueue, facts: DiskFacts) {
    this.capacitySectors = facts.capacitySectors;
    this.readOnly = facts.readOnly;
    this.blockSize = facts.blockSize;
    this.#memory = device.memory;
    this.#device = device;
    this.#requests = requests;
    this.#facts = facts;
    this.segmentBytes = facts.segmentBytesMax;
  }

  /** Longest data segment: a smaller one makes longer descriptor chains of the same request. */
  get segmentBytes(): number {
    return this.#requests.segmentBytes;
  }
  set segmentBytes(bytes: number) {
    if (bytes < 1) throw new RangeError(`a segment of ${bytes} bytes`);
    this.#requests.segmentBytes = Math.min(bytes, this.#facts.segmentBytesMax);
  }

  /** Requests submitted and not yet completed. */
  get outstanding(): number {
    return this.#requests.outstanding;
  }

  /** Most data bytes of one request. */
  get requestBytesMax(): number {
    return this.#facts.segmentsMax * this.segmentBytes;
  }

  read(sector: number, count: number): Promise<Uint8Array> {
    return this.#fetch(BLK_TYPE.IN, sector, count * SECTOR_SIZE);
  }

  /** Straight into guest memory at `address`. */
  readInto(sector: number, count: number, address: number): Promise<void> {
    return this.#transfer(BLK_TYPE.IN, sector, address, count * SECTOR_SIZE);
  }

  write(sector: number, data: Uint8Array): Promise<void> {
    return this.#transfer(BLK_TYPE.OUT, sector, -1, data.length, data);
  }

  /** Straight from guest memory at `address`. */
  writeFrom(sector: number, count: number, address: number): Promise<void> {
    return this.#transfer(BLK_TYPE.OUT, sector, address, count * SECTOR_SIZE);
  }

  /** Resolves when everything written before is stable. */
  flush(): Promise<void> {
    return this.#facts.needsFlush ? this.#transfer(BLK_TYPE.FLUSH, 0, -1, 0) : Promise.resolve();
  }

  /** The device's serial number. */
  async id(): Promise<string> {
    const bytes = await this.#fetch(BLK_TYPE.GET_ID, 0, BLK_ID_BYTES);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  }

  /** For the driver: the device goes away. Every request in flight ends with `CancelledError`. */
  remove(): void {
    this.#requests.stop("the disk was removed");
    this.#device.transport.deleteQueues();
    this.#requests.destroy();
  }

  #fetch(type: number, sector: number, bytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#submit(type, sector, -1, bytes, undefined, (error, bounce) => {
        if (error !== undefined) return reject(error);
        const data = new Uint8Array(bytes);
        this.#memory.read(bounce, data);
        resolve(data);
      });
    });
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
    const problem = this.#check(type, bytes);
    if (problem !== undefined) {
      finish(problem, 0);
      return;
    }
    this.#requests.submit({
      type,
      sector,
      address,
      bytes,
      ...(source && { source }),
      done: (error, slot) => finish(error, slot?.bounce ?? 0),
    });
  }

  /** The caller's mistakes, before the device has to answer for them. What lies past the end it answers itself. */
  #check(type: number, bytes: number): Error | undefined {
    if (type !== BLK_TYPE.IN && type !== BLK_TYPE.OUT) return undefined;
    if (bytes <= 0 || bytes % SECTOR_SIZE !== 0)
      return new RangeError(`${bytes} bytes are not whole sectors`);
    if (bytes > this.requestBytesMax) {
      return new RangeError(`${bytes} bytes in one request, at most ${this.requestBytesMax}`);
    }
    return undefined;
  }
}
