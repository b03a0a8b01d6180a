/**
 * virtio-net [virtio 1.4, 5.1] on a `NetBackend`: configuration, link, and who serves which queue. Frames to the
 * driver are `ReceivePath`'s, frames from it `Transmitter`'s, commands `serveControl`'s.
 */
import type { DeviceCommand, DeviceContext, DeviceModel, DeviceQueue } from "../../host/index.ts";
import { UsageError } from "../../host/index.ts";
import { putU16 } from "../../wire/bytes.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import {
  consistentNetFeatures,
  controlQueueIndex,
  ETHERNET_HEADER_BYTES,
  FRAME_BYTES_MAX,
  formatMac,
  NET_CONFIG,
  NET_FEATURE,
  NET_STATUS,
  VLAN_TAG_BYTES,
} from "../../wire/net.ts";
import type { NetBackend, NetPort } from "./backend.ts";
import { serveControl } from "./control.ts";
import { ReceivePath } from "./receive-path.ts";
import { NetState } from "./state.ts";
import { Transmitter } from "./transmitter.ts";

export interface NetOptions {
  readonly mac: Uint8Array;
  /** Queue pairs; more than one offers MQ. */
  readonly pairs: number;
  /** Offered to the driver, and enforced; undefined: neither. */
  readonly mtu?: number;
  readonly linkUp?: boolean;
  /** Features that the device would offer and that this one shall not have. */
  readonly without?: number;
}

const F = NET_FEATURE;
export const NET_FEATURE_GROUP = {
  checksum: featureMask(F.CSUM, F.GUEST_CSUM),
  segmentation: featureMask(
    F.HOST_TSO4,
    F.HOST_TSO6,
    F.HOST_ECN,
    F.HOST_UFO,
    F.GUEST_TSO4,
    F.GUEST_TSO6,
    F.GUEST_ECN,
    F.GUEST_UFO,
  ),
  mergeable: featureMask(F.MRG_RXBUF),
  control: featureMask(F.CTRL_VQ, F.CTRL_RX, F.CTRL_RX_EXTRA, F.CTRL_VLAN, F.CTRL_MAC_ADDR, F.GUEST_ANNOUNCE),
} as const;

export class NetModel implements DeviceModel {
  readonly features: number;
  readonly queues: readonly { readonly name: string }[];
  readonly config = new Uint8Array(NET_CONFIG.bytes);
  readonly commands: Readonly<Record<string, DeviceCommand>>;
  readonly #backend: NetBackend;
  readonly #state: NetState;
  readonly #receive: ReceivePath;
  readonly #transmitters: readonly Transmitter[];
  #adminUp: boolean;
  #carrier = true;
  #announce = false;

