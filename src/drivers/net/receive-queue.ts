/**
 * A receive queue: keeps the device supplied with buffers and puts frames together that span several. Frames nobody
 * wants yet stay in the ring, so that the device, and the network behind it, feels it.
 */
import { ProbeError } from "../../guest/probe-error.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { completeChecksum } from "../../wire/inet.ts";
import {
  decodeNetHeader,
  FRAME_BYTES_MAX,
  GSO,
  NET_HEADER_FLAG,
  type NetHeader,
  netHeaderBuffers,
  PLAIN,
} from "../../wire/net.ts";

/** Where frames go. */
export interface FrameSink {
  /** Whether a frame would be taken now; when that becomes true, it calls `collect`. */
  readonly wantsFrames: boolean;
  /** The bytes are good until it returns. */
  frame(frame: Uint8Array, header: NetHeader): void;
  /** A frame came that makes no sense, and was given up. */
  badFrame(): void;
  /** The device broke the ring. */
  broken(reason: string): void;
}

export interface ReceiveFormat {
  /** 10, or 12 where frames may span buffers. */
  readonly headerBytes: number;
  /** For header and frame together. */
  readonly bufferBytes: number;
}

interface Buffer {
  readonly address: number;
  readonly list: ScatterList;
}

/** In a buffer of two segments the header has a cache line of its own. */
const HEADER_ROOM_BYTES = 64;
const BUFFERS_MAX = 512;
/** One receive queue's share of guest memory. */
const MEMORY_SHARE = 8;

export class ReceiveQueue {
  readonly #device: VirtioDevice;
  readonly #queue: DriverQueue<Buffer>;
  readonly #format: ReceiveFormat;
  readonly #sink: FrameSink;
  readonly #mergeable: boolean;
  readonly #buffers: Buffer[] = [];
  readonly #header = new Uint8Array(12);
  /** The frame that is being put together. */
  #frame = new Uint8Array(2048);
  #collecting = false;

  constructor(device: VirtioDevice, queue: DriverQueue<Buffer>, format: ReceiveFormat, sink: FrameSink) {
    this.#device = device;
    this.#queue = queue;
    this.#format = format;
    this.#sink = sink;
    this.#mergeable = format.headerBytes === 12;
  }

  get buffers(): number {
    return this.#buffers.length;
  }

