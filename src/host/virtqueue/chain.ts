/**
 * A descriptor chain that the device holds: first the segments it may read, then those it may write. Every segment
 * was checked against RAM when the chain was popped, and its descriptor was read once. Chains belong to their queue
 * and are used again after `push`: keep none beyond it.
 */
import type { Ram } from "../../memory/ram.ts";
import { site } from "../../wire/sites.ts";

const BUFFER = site("device: buffer");

export class Chain {
  /** Descriptor index that identifies the chain in the used ring. */
  readonly head: number;
  /** The queue's epoch while the device holds it, else -1; a chain of an earlier epoch (before a reset) is dead. */
  epoch = -1;
  readableBytes = 0;
  writableBytes = 0;
  /** For the queue: `HeldPages.changes` when the segments were last looked up there. */
  checkedAt = 0;
  private readonly ram: Ram;
  /** Byte offset in RAM of the first segment; where there is but one, the byte counts above tell its length. */
  firstOffset = 0;
  /** Byte offsets in RAM and lengths, where there are several. `private` and not `#private`: see LiveMemory. */
  private readonly offsets: number[] = [];
  private readonly lengths: number[] = [];
  /** How many there are, and how many of them, the first ones, the device may only read. */
  segments = 0;
  readableSegments = 0;

  constructor(ram: Ram, head: number) {
    this.ram = ram;
    this.head = head;
  }

  /** Where in RAM it lies. */
  segmentOffset(index: number): number {
    return index === 0 ? this.firstOffset : (this.offsets[index] ?? 0);
  }
  segmentLength(index: number): number {
    return this.segments === 1 ? this.readableBytes + this.writableBytes : (this.lengths[index] ?? 0);
  }

  /** For the queue: forget the last use. */
  begin(epoch: number): void {
    this.epoch = epoch;
    this.readableBytes = 0;
    this.writableBytes = 0;
    this.segments = 0;
    this.readableSegments = 0;
  }

  /** For the queue: it goes back to the driver. */
  end(): void {
    this.epoch = -1;
  }

  /** For the queue: append a checked segment. False if a readable one follows a writable one [2.7.4.2]. */
  append(offset: number, length: number, writable: boolean): boolean {
    if (!writable && this.segments !== this.readableSegments) return false;
    if (this.segments === 0) this.firstOffset = offset;
    this.offsets[this.segments] = offset;
    this.lengths[this.segments] = length;
    this.segments++;
    if (writable) this.writableBytes += length;
    else {
      this.readableSegments++;
      this.readableBytes += length;
    }
    return true;
  }

  /** Copies from the readable part, starting `skip` bytes in; returns how many bytes there were. */
  read(skip: number, target: Uint8Array): number {
    return this.#copy(0, this.readableSegments, skip, target.length, (offset, done, length) =>
      this.ram.memory.readBytes(offset, target.subarray(done, done + length), BUFFER),
    );
  }

  /** Copies into the writable part, starting `skip` bytes in; returns how many bytes fitted. */
  write(skip: number, source: Uint8Array): number {
    return this.#copy(this.readableSegments, this.segments, skip, source.length, (offset, done, length) =>
      this.ram.memory.writeBytes(offset, source.subarray(done, done + length), BUFFER),
    );
  }

  /** Sets bytes of the writable part; returns how many fitted. */
  fill(skip: number, length: number, value: number): number {
    return this.#copy(this.readableSegments, this.segments, skip, length, (offset, _done, part) =>
      this.ram.memory.fill(offset, part, value, BUFFER),
    );
  }

  /** Windows on the readable part for the engine's I/O calls, from `skip` on, `length` bytes in all at most. */
  readableWindows(skip: number, length: number): Uint8Array[] {
    return this.#windows(0, this.readableSegments, skip, length, "read");
  }

  /** Windows on the writable part for the engine's I/O calls. */
  writableWindows(skip: number, length: number): Uint8Array[] {
    return this.#windows(this.readableSegments, this.segments, skip, length, "write");
  }

  #windows(from: number, to: number, skip: number, length: number, intent: "read" | "write"): Uint8Array[] {
    const windows: Uint8Array[] = [];
    this.#copy(from, to, skip, length, (offset, _done, part) =>
      windows.push(this.ram.memory.window(offset, part, intent, BUFFER)),
    );
    return windows;
  }

  #copy(
    from: number,
    to: number,
    skip: number,
    length: number,
    part: (offset: number, done: number, length: number) => void,
  ): number {
    let done = 0;
    for (let index = from; index < to && done < length; index++) {
      const segment = this.segmentLength(index);
      if (skip >= segment) {
        skip -= segment;
        continue;
      }
      const piece = Math.min(segment - skip, length - done);
      part(this.segmentOffset(index) + skip, done, piece);
      done += piece;
      skip = 0;
    }
    return done;
  }
}