  constructor(backend: NetBackend, options: NetOptions) {
    const { pairs, mtu } = options;
    this.#backend = backend;
    this.#adminUp = options.linkUp ?? true;
    const frameBytesMax = mtu === undefined ? FRAME_BYTES_MAX : mtu + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
    this.#state = new NetState({ backend, pairsMax: pairs, mtu, frameBytesMax });
    this.#receive = new ReceivePath(this.#state);
    this.#transmitters = Array.from(
      { length: pairs },
      (_, pair) => new Transmitter(this.#state, this.#receive, pair),
    );
    this.features = offered(options);
    this.queues = queueNames(pairs, hasFeature(this.features, F.CTRL_VQ));
    this.config.set(options.mac, NET_CONFIG.mac);
    putU16(this.config, NET_CONFIG.maxVirtqueuePairs, pairs);
    putU16(this.config, NET_CONFIG.mtu, mtu ?? 0);
    this.commands = this.#makeCommands();
    backend.attach(this.#port());
    this.#state.linkUp = this.#adminUp && this.#carrier;
    putU16(this.config, NET_CONFIG.status, this.#status());
  }

  get linkUp(): boolean {
    return this.#state.linkUp;
  }

  started(context: DeviceContext): void {
    this.#state.context = context;
    this.#state.running = true;
    this.#state.filter.filtersVlans = hasFeature(context.features, F.CTRL_VLAN);
    this.#receive.resume();
    this.#backend.started?.();
  }

  mastering(): void {
    this.#receive.resume();
  }

  /** Without MQ the control queue is the third, whatever the number of pairs that were offered. */
  queueNotified(queue: DeviceQueue, context: DeviceContext): void {
    this.#state.context = context;
    const control = controlQueueIndex(context.features, this.#state.facts.pairsMax);
    if (queue.index === control) {
      serveControl(queue, context, this.#state, {
        setMac: (mac) => context.config.set(mac, NET_CONFIG.mac),
        announced: () => this.#announced(context),
      });
    } else if (queue.index % 2 === 1) {
      this.#transmitters[queue.index >>> 1]?.run();
    } else {
      // More buffers: they are taken when a frame comes, and no kick is needed until there are none.
      queue.disableNotifications();
      this.#receive.resume();
    }
  }

  /** A legacy driver may write its address [5.1.4]; the rest is read-only. */
  configWritten(_offset: number, _length: number, context: DeviceContext): void {
    context.config.set(this.config.subarray(NET_CONFIG.status), NET_CONFIG.status);
    putU16(context.config, NET_CONFIG.status, this.#status());
  }

  /** Filters, address and pairs are as at the beginning; the link is the cable's. */
  reset(context: DeviceContext): void {
    const state = this.#state;
    state.context = context;
    state.running = false;
    state.activePairs = 1;
    state.filter.reset();
    state.steering.reset();
    this.#receive.reset();
    this.#announce = false;
    context.config.set(this.config);
    putU16(context.config, NET_CONFIG.status, this.#status());
  }

  async close(): Promise<void> {
    this.#state.running = false;
    this.#receive.close();
    await this.#backend.close?.();
  }

  /** The switch in front of the cable. */
  setLink(up: boolean): void {
    this.#adminUp = up;
    this.#linkChanged();
  }

  describe() {
    const { counters, activePairs, context, filter } = this.#state;
    return {
      mac: formatMac((context?.config ?? this.config).subarray(NET_CONFIG.mac)),
      linkUp: this.linkUp,
      activePairs,
      counters: { ...counters, dropped: { ...counters.dropped } },
      waiting: this.#receive.waiting,
      sending: this.#transmitters.filter(({ busy }) => busy).length,
      filter: filter.describe(),
      backend: this.#backend.describe?.() ?? {},
    };
  }

  #makeCommands(): Readonly<Record<string, DeviceCommand>> {
    return {
      link: {
        help: "up|down: plugs the cable in, or pulls it",
        run: ([word]) => {
          if (word !== "up" && word !== "down")
            throw new UsageError(`link: expected up or down, got "${word}"`);
          this.setLink(word === "up");
          return { linkUp: this.linkUp };
        },
      },
      announce: {
        help: "asks the driver to announce its address",
        run: () => {
          this.#askAnnouncement();
          return null;
        },
      },
    };
  }

  #port(): NetPort {
    const state = this.#state;
    const receive = this.#receive;
    return {
      get name() {
        return state.context?.name ?? "net";
      },
      frameBytesMax: state.facts.frameBytesMax,
      deliver: (packet) => receive.deliver(packet),
      offer: (packet) => receive.offer(packet),
      setCarrier: (up) => {
        this.#carrier = up;
        this.#linkChanged();
      },
      dropped: (reason, frames) => state.drop(reason, frames),
      log: (message) => state.context?.log(message),
    };
  }

  #linkChanged(): void {
    const up = this.#adminUp && this.#carrier;
    if (up === this.#state.linkUp) return;
    this.#state.linkUp = up;
    // Back on the net, perhaps at another socket: the neighbours should hear where the address is now.
    if (up && this.#canAnnounce) this.#announce = true;
    this.#statusChanged();
    if (up) this.#receive.resume();
    else this.#receive.linkDown();
  }

  #askAnnouncement(): void {
    if (!this.#canAnnounce) return;
    this.#announce = true;
    this.#statusChanged();
  }

  get #canAnnounce(): boolean {
    const { running, context } = this.#state;
    return running && hasFeature(context?.features ?? 0, F.GUEST_ANNOUNCE);
  }

  #announced(context: DeviceContext): void {
    this.#announce = false;
    putU16(context.config, NET_CONFIG.status, this.#status());
  }

  #statusChanged(): void {
    const bytes = new Uint8Array(2);
    putU16(bytes, 0, this.#status());
    this.#state.context?.updateConfig(NET_CONFIG.status, bytes);
  }

  #status(): number {
    return (this.linkUp ? NET_STATUS.LINK_UP : 0) | (this.#announce ? NET_STATUS.ANNOUNCE : 0);
  }
}

/** A feature whose ground is missing is not offered either. */
function offered({ pairs, mtu, without = 0 }: NetOptions): number {
  const { checksum, segmentation, mergeable, control } = NET_FEATURE_GROUP;
  const all = featureMask(F.MAC, F.STATUS) | checksum | segmentation | mergeable | control;
  const some = (pairs > 1 ? featureMask(F.MQ) : 0) | (mtu === undefined ? 0 : featureMask(F.MTU));
  return consistentNetFeatures((all | some) & ~without);
}

function queueNames(pairs: number, control: boolean) {
  const ofPair = (pair: number) => [{ name: `rx${pair}` }, { name: `tx${pair}` }];
  const all = Array.from({ length: pairs }, (_, pair) => ofPair(pair)).flat();
  return control ? [...all, { name: "control" }] : all;
}
