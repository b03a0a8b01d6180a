/** The queues of one interface: receive and transmit by pair, and the control queue behind the last pair. */
import { ProbeError } from "../../guest/probe-error.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { getU16 } from "../../wire/bytes.ts";
import { hasFeature } from "../../wire/features.ts";
import {
  controlQueueIndex,
  ETHERNET_HEADER_BYTES,
  FRAME_BYTES_MAX,
  hasGuestGso,
  NET_CONFIG,
  NET_FEATURE,
  netHeaderBytes,
  rxQueueIndex,
  SMALL_FRAME_BYTES,
  txQueueIndex,
  VLAN_TAG_BYTES,
} from "../../wire/net.ts";
import { PAGE_SIZE } from "../../wire/numbers.ts";
import { ControlQueue } from "./control-queue.ts";
import { type FrameSink, type ReceiveFormat, ReceiveQueue } from "./receive-queue.ts";
import { TransmitQueue } from "./transmit-queue.ts";

/** What the queues tell the interface. */
export interface NicOwner extends FrameSink {
  readonly mtu: number;
}

export class NicQueues {
  activePairs: number;
  /** Pairs that another CPU has. */
  readonly away = new Set<number>();
  readonly pairsMax: number;
  readonly receive: readonly ReceiveQueue[];
  readonly transmit: readonly TransmitQueue[];
  readonly control: ControlQueue | undefined;

  /** Finds all queues, and gives the first pair its buffers; or undoes everything and throws. */
  constructor(device: VirtioDevice, owner: NicOwner) {
    const { transport, memory, features } = device;
    const headerBytes = netHeaderBytes(features);
    this.pairsMax = pairsMax(device);
    const isPart = device.partQueues !== undefined;
    this.activePairs = isPart ? this.pairsMax : 1;
    const hasControl = hasFeature(features, NET_FEATURE.CTRL_VQ) && !isPart;
    const pairs = Array.from({ length: this.pairsMax }, (_, pair) => pair);
    const found = transport.findQueues([
      ...pairs.flatMap((pair) => [
        { name: `rx${pair}`, callback: () => this.receive[pair]?.collect() },
        { name: `tx${pair}`, callback: () => this.#transmitted(this.transmit[pair], owner) },
      ]),
      ...(hasControl ? [{ name: "control", callback: () => this.#transmitted(this.control, owner) }] : []),
    ]);
    const at = (index: number) => {
      const queue = found[index];
      if (queue === undefined) throw new ProbeError("ENOENT", `no queue ${index}`);
      return queue;
    };
    this.receive = pairs.map((pair) => {
      const queue = at(rxQueueIndex(pair));
      return new ReceiveQueue(device, queue, receiveFormat(features, owner.mtu, queue.size), owner);
    });
    // Nothing is sent on pairs that the device has not been told of [5.1.9.5.6.1]: that is CPU 0's to do.
    this.transmit = pairs.map(
      (pair) => new TransmitQueue(memory, at(txQueueIndex(pair)), headerBytes, { held: isPart }),
    );
    const controlIndex = controlQueueIndex(features, this.pairsMax);
    this.control = hasControl ? new ControlQueue(memory, at(controlIndex)) : undefined;
    try {
      this.prepare(this.activePairs);
    } catch (error) {
      transport.reset();
      this.cancel(error as Error);
      transport.deleteQueues();
      throw error;
    }
  }

  get outstanding(): number {
    const sending = this.transmit.reduce((sum, queue) => sum + queue.outstanding, 0);
    return sending + (this.control?.outstanding ?? 0);
  }

  /** Receive buffers for the first `pairs` pairs. */
  prepare(pairs: number): void {
    this.receive.slice(0, pairs).forEach((queue, pair) => {
      if (!this.away.has(pair)) queue.fill();
    });
  }

  /** Somebody wants frames again. */
  collect(): void {
    for (const queue of this.receive) if (queue.buffers > 0) queue.collect();
  }

  /** After a reset: everything unfinished ends with the error, and all memory goes back. */
  cancel(error: Error): void {
    for (const queue of this.receive) queue.destroy();
    for (const queue of this.transmit) queue.cancel(error);
    this.control?.cancel(error);
  }

  #transmitted(queue: TransmitQueue | ControlQueue | undefined, owner: NicOwner): void {
    queue?.completed();
    if (queue?.broken !== undefined) owner.broken(queue.broken);
  }
}

function pairsMax(device: VirtioDevice): number {
  if (device.partQueues !== undefined) return device.partQueues / 2;
  if (!hasFeature(device.features, NET_FEATURE.MQ)) return 1;
  const count = new Uint8Array(2);
  device.transport.getConfig(NET_CONFIG.maxVirtqueuePairs, count);
  return Math.max(1, getU16(count, 0));
}

/**
 * A page per buffer where frames may span several, more in a ring so short that it could not hold the longest frame;
 * else one buffer holds the longest frame that may come.
 */
function receiveFormat(features: number, mtu: number, queueSize: number): ReceiveFormat {
  const headerBytes = netHeaderBytes(features);
  if (hasFeature(features, NET_FEATURE.MRG_RXBUF)) {
    const share = Math.ceil((headerBytes + FRAME_BYTES_MAX) / queueSize);
    return { headerBytes, bufferBytes: Math.max(PAGE_SIZE, share) };
  }
  const longest = hasGuestGso(features)
    ? FRAME_BYTES_MAX
    : Math.max(SMALL_FRAME_BYTES, mtu + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES);
  return { headerBytes, bufferBytes: headerBytes + longest };
}
