/**
 * One receive queue: puts frames into the driver's buffers, one each, or with MRG_RXBUF as many as a frame needs,
 * shown to the driver all at once [5.1.6.4].
 *
 * Buffers that do not suffice yet are kept, not counted: so "is there more?" is asked of avail.idx alone. A device
 * that asks "is there enough now?" after arming can sleep beside a ring full of buffers, as QEMU's did for 14 years.
 */
import type { Chain, DeviceContext, DeviceQueue } from "../../host/index.ts";
import { hasFeature } from "../../wire/features.ts";
import { encodeNetHeader, NET_FEATURE, netHeaderBytes } from "../../wire/net.ts";
import type { Packet } from "./backend.ts";

export class Receiver {
  #queue: DeviceQueue | undefined;
  /** Taken from the ring for a frame to come. */
  #held: Chain[] = [];
  #heldBytes = 0;
  readonly #header = { 10: new Uint8Array(10), 12: new Uint8Array(12) };

  /**
   * "done": written, and shown to the driver by the next flush. "wait": there is no room, and the driver was asked
   * for a kick. "never": no buffers that this queue can hold are enough.
   */
  put(queue: DeviceQueue, packet: Packet, context: DeviceContext): "done" | "wait" | "never" {
    if (queue !== this.#queue) this.#adopt(queue);
    const mergeable = hasFeature(context.features, NET_FEATURE.MRG_RXBUF);
    const headerBytes = netHeaderBytes(context.features);
    const needed = headerBytes + packet.frame.length;
    while (this.#held.length === 0 || (mergeable && this.#heldBytes < needed)) {
      if (this.#held.length >= queue.size) return "never";
      const chain = take(queue);
      if (chain === undefined) return "wait";
      this.#hold(chain, headerBytes, queue, context);
    }
    if (this.#heldBytes < needed) return "never";
    this.#write(queue, packet, headerBytes === 12 ? this.#header[12] : this.#header[10]);
    return "done";
  }

  /** A new queue, after a reset: what was held was the old one's. */
  #adopt(queue: DeviceQueue): void {
    this.#queue = queue;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #hold(chain: Chain, headerBytes: number, queue: DeviceQueue, context: DeviceContext): void {
    if (chain.writableBytes < headerBytes) {
      const detail = `a receive buffer of ${chain.writableBytes} bytes`;
      context.violated({ kind: "request-format", queue: queue.index, detail });
      queue.push(chain, 0);
      return;
    }
    this.#held.push(chain);
    this.#heldBytes += chain.writableBytes;
  }

  #write(queue: DeviceQueue, { frame, header }: Packet, headerBytes: Uint8Array): void {
    encodeNetHeader(headerBytes, header, this.#chainsFor(headerBytes.length + frame.length));
    let skip = headerBytes.length;
    for (let done = 0; done < frame.length || skip > 0; ) {
      const chain = this.#held.shift();
      if (chain === undefined) throw new Error("fewer buffers than were counted");
      this.#heldBytes -= chain.writableBytes;
      if (skip > 0) chain.write(0, headerBytes);
      const written = chain.write(skip, frame.subarray(done));
      done += written;
      queue.push(chain, skip + written);
      skip = 0;
    }
  }

  #chainsFor(bytes: number): number {
    let room = 0;
    let count = 0;
    while (room < bytes && count < this.#held.length) room += this.#held[count++]?.writableBytes ?? 0;
    return count;
  }
}

/** The next buffer; if there is none, the driver is shown what it has got and asked to kick for the next. */
function take(queue: DeviceQueue): Chain | undefined {
  let chain = queue.pop();
  if (chain !== undefined) return chain;
  queue.flush();
  while (chain === undefined && queue.enableNotifications()) chain = queue.pop();
  if (chain !== undefined) queue.disableNotifications();
  return chain;
}
