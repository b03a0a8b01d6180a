/**
 * A network interface for people: frames out as promises, frames in by a handler or an iterator. It is up from the
 * first `send`, `onFrame` or `frames` on: until then received frames stay in the ring, after that those that nobody
 * listens to are counted and forgotten.
 */
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { getU16, putU16, putU32 } from "../../wire/bytes.ts";
import { hasFeature } from "../../wire/features.ts";
import {
  CTRL,
  formatMac,
  MAC_BYTES,
  NET_CONFIG,
  NET_FEATURE,
  NET_STATUS,
  type NetHeader,
  PLAIN,
  parseMac,
} from "../../wire/net.ts";
import { notBytes, notWhole, shown, whole } from "../arguments.ts";
import { CancelledError } from "../errors.ts";
import { FrameIterator } from "./frame-iterator.ts";
import { NetError } from "./net-error.ts";
import { NicQueues } from "./nic-queues.ts";
import type { FrameSink } from "./receive-queue.ts";

/** The bytes are good until the handler returns. `header` tells of a packet that came unsegmented. */
export type FrameHandler = (frame: Uint8Array, header: NetHeader) => void;

export interface SendOptions {
  /** Work left to the device; by default none. */
  readonly header?: NetHeader;
  /** The queue pair to send on; replies come back there. */
  readonly pair?: number;
}

/** Those that are given are set, the others stay. A device begins promiscuous. */
export interface RxMode {
  readonly promiscuous?: boolean;
  readonly allMulticast?: boolean;
  readonly allUnicast?: boolean;
  readonly noMulticast?: boolean;
  readonly noUnicast?: boolean;
  readonly noBroadcast?: boolean;
  /** Addresses beside the device's own; both tables are set together. */
  readonly unicast?: readonly string[];
  readonly multicast?: readonly string[];
}

const MODE_COMMANDS = {
  promiscuous: CTRL.RX.PROMISC,
  allMulticast: CTRL.RX.ALLMULTI,
  allUnicast: CTRL.RX.ALLUNI,
  noMulticast: CTRL.RX.NOMULTI,
  noUnicast: CTRL.RX.NOUNI,
  noBroadcast: CTRL.RX.NOBCAST,
} as const;
/** Each with the largest value that it has room for. */
const HEADER_FIELDS = [
  ["flags", 0xff],
  ["gsoType", 0xff],
  ["headerBytes", 0xffff],
  ["gsoSize", 0xffff],
  ["csumStart", 0xffff],
  ["csumOffset", 0xffff],
] as const satisfies [keyof NetHeader, number][];
const MODES = Object.keys(MODE_COMMANDS) as (keyof typeof MODE_COMMANDS)[];

export class Nic implements FrameSink {
  readonly counters = {
    txFrames: 0,
    txBytes: 0,
    rxFrames: 0,
    rxBytes: 0,
    /** Nobody listened. */
    rxUnclaimed: 0,
    /** Made no sense. */
    rxErrors: 0,
  };
  readonly mtu: number;
  readonly #device: VirtioDevice;
  readonly #queues: NicQueues;
  readonly #handlers = new Set<FrameHandler>();
  readonly #iterators = new Set<FrameIterator>();
  readonly #linkHandlers = new Set<(up: boolean) => void>();
  readonly #announceHandlers = new Set<() => void>();
  #mac: string;
  #linkUp: boolean;
  #up = false;
  #gone: CancelledError | undefined;

  constructor(device: VirtioDevice, facts: { readonly mac: string; readonly mtu: number }) {
    this.#device = device;
    this.#mac = facts.mac;
    this.mtu = facts.mtu;
    this.#linkUp = this.#readLink().up;
    this.#queues = new NicQueues(device, this);
  }

  get mac(): string {
    return this.#mac;
  }
  get linkUp(): boolean {
    return this.#linkUp;
  }
  /** Negotiated feature bits. */
  get features(): number {
    return this.#device.features;
  }
  get queuePairs(): number {
    return this.#queues.activePairs;
  }
  get queuePairsMax(): number {
    return this.#queues.pairsMax;
  }
  /** Sends and commands that have not come back. */
  get outstanding(): number {
    return this.#queues.outstanding;
  }

