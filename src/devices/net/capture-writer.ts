/**
 * Records frames into a pcapng file that Wireshark opens: one interface, time stamps in nanoseconds, and for each
 * frame whether the driver sent it (outbound) or received it (inbound). Written in large pieces: frames are copied
 * when they pass, so that nobody waits for the file.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { putU16, putU32 } from "../../wire/bytes.ts";
import { alignUp } from "../../wire/numbers.ts";
import { BLOCK, BYTE_ORDER_MAGIC, DIRECTION, LINK_TYPE_ETHERNET, OPTION } from "./capture-format.ts";

const BUFFER_BYTES = 1 << 18;
const SECTION_BYTES = 28;
/** An enhanced packet block without its frame: fields, flags, end of options, lengths. */
const PACKET_FIELDS_BYTES = 28;
const PACKET_OPTIONS_BYTES = 12;
const NANOSECONDS = 9;

export class CaptureWriter {
  frames = 0;
  /** Frames that could not be written any more: the file cannot be written to. */
  lost = 0;
  /** Hears, once, why nothing can be written any more. */
  onFailure: (message: string) => void = () => {};
  readonly #path: string;
  readonly #now: () => bigint;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #fd: number;
  #used = 0;
  /** Frames in the buffer. */
  #pending = 0;

  /** Makes the file, and throws the system's error if that cannot be. `now` is in nanoseconds since 1970. */
  constructor(path: string, interfaceName: string, now: () => bigint) {
    this.#path = path;
    this.#now = now;
    this.#fd = openSync(path, "w");
    this.#section();
    this.#interface(interfaceName);
  }

  record(frame: Uint8Array, direction: keyof typeof DIRECTION): void {
    const padded = alignUp(frame.length, 4);
    const bytes = PACKET_FIELDS_BYTES + padded + PACKET_OPTIONS_BYTES + 4;
    const at = this.#reserve(bytes);
    if (at < 0) {
      this.lost++;
      return;
    }
    const time = this.#now();
    const options = at + PACKET_FIELDS_BYTES + padded;
    const buffer = this.#buffer;
    putU32(buffer, at, BLOCK.enhancedPacket);
    putU32(buffer, at + 4, bytes);
    putU32(buffer, at + 8, 0);
    putU32(buffer, at + 12, Number(time >> 32n));
    putU32(buffer, at + 16, Number(time & 0xffff_ffffn));
    putU32(buffer, at + 20, frame.length);
    putU32(buffer, at + 24, frame.length);
    buffer.set(frame, at + PACKET_FIELDS_BYTES);
    buffer.fill(0, at + PACKET_FIELDS_BYTES + frame.length, options);
    putU16(buffer, options, OPTION.flags);
    putU16(buffer, options + 2, 4);
    putU32(buffer, options + 4, DIRECTION[direction]);
    putU32(buffer, options + 8, OPTION.end);
    putU32(buffer, at + bytes - 4, bytes);
    this.frames++;
    this.#pending++;
  }

  close(): void {
    this.#write();
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #section(): void {
    const at = this.#reserve(SECTION_BYTES);
    putU32(this.#buffer, at, BLOCK.section);
    putU32(this.#buffer, at + 4, SECTION_BYTES);
    putU32(this.#buffer, at + 8, BYTE_ORDER_MAGIC);
    putU32(this.#buffer, at + 12, 1);
    // Section length: not given.
    this.#buffer.fill(0xff, at + 16, at + 24);
    putU32(this.#buffer, at + 24, SECTION_BYTES);
  }

  #interface(interfaceName: string): void {
    const name = new TextEncoder().encode(interfaceName);
    const padded = alignUp(name.length, 4);
    const bytes = 16 + 4 + padded + 8 + 4 + 4;
    const at = this.#reserve(bytes);
    const resolution = at + 20 + padded;
    const buffer = this.#buffer;
    putU32(buffer, at, BLOCK.interface);
    putU32(buffer, at + 4, bytes);
    putU32(buffer, at + 8, LINK_TYPE_ETHERNET);
    putU32(buffer, at + 12, 0);
    putU16(buffer, at + 16, OPTION.interfaceName);
    putU16(buffer, at + 18, name.length);
    buffer.set(name, at + 20);
    putU16(buffer, resolution, OPTION.timeResolution);
    putU16(buffer, resolution + 2, 1);
    putU32(buffer, resolution + 4, NANOSECONDS);
    putU32(buffer, resolution + 8, OPTION.end);
    putU32(buffer, at + bytes - 4, bytes);
  }

  /** Where so many bytes go in the buffer, or -1: nothing can be written any more. */
  #reserve(bytes: number): number {
    if (this.#used + bytes > BUFFER_BYTES) this.#write();
    if (this.#fd < 0) return -1;
    const at = this.#used;
    this.#used += bytes;
    return at;
  }

  #write(): void {
    try {
      for (let done = 0; done < this.#used && this.#fd >= 0; ) {
        done += writeSync(this.#fd, this.#buffer, done, this.#used - done);
      }
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#used = 0;
    this.#pending = 0;
  }

  /** A full disk, say: the recording ends here, the device goes on. */
  #fail(error: Error): void {
    this.lost += this.#pending;
    this.frames -= this.#pending;
    closeSync(this.#fd);
    this.#fd = -1;
    this.onFailure(`record=${this.#path}: ${error.message}; recording ends after ${this.frames} frames`);
  }
}