  /** Gives the device as many buffers as ring and memory allow; does nothing if it has them. */
  fill(): void {
    const { memory } = this.#device;
    const count = Math.min(
      BUFFERS_MAX,
      this.#queue.size,
      Math.floor(memory.ram.size / MEMORY_SHARE / this.#bytes),
    );
    if (this.#buffers.length > 0) return;
    while (this.#buffers.length < Math.max(1, count)) {
      const address = memory.allocate(this.#bytes);
      if (address === undefined) break;
      const buffer = { address, list: this.#layOut(address) };
      if (!this.#queue.add(buffer.list, buffer)) {
        memory.free(address, this.#bytes);
        break;
      }
      this.#buffers.push(buffer);
    }
    if (this.#buffers.length === 0) throw new ProbeError("ENOMEM", "no guest memory for receive buffers");
    this.#queue.kick();
  }

  /** The interrupt, or somebody wants frames again: take them until there are none, give the buffers back. */
  collect(): void {
    if (this.#collecting) return;
    this.#collecting = true;
    try {
      do {
        this.#queue.disableCallbacks();
        while (this.#sink.wantsFrames && this.#takeFrame());
        this.#queue.kick();
      } while (this.#sink.wantsFrames && this.#queue.broken === undefined && !this.#queue.enableCallbacks());
    } finally {
      this.#collecting = false;
    }
    if (this.#queue.broken !== undefined) this.#sink.broken(this.#queue.broken);
  }

  /** After a reset: the device owns no buffer any more. */
  destroy(): void {
    while (this.#queue.detachUnused() !== undefined);
    for (const { address } of this.#buffers.splice(0)) this.#device.memory.free(address, this.#bytes);
  }

  get #bytes(): number {
    return this.#separateHeader ? HEADER_ROOM_BYTES + this.#frameRoom : this.#format.bufferBytes;
  }
  get #frameRoom(): number {
    return this.#format.bufferBytes - this.#format.headerBytes;
  }
  /** Legacy devices want the header in its own segment, mergeable buffers apart; one descriptor cannot do that. */
  get #separateHeader(): boolean {
    return !this.#mergeable && this.#queue.size > 1;
  }

  #layOut(address: number): ScatterList {
    const { headerBytes, bufferBytes } = this.#format;
    const list = new ScatterList();
    if (!this.#separateHeader) return list.addWritable(address, bufferBytes);
    return list.addWritable(address, headerBytes).addWritable(address + HEADER_ROOM_BYTES, this.#frameRoom);
  }

  /** False: there is none. */
  #takeFrame(): boolean {
    const buffer = this.#queue.get();
    if (buffer === undefined) return false;
    const { headerBytes } = this.#format;
    this.#device.memory.read(buffer.address, this.#header.subarray(0, headerBytes));
    const header = decodeNetHeader(this.#header);
    const count = this.#mergeable ? netHeaderBuffers(this.#header) : 1;
    const length = this.#join(buffer, count);
    if (length < 0) return this.#queue.broken === undefined;
    const frame = this.#frame.subarray(0, length);
    if (length === 0 || !hasValidChecksum(header, length)) this.#sink.badFrame();
    else this.#sink.frame(frame, finish(frame, header));
    return true;
  }

  /** Copies the frame together, and gives its buffers back to the ring; -1: it made no sense. */
  #join(first: Buffer, count: number): number {
    let length = this.#take(first, 0, true);
    if (count < 1 || count > this.#queue.size) {
      this.#queue.break(`${this.#queue.name}: a frame in ${count} buffers`);
      return -1;
    }
    for (let index = 1; index < count; index++) {
      // All buffers of a frame are there at once [5.1.6.4].
      const next = this.#queue.get();
      if (next === undefined) {
        this.#queue.break(`${this.#queue.name}: ${index} buffers of a frame of ${count}`);
        return -1;
      }
      const total = this.#take(next, length, false);
      if (length >= 0) length = total;
    }
    if (length < 0) this.#sink.badFrame();
    return length;
  }

  /** One buffer's bytes to behind `length` others; the new length, or -1. */
  #take(buffer: Buffer, length: number, hasHeader: boolean): number {
    const { headerBytes } = this.#format;
    const skip = hasHeader ? headerBytes : 0;
    const bytes = this.#queue.lastLength - skip;
    const total = length + bytes;
    const good = length >= 0 && bytes >= 0 && total <= FRAME_BYTES_MAX;
    if (good) {
      this.#reserve(total);
      const from = buffer.address + (hasHeader && this.#separateHeader ? HEADER_ROOM_BYTES : skip);
      this.#device.memory.read(from, this.#frame.subarray(length, total));
    }
    this.#queue.add(buffer.list, buffer);
    return good ? total : -1;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#frame.length) return;
    const grown = new Uint8Array(FRAME_BYTES_MAX);
    grown.set(this.#frame);
    this.#frame = grown;
  }
}

const needsChecksum = ({ flags }: NetHeader): boolean => (flags & NET_HEADER_FLAG.NEEDS_CSUM) !== 0;

const hasValidChecksum = (header: NetHeader, length: number): boolean =>
  !needsChecksum(header) || header.csumStart + header.csumOffset + 2 <= length;

/** Does what the sender left to us: people get frames with checksums that are right. */
function finish(frame: Uint8Array, header: NetHeader): NetHeader {
  if (!needsChecksum(header)) return header;
  completeChecksum(frame, header.csumStart, header.csumOffset);
  return header.gsoType === GSO.NONE ? PLAIN : { ...header, flags: 0 };
}
