/** virtio-console: feature bits, configuration, queues and control messages [virtio 1.4, 5.3]. */
import { getU16, getU32, putU16, putU32 } from "./bytes.ts";

export const CONSOLE_FEATURE = { SIZE: 0, MULTIPORT: 1, EMERG_WRITE: 2 } as const;

/** Offsets in device configuration: cols u16, rows u16, max_nr_ports u32, emerg_wr u32. */
export const CONSOLE_CONFIG = { cols: 0, rows: 2, maxPorts: 4, emergencyWrite: 8, bytes: 12 } as const;

/** The control queues lie between those of port 0 and those of the other ports. */
export const CONTROL_RX_QUEUE = 2;
export const CONTROL_TX_QUEUE = 3;
/** What 64 queues have room for. */
export const CONSOLE_PORTS_MAX = 31;
export const rxQueueOf = (port: number): number => (port === 0 ? 0 : 2 * port + 2);
export const txQueueOf = (port: number): number => rxQueueOf(port) + 1;
/** Of a queue that is not a control queue. */
export const portOfQueue = (index: number): number => (index < 2 ? 0 : (index >>> 1) - 1);
export const consoleQueueCount = (maxPorts: number): number => 2 * (maxPorts + 1);

export const CONSOLE_EVENT = {
  DEVICE_READY: 0,
  PORT_ADD: 1,
  PORT_REMOVE: 2,
  PORT_READY: 3,
  CONSOLE_PORT: 4,
  RESIZE: 5,
  PORT_OPEN: 6,
  PORT_NAME: 7,
} as const;

/** What DEVICE_READY has for a port. */
export const NO_PORT = 0xffff_ffff;

export interface ConsoleSize {
  readonly cols: number;
  readonly rows: number;
}

export interface ControlMessage {
  /** Port. */
  readonly id: number;
  readonly event: number;
  readonly value: number;
  /** RESIZE: the size; PORT_NAME: UTF-8 without a NUL. */
  readonly payload?: Uint8Array;
}

export const CONTROL_MESSAGE_BYTES = 8;

export function encodeControl({ id, event, value, payload }: ControlMessage): Uint8Array {
  const bytes = new Uint8Array(CONTROL_MESSAGE_BYTES + (payload?.length ?? 0));
  putU32(bytes, 0, id);
  putU16(bytes, 4, event);
  putU16(bytes, 6, value);
  if (payload !== undefined) bytes.set(payload, CONTROL_MESSAGE_BYTES);
  return bytes;
}

/** Undefined: too short for a message. */
export function decodeControl(bytes: Uint8Array): Required<ControlMessage> | undefined {
  if (bytes.length < CONTROL_MESSAGE_BYTES) return undefined;
  return {
    id: getU32(bytes, 0),
    event: getU16(bytes, 4),
    value: getU16(bytes, 6),
    payload: bytes.slice(CONTROL_MESSAGE_BYTES),
  };
}

/** Columns first, in RESIZE as in the configuration [5.3.6.2]; Linux long read them the other way round. */
export function encodeSize({ cols, rows }: ConsoleSize): Uint8Array {
  const bytes = new Uint8Array(4);
  putU16(bytes, 0, cols);
  putU16(bytes, 2, rows);
  return bytes;
}

export const decodeSize = (bytes: Uint8Array): ConsoleSize => ({
  cols: getU16(bytes, 0),
  rows: getU16(bytes, 2),
});
