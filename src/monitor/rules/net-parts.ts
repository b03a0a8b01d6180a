/** Frames and control commands as the monitor reads them out of a net device's queues [5.1.6, 5.1.9]. */
import {
  CTRL,
  controlQueueIndex,
  decodeNetHeader,
  NET_FEATURE as F,
  type NetHeader,
  netHeaderBuffers,
  netHeaderBytes,
} from "../../wire/net.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { Chain, Device, Queue } from "../model.ts";
import { type Moments, ruleOf } from "../moments.ts";
import type { Peek } from "../peek.ts";

const HEADER_ROOM = 12;
const FRAME_ROOM = 64;
const COMMAND_ROOM = 8192;

export const onNet = ruleOf(VIRTIO_TYPE.net);

export const hasMrg = (device: Device): boolean => device.has(F.MRG_RXBUF);
export const hasControl = (device: Device): boolean => device.has(F.CTRL_VQ);
/** Where the control queue is: behind the last pair that was negotiated. */
const controlIndex = (device: Device): number =>
  controlQueueIndex(device.features, device.configField(8, 2) ?? 1);
function purposeOf(device: Device, queue: Queue): unknown {
  if (hasControl(device) && queue.index === controlIndex(device)) return "control";
  return queue.index % 2 === 0 ? "receive" : "transmit";
}
function has(device: Device, queue: Queue, purpose: string): boolean {
  queue.purpose ??= purposeOf(device, queue);
  return queue.purpose === purpose;
}
export const isControl = (device: Device, queue: Queue): boolean => has(device, queue, "control");
export const isTransmit = (device: Device, queue: Queue): boolean => has(device, queue, "transmit");
export const isReceive = (device: Device, queue: Queue): boolean => has(device, queue, "receive");

/** A command is on its way: the device may have done it, and the driver may not. */
export const isCommanding = (device: Device): boolean =>
  hasControl(device) && (device.queues.get(controlIndex(device))?.outstanding.size ?? 0) > 0;
/** Whether what the device has just returned came after all that the driver has had answered. */
export const afterCommands = (device: Device, queue: Queue): boolean =>
  device.watched.includes("device") || (queue.settled && !isCommanding(device));

export interface Frame {
  readonly header: NetHeader;
  readonly buffers: number;
  /** Bytes behind the header. */
  readonly bytes: number;
  /** The first of them. */
  readonly start: Uint8Array;
  readonly chain: Chain;
}

export const headerBytes = (device: Device): number => netHeaderBytes(device.features);

/** A frame that the driver hands over, or undefined where that is no frame. */
export function sent({ device, queue, chain, peek }: Moments["available"]): Frame | undefined {
  if (!isTransmit(device, queue)) return undefined;
  chain.content ??=
    frame(chain, chain.readableBytes, device, (skip, length) => peek.bytes(chain.readable, skip, length)) ??
    NO_FRAME;
  return chain.content === NO_FRAME ? undefined : (chain.content as Frame);
}
const NO_FRAME = {};

/** A frame's first buffer that the device hands over. */
export function received({ device, queue, element, peek, batch, at }: Moments["used"]): Frame | undefined {
  const { chain, length } = element;
  if (!isReceive(device, queue) || chain === undefined || isRest(device, batch, at, peek)) return undefined;
  element.content ??=
    frame(chain, length, device, (skip, room) =>
      peek.bytes(chain.writable, skip, Math.min(room, length - skip)),
    ) ?? NO_FRAME;
  return element.content === NO_FRAME ? undefined : (element.content as Frame);
}

function frame(
  chain: Chain,
  length: number,
  device: Device,
  read: (skip: number, length: number) => Uint8Array,
): Frame | undefined {
  const header = headerBytes(device);
  if (length < header) return undefined;
  const bytes = read(0, Math.min(HEADER_ROOM, header));
  return {
    header: decodeNetHeader(bytes),
    buffers: header === HEADER_ROOM ? netHeaderBuffers(bytes) : 0,
    bytes: length - header,
    start: read(header, Math.min(FRAME_ROOM, length - header)),
    chain,
  };
}

/** Whether an element continues a frame that began earlier in its batch. */
export function isRest(device: Device, batch: Moments["used"]["batch"], at: number, peek: Peek): boolean {
  if (!hasMrg(device)) return false;
  let firsts = FIRSTS.get(batch);
  if (firsts === undefined) {
    firsts = firstsOf(batch, peek);
    FIRSTS.set(batch, firsts);
  }
  return !firsts.has(at);
}

/** By batch: where its frames begin. */
const FIRSTS = new WeakMap<Moments["used"]["batch"], ReadonlySet<number>>();

function firstsOf(batch: Moments["used"]["batch"], peek: Peek): Set<number> {
  const firsts = new Set<number>();
  for (let k = 0; k < batch.length; ) {
    firsts.add(k);
    const chain = batch[k]?.chain;
    const buffers = chain === undefined ? 1 : netHeaderBuffers(peek.bytes(chain.writable, 0, HEADER_ROOM));
    k += Math.max(1, buffers);
  }
  return firsts;
}

export interface Command {
  readonly class: number;
  readonly command: number;
  readonly data: Uint8Array;
}

export function command(chain: Chain, peek: Peek): Command | undefined {
  chain.content ??= decodeCommand(chain, peek) ?? NO_COMMAND;
  return chain.content === NO_COMMAND ? undefined : (chain.content as Command);
}
const NO_COMMAND = {};

function decodeCommand(chain: Chain, peek: Peek): Command | undefined {
  const bytes = peek.bytes(chain.readable, 0, Math.min(COMMAND_ROOM, chain.readableBytes));
  const [family, number] = bytes;
  return family === undefined || number === undefined
    ? undefined
    : { class: family, command: number, data: bytes.subarray(2) };
}
export const isCommand = (found: Command, family: { readonly id: number }, number?: number): boolean =>
  found.class === family.id && (number === undefined || found.command === number);
export { CTRL };
