/**
 * One transmit queue: frames go to the back-end one after the other. A back-end that answers later holds the queue
 * back, so that frames stay in order and nothing piles up; the buffer goes back to the driver when it has answered.
 */
import type { Chain, DeviceContext, DeviceQueue } from "../../host/index.ts";
import { hasFeature } from "../../wire/features.ts";
import {
  decodeNetHeader,
  FRAME_BYTES_MAX,
  GSO,
  NET_FEATURE,
  netHeaderBytes,
  PLAIN,
  txQueueIndex,
} from "../../wire/net.ts";
import type { Packet } from "./backend.ts";
import { headerProblem, packetsFor } from "./offload.ts";
import type { ReceivePath } from "./receive-path.ts";
import { LINK_DOWN, type NetState } from "./state.ts";

/** Chains taken before the driver is shown what was done. */
const BATCH = 32;

export class Transmitter {
  readonly #state: NetState;
  readonly #receive: ReceivePath;
  readonly #pair: number;
  /** The frame on its way; grows to the longest one. */
  #scratch = new Uint8Array(2048);
  readonly #header = new Uint8Array(12);
  #busy = false;

  constructor(state: NetState, receive: ReceivePath, pair: number) {
    this.#state = state;
    this.#receive = receive;
    this.#pair = pair;
  }

  /** A frame is with the back-end, which has not answered yet. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Sends until the queue is empty or the back-end holds it back. */
  run(): void {
    const { context } = this.#state;
    const queue = context?.queues[txQueueIndex(this.#pair)];
    if (context === undefined || queue === undefined || this.#busy) return;
    // What comes straight back (loop) is shown to the driver in batches too.
    this.#receive.begin();
    do {
      queue.disableNotifications();
      this.#sendAll(queue, context);
      queue.flush();
      this.#receive.flushNow();
    } while (!this.#busy && queue.enableNotifications());
    this.#receive.end();
  }

  #sendAll(queue: DeviceQueue, context: DeviceContext): void {
    for (let count = 1; !this.#busy; count++) {
      const chain = queue.pop();
      if (chain === undefined) return;
      const sent = this.#send(queue, chain, context);
      if (sent === undefined) queue.push(chain, 0);
      else this.#finishLater(queue, chain, context, sent);
      if (count % BATCH !== 0) continue;
      queue.flush();
      this.#receive.flushNow();
    }
  }

  #finishLater(queue: DeviceQueue, chain: Chain, context: DeviceContext, sent: Promise<void>): void {
    this.#busy = true;
    const ended = context.ioStarted();
    void sent
      .catch((error: unknown) => {
        this.#state.drop("back-end error");
        context.log(`frame not sent: ${error instanceof Error ? error.message : String(error)}`);
      })
      .then(() => {
        queue.push(chain, 0);
        queue.flush();
        this.#busy = false;
        // After a reset this is another queue, the driver's new one.
        this.run();
      })
      .finally(ended);
  }

  /** Undefined: the chain can go back at once. */
  #send(queue: DeviceQueue, chain: Chain, context: DeviceContext): void | Promise<void> {
    const packet = this.#read(queue, chain, context);
    if (packet === undefined) return undefined;
    const { counters, facts, steering } = this.#state;
    if (!this.#state.linkUp) return this.#state.drop(LINK_DOWN);
    counters.txFrames++;
    counters.txBytes += packet.frame.length;
    if (hasFeature(context.features, NET_FEATURE.MQ)) steering.sent(packet.frame, this.#pair);
    if (facts.backend.takesOffloads || packet.header === PLAIN) return facts.backend.send(packet);
    const parts = packetsFor(packet, 0);
    if (parts === undefined) return this.#state.drop("malformed segmentation");
    counters.txOffloaded++;
    return this.#sendParts(parts, 0);
  }

  #sendParts(parts: readonly Packet[], from: number): void | Promise<void> {
    for (let index = from; index < parts.length; index++) {
      const part = parts[index];
      const sent = part && this.#state.facts.backend.send(part);
      if (sent !== undefined) return sent.then(() => this.#sendParts(parts, index + 1));
    }
    return undefined;
  }

  #read(queue: DeviceQueue, chain: Chain, context: DeviceContext): Packet | undefined {
    const headerBytes = netHeaderBytes(context.features);
    const length = chain.readableBytes - headerBytes;
    const breach = (detail: string): undefined => {
      context.violated({ kind: "request-format", queue: queue.index, detail });
      this.#state.drop("malformed request");
    };
    if (length < 0) {
      return breach(`${chain.readableBytes} readable bytes, too few for the ${headerBytes}-byte header`);
    }
    if (length > FRAME_BYTES_MAX) return breach(`a frame of ${length} bytes`);
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(FRAME_BYTES_MAX);
    chain.read(0, this.#header);
    const header = decodeNetHeader(this.#header);
    const problem = headerProblem(header, length, context.features);
    if (problem !== undefined) return breach(problem);
    const frame = this.#scratch.subarray(0, length);
    chain.read(headerBytes, frame);
    return this.#sendable({ frame, header });
  }

  #sendable(packet: Packet): Packet | undefined {
    const { facts } = this.#state;
    const { frame, header } = packet;
    if (frame.length === 0) this.#state.drop("empty frame");
    else if (facts.mtu !== undefined && header.gsoType === GSO.NONE && frame.length > facts.frameBytesMax) {
      this.#state.drop("frame over the MTU");
    } else return packet;
    return undefined;
  }
}
