/** From the back-end to the driver: filters, steering, offloads, and the packets that wait for room. */

import type { DeviceQueue } from "../../host/index.ts";
import { hasFeature } from "../../wire/features.ts";
import { FRAME_BYTES_MAX, GSO, NET_FEATURE, PLAIN, rxQueueIndex } from "../../wire/net.ts";
import type { Packet } from "./backend.ts";
import { fits, packetsFor } from "./offload.ts";
import { Receiver } from "./receiver.ts";
import { LINK_DOWN, type NetState } from "./state.ts";

interface Waiting {
  readonly packet: Packet;
  /** Known to be acceptable as it is: plain, or what this driver negotiated. */
  ready: boolean;
  readonly taken: () => void;
}

const nothing = (): void => {};

export class ReceivePath {
  readonly #state: NetState;
  readonly #receivers: readonly Receiver[];
  #waiting: Waiting[] = [];
  /** Queues with frames that the driver has not been shown yet. */
  readonly #unflushed = new Set<DeviceQueue>();
  #depth = 0;
  #closed = false;

  constructor(state: NetState) {
    this.#state = state;
    this.#receivers = Array.from({ length: state.facts.pairsMax }, () => new Receiver());
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** See `NetPort.deliver`. */
  deliver(packet: Packet): void | Promise<void> {
    if (!this.#state.linkUp) return this.#state.drop(LINK_DOWN);
    if (this.#waiting.length === 0 && this.#fitsNow(packet) && this.#put(packet)) {
      this.#flush();
      return undefined;
    }
    if (this.#closed) return this.#state.drop("device gone");
    return new Promise((taken) => {
      this.#waiting.push({ packet, ready: false, taken });
      this.resume();
    });
  }

  /** See `NetPort.offer`. */
  offer(packet: Packet): boolean {
    const { unready } = this.#state;
    const reason = unready ?? (this.#waiting.length > 0 ? NO_ROOM : undefined);
    if (reason !== undefined) return this.#dropped(reason);
    let all = true;
    for (const part of this.#parts(packet)) if (!this.#put(part)) all = this.#dropped(NO_ROOM);
    this.#flush();
    return all;
  }

  /** There may be room now: hands over what waits, in order. */
  resume(): void {
    this.begin();
    while (this.#waiting.length > 0 && this.#state.unready === undefined) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      if (!first.ready) {
        const parts = this.#parts(first.packet);
        const last = parts.length - 1;
        if (last < 0) first.taken();
        const ready = (packet: Packet, i: number) => ({
          packet,
          ready: true,
          taken: i === last ? first.taken : nothing,
        });
        this.#waiting.splice(0, 1, ...parts.map(ready));
      } else if (this.#put(first.packet)) {
        this.#waiting.shift();
        first.taken();
      } else break;
    }
    this.end();
  }

  /** Between these two, frames are shown to the driver together. */
  begin(): void {
    this.#depth++;
  }
  end(): void {
    this.#depth--;
    this.#flush();
  }
  flushNow(): void {
    for (const queue of this.#unflushed) queue.flush();
    this.#unflushed.clear();
  }

  /** What waits is the network's and stays; the next driver may have negotiated something else. */
  reset(): void {
    this.#unflushed.clear();
    for (const waiting of this.#waiting) waiting.ready = false;
  }

  /** What waits is lost with the link: a sender that it holds back must not wait for somebody to plug the cable in. */
  linkDown(): void {
    this.#dropWaiting(LINK_DOWN);
  }

  /** The device goes away: nobody waits for ever. */
  close(): void {
    this.#closed = true;
    this.#dropWaiting("device gone");
  }

  #dropWaiting(reason: string): void {
    if (this.#waiting.length > 0) this.#state.drop(reason, this.#waiting.length);
    for (const { taken } of this.#waiting.splice(0)) taken();
  }

  #flush(): void {
    if (this.#depth === 0) this.flushNow();
  }

  #fitsNow(packet: Packet): boolean {
    const { unready, context } = this.#state;
    return unready === undefined && (packet.header === PLAIN || fits(packet, context?.features ?? 0));
  }

  #parts(packet: Packet): readonly Packet[] {
    const { context, counters } = this.#state;
    const parts = packetsFor(packet, context?.features ?? 0);
    if (parts === undefined) this.#state.drop("malformed segmentation");
    else if (parts[0] !== packet) counters.rxOffloaded++;
    return parts ?? [];
  }

  /** False: it has to wait. What the driver does not want, or cannot ever take, counts as handed over. */
  #put(packet: Packet): boolean {
    const { context, counters, facts, filter, steering } = this.#state;
    const { frame, header } = packet;
    if (context === undefined) return false;
    if (frame.length === 0) return !this.#dropped("empty frame");
    // What is still to be cut may be longer than the MTU, but not than any frame.
    if (frame.length > (header.gsoType === GSO.NONE ? facts.frameBytesMax : FRAME_BYTES_MAX)) {
      return !this.#dropped("frame over the MTU");
    }
    if (!filter.wants(frame, context.config)) {
      counters.rxFiltered++;
      return true;
    }
    const pair = hasFeature(context.features, NET_FEATURE.MQ)
      ? steering.pairFor(frame, this.#state.activePairs)
      : 0;
    const queue = context.queues[rxQueueIndex(pair)];
    const receiver = this.#receivers[pair];
    if (queue === undefined || receiver === undefined) return false;
    const outcome = receiver.put(queue, packet, context);
    if (outcome === "wait") return false;
    if (outcome === "never") return !this.#dropped("longer than the receive buffers");
    counters.rxFrames++;
    counters.rxBytes += frame.length;
    this.#unflushed.add(queue);
    return true;
  }

  #dropped(reason: string): false {
    this.#state.drop(reason);
    return false;
  }
}

const NO_ROOM = "no receive buffer";