  /** Resolves when the device has returned the buffer. Leave the frame alone until then. */
  send(frame: Uint8Array, options: SendOptions = {}): Promise<void> {
    const { header = PLAIN, pair = 0 } = options;
    const problem =
      notBytes("frame", frame) ??
      notWhole("frame's length", frame.length, 1, 0xffff_ffff) ??
      badHeader(header);
    if (problem !== undefined) return Promise.reject(problem);
    this.#open();
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    if (this.#queues.away.has(pair))
      return Promise.reject(new NetError(`queue pair ${pair} is another CPU's`));
    const queue = pair < this.queuePairs ? this.#queues.transmit[pair] : undefined;
    if (queue === undefined) return Promise.reject(new NetError(`queue pair ${pair} is not in use`));
    return new Promise((resolve, reject) => {
      queue.send({
        frame,
        header,
        done: (error) => {
          if (error !== undefined) return reject(error);
          this.counters.txFrames++;
          this.counters.txBytes += frame.length;
          resolve();
        },
      });
    });
  }

  /** Calls the handler for each frame; returns what ends that. */
  onFrame(handler: FrameHandler): () => void {
    this.#handlers.add(handler);
    this.#open();
    return () => this.#handlers.delete(handler);
  }

  /** Frames from now on, as copies. Ends when the device goes away. */
  frames(): AsyncIterableIterator<Uint8Array> {
    const resume = () => this.#queues.collect();
    const iterator = new FrameIterator(resume, (ended) => {
      this.#iterators.delete(ended);
      resume();
    });
    if (this.#gone !== undefined) iterator.end();
    else this.#iterators.add(iterator);
    this.#open();
    return iterator;
  }

  onLinkChange(handler: (up: boolean) => void): () => void {
    this.#linkHandlers.add(handler);
    return () => this.#linkHandlers.delete(handler);
  }

  /** The device asks that the neighbours be told of this address; acknowledged after the handlers. */
  onAnnounce(handler: () => void): () => void {
    this.#announceHandlers.add(handler);
    return () => this.#announceHandlers.delete(handler);
  }

  async setRxMode(mode: RxMode): Promise<void> {
    const set = MODES.filter((name) => mode[name] !== undefined).map((name) =>
      this.#command(
        `${name}=${mode[name]}`,
        CTRL.RX.id,
        MODE_COMMANDS[name],
        Uint8Array.of(mode[name] ? 1 : 0),
      ),
    );
    if (mode.unicast !== undefined || mode.multicast !== undefined) {
      const tables = [...macTable(mode.unicast ?? []), ...macTable(mode.multicast ?? [])];
      set.push(this.#command("MAC table", CTRL.MAC.id, CTRL.MAC.TABLE_SET, Uint8Array.from(tables)));
    }
    await Promise.all(set);
  }

  /** By command where there is one, else byte by byte into configuration, as legacy drivers do. */
  async setMac(mac: string): Promise<void> {
    const bytes = macBytes(mac);
    if (hasFeature(this.features, NET_FEATURE.CTRL_MAC_ADDR)) {
      await this.#command(`MAC address ${mac}`, CTRL.MAC.id, CTRL.MAC.ADDR_SET, bytes);
    } else {
      if (this.#gone !== undefined) throw this.#gone;
      this.#device.transport.setConfig(NET_CONFIG.mac, bytes);
    }
    this.#mac = formatMac(bytes);
  }

  addVlan(id: number): Promise<void> {
    return this.#vlan("VLAN", CTRL.VLAN.ADD, id);
  }
  removeVlan(id: number): Promise<void> {
    return this.#vlan("no VLAN", CTRL.VLAN.DEL, id);
  }

  /** Buffers first: the device may use the new pairs at once. */
  async setQueuePairs(pairs: number): Promise<void> {
    whole("queue pairs", pairs, 1, this.queuePairsMax);
    if (this.#gone === undefined) this.#queues.prepare(pairs);
    await this.#command(`${pairs} queue pairs`, CTRL.MQ.id, CTRL.MQ.VQ_PAIRS_SET, u16(pairs));
    this.#queues.activePairs = pairs;
  }

  describe() {
    return {
      mac: this.mac,
      linkUp: this.linkUp,
      mtu: this.mtu,
      queuePairs: this.queuePairs,
      queuePairsMax: this.queuePairsMax,
      outstanding: this.outstanding,
      counters: { ...this.counters },
    };
  }

  get wantsFrames(): boolean {
    if (!this.#up || this.#gone !== undefined) return false;
    for (const iterator of this.#iterators) if (iterator.full) return false;
    return true;
  }

  frame(frame: Uint8Array, header: NetHeader): void {
    this.counters.rxFrames++;
    this.counters.rxBytes += frame.length;
    if (this.#handlers.size + this.#iterators.size === 0) this.counters.rxUnclaimed++;
    for (const handler of this.#handlers) handler(frame, header);
    for (const iterator of this.#iterators) iterator.push(frame);
  }

  badFrame(): void {
    this.counters.rxErrors++;
  }

  broken(reason: string): void {
    this.#stop(reason);
  }

  /** For the driver: a configuration interrupt. */
  configChanged(): void {
    const { up, announce } = this.#readLink();
    if (up !== this.#linkUp) {
      this.#linkUp = up;
      for (const handler of this.#linkHandlers) handler(up);
    }
    if (!announce) return;
    for (const handler of this.#announceHandlers) handler();
    // Cancelled when the device goes away meanwhile: then there is nothing to acknowledge.
    this.#command("announcement", CTRL.ANNOUNCE.id, CTRL.ANNOUNCE.ACK, new Uint8Array(0)).catch(() => {});
  }

  /** For the driver: another CPU has these queues now, and has supplied them with buffers. */
  gaveAway(queues: readonly number[]): void {
    for (const queue of queues) this.#queues.away.add(queue >>> 1);
    const pairs = Math.max(...this.#queues.away) + 1;
    // Once, when no more is given away. Cancelled when the device goes away meanwhile.
    queueMicrotask(() => {
      if (pairs !== Math.max(...this.#queues.away) + 1) return;
      this.setQueuePairs(pairs)
        // Removed since, the parts that there are belong to the next driver, whose pairs are not set yet.
        .then(() => this.#gone ?? this.#device.transport.startParts?.())
        .catch(() => {});
    });
  }

  /** For the driver, on a part of a device: the device has been told of its pairs. */
  started(): void {
    for (const queue of this.#queues.transmit) queue.start();
  }

  /** For the driver: the device goes away. */
  remove(): void {
    this.#stop("the network device was removed");
    this.#device.transport.deleteQueues();
  }

  #open(): void {
    if (this.#up || this.#gone !== undefined) return;
    this.#up = true;
    this.#queues.collect();
  }

  #stop(reason: string): void {
    // Of a part of a device, this comes when CPU 0 has reset it.
    if (this.#gone !== undefined || this.#device.transport.askForReset?.()) return;
    this.#gone = new CancelledError(reason);
    this.#device.transport.reset();
    this.#queues.cancel(this.#gone);
    for (const iterator of this.#iterators) iterator.end();
    this.#iterators.clear();
  }

  /** That 4096 is none is for the device to say. */
  async #vlan(name: string, what: number, id: number): Promise<void> {
    whole("VLAN", id, 0, 0xffff);
    await this.#command(`${name} ${id}`, CTRL.VLAN.id, what, u16(id));
  }

  #command(name: string, group: number, what: number, data: Uint8Array): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const { control } = this.#queues;
    if (control === undefined) return Promise.reject(new NetError(`${name}: there is no control queue`));
    return control.command(name, group, what, data);
  }

  #readLink(): { up: boolean; announce: boolean } {
    if (!hasFeature(this.features, NET_FEATURE.STATUS)) return { up: true, announce: false };
    const status = new Uint8Array(2);
    this.#device.transport.getConfig(NET_CONFIG.status, status);
    const bits = getU16(status, 0);
    return { up: (bits & NET_STATUS.LINK_UP) !== 0, announce: (bits & NET_STATUS.ANNOUNCE) !== 0 };
  }
}

function macBytes(text: string): Uint8Array {
  const bytes = typeof text === "string" ? parseMac(text) : undefined;
  if (bytes === undefined) throw new RangeError(`${shown(text)} is no MAC address`);
  return bytes;
}

function badHeader(header: NetHeader): RangeError | undefined {
  if (header === PLAIN) return undefined;
  return HEADER_FIELDS.map(([name, max]) => notWhole(`header.${name}`, header[name], 0, max)).find(Boolean);
}

function macTable(macs: readonly string[]): Uint8Array {
  const table = new Uint8Array(4 + MAC_BYTES * macs.length);
  putU32(table, 0, macs.length);
  macs.forEach((mac, index) => {
    table.set(macBytes(mac), 4 + MAC_BYTES * index);
  });
  return table;
}

function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  putU16(bytes, 0, value);
  return bytes;
}
