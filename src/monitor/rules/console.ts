/** Consoles: directions of queues, ports, control messages [5.3]. */

import {
  CONSOLE_FEATURE,
  CONTROL_MESSAGE_BYTES,
  CONTROL_RX_QUEUE,
  CONTROL_TX_QUEUE,
  CONSOLE_EVENT as EVENT,
} from "../../wire/console.ts";
import { FEATURE } from "../../wire/features.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { Device } from "../model.ts";
import { type Moments, ruleOf } from "../moments.ts";
import { getU16, getU32 } from "../peek.ts";

const on = ruleOf(VIRTIO_TYPE.console);

const isControl = (index: number): boolean => index === CONTROL_RX_QUEUE || index === CONTROL_TX_QUEUE;
const isReceive = (index: number): boolean => index % 2 === 0;

interface Message {
  readonly id: number;
  readonly event: number;
  readonly value: number;
  readonly bytes: number;
}

/** A control message on its way to the driver. */
function fromDevice({ queue, element: { chain, length }, peek }: Moments["used"]): Message | undefined {
  if (queue.index !== CONTROL_RX_QUEUE || chain === undefined) return undefined;
  return decode(peek.bytes(chain.writable, 0, Math.min(length, CONTROL_MESSAGE_BYTES)), length);
}
/** A control message on its way to the device. */
function fromDriver({ queue, chain, peek }: Moments["available"]): Message | undefined {
  return queue.index === CONTROL_TX_QUEUE
    ? decode(peek.bytes(chain.readable, 0, CONTROL_MESSAGE_BYTES), CONTROL_MESSAGE_BYTES)
    : undefined;
}
const decode = (header: Uint8Array, bytes: number): Message | undefined =>
  header.length < CONTROL_MESSAGE_BYTES
    ? undefined
    : { id: getU32(header, 0), event: getU16(header, 4), value: getU16(header, 6), bytes };

/** Answers may wait for the ring: it has messages that the device has not taken, and in time they are fewer. */
const isSaying = ({ queues }: Device): boolean => (queues.get(CONTROL_TX_QUEUE)?.outstanding.size ?? 0) > 0;

const EVENTS = Object.keys(EVENT).length;
const isSwapped = ({ event }: Message): boolean =>
  event >= EVENTS && (event & 0xff) === 0 && event >>> 8 < EVENTS;

/** What a message changes in what is known, once it has been checked. */
function note(device: Device, { id, event, value }: Message, sentByDevice: boolean): void {
  const { console } = device.session;
  if (sentByDevice) {
    if (event === EVENT.PORT_ADD) {
      console.ports.add(id);
      console.addUnanswered.add(id);
    } else if (event === EVENT.PORT_REMOVE) {
      console.ports.delete(id);
      console.addUnanswered.delete(id);
      console.consoleUnanswered.delete(id);
    } else if (event === EVENT.CONSOLE_PORT) console.consoleUnanswered.add(id);
  } else if (event === EVENT.DEVICE_READY) console.ready = true;
  else if (event === EVENT.PORT_READY) console.addUnanswered.delete(id);
  else if (event === EVENT.PORT_OPEN && value === 1) console.consoleUnanswered.delete(id);
}

export const consoleRules = [
  on("CON-DRV-01", "available", ({ queue, chain }) =>
    isReceive(queue.index) && chain.readable.length > 0
      ? `queue ${queue.index} receives, head ${chain.head} is readable`
      : undefined,
  ),
  on("CON-DRV-02", "available", ({ queue, chain }) =>
    !isReceive(queue.index) && chain.writable.length > 0
      ? `queue ${queue.index} transmits, head ${chain.head} is writable`
      : undefined,
  ),
  on("CON-DEV-03", "used", (moment) => {
    const message = fromDevice(moment);
    if (message?.event !== EVENT.PORT_ADD) return false;
    const max = moment.device.configField(4, 4);
    if (moment.device.session.console.ports.has(message.id)) return `port ${message.id} is added twice`;
    return max !== undefined && message.id >= max && `port ${message.id} of ${max}`;
  }),
  on("CON-DEV-04", "used", (moment) => {
    const message = fromDevice(moment);
    const known = message !== undefined && moment.device.session.console.ports.has(message.id);
    return (
      message?.event === EVENT.PORT_REMOVE && !known && `port ${message.id} is removed and was not there`
    );
  }),
  on("CON-DRV-03", "driverIdle", ({ device, view }) =>
    device.has(CONSOLE_FEATURE.MULTIPORT) &&
    (view.status & 4) !== 0 &&
    !device.session.console.ready &&
    !isSaying(device)
      ? "DEVICE_READY was not sent"
      : undefined,
  ),
  on("CON-DRV-04", "driverIdle", ({ device }) => {
    const [port] = device.session.console.consoleUnanswered;
    return (
      port !== undefined &&
      !isSaying(device) &&
      `CONSOLE_PORT for port ${port} is not answered with PORT_OPEN 1`
    );
  }),
  on("CON-DRV-06", "driverIdle", ({ device }) => {
    const [port] = device.session.console.addUnanswered;
    return port !== undefined && !isSaying(device) && `PORT_ADD for port ${port} is not answered`;
  }),
  on("CON-DEV-05", "used", (moment) => {
    const { queue, element } = moment;
    if (queue.index !== CONTROL_RX_QUEUE || element.chain === undefined) return false;
    if (element.length < CONTROL_MESSAGE_BYTES) return `a control message of ${element.length} bytes`;
    const message = fromDevice(moment);
    const short = message?.event === EVENT.RESIZE && message.bytes < CONTROL_MESSAGE_BYTES + 4;
    return short && `RESIZE of ${message.bytes} bytes`;
  }),
  on("CON-DRV-07", "write", ({ name, value, view, device }) =>
    name === "queuePfn" && value !== 0 && view.select >= 2 && !device.has(CONSOLE_FEATURE.MULTIPORT)
      ? `queue ${view.select} is set up without MULTIPORT`
      : undefined,
  ),
  on("CON-BOTH-01", "config", ({ write, offset, width, value }) => {
    const swapped = ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
    const wrong = !write && offset < 4 && width === 2 && value > 4096 && swapped <= 4096;
    return wrong && `size ${value} is ${swapped} with its bytes the wrong way round`;
  }),
  on("CON-BOTH-02", "available", (moment) => {
    const message = fromDriver(moment);
    return message && isSwapped(message) && `event 0x${message.event.toString(16)} the wrong way round`;
  }),
  on("CON-BOTH-02", "used", (moment) => {
    const message = fromDevice(moment);
    return message && isSwapped(message) && `event 0x${message.event.toString(16)} the wrong way round`;
  }),
  on("CON-DRV-09", "available", ({ queue, chain, device }) =>
    isControl(queue.index) && chain.segments.length > 1 && !device.has(FEATURE.ANY_LAYOUT)
      ? `a control buffer of ${chain.segments.length} descriptors`
      : undefined,
  ),
];

/** Not rules: what keeps the ports known. They come after the rules. */
export const consoleNotes = [
  on("", "used", (moment) => {
    const message = fromDevice(moment);
    if (message !== undefined) note(moment.device, message, true);
  }),
  on("", "available", (moment) => {
    const message = fromDriver(moment);
    if (message !== undefined) note(moment.device, message, false);
  }),
];
