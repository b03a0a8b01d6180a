/**
 * What is behind a network device. A back-end gets the frames that the driver sends, and hands over those that the
 * driver shall receive. Users write theirs the same way: `--device net,backend=./mine.js`, a module whose default
 * export is `defineNetBackend({ … })`.
 */
import type { NetHeader } from "../../wire/net.ts";

/** A frame without its frame check sequence, and what is left to do to it: nothing in `PLAIN` ones. */
export interface Packet {
  readonly frame: Uint8Array;
  readonly header: NetHeader;
}

/** The device, as its back-end sees it. */
export interface NetPort {
  /** e.g. "00:04.0 net", once the driver has found the device. */
  readonly name: string;
  /** Longest frame that the driver may get, as the device's MTU has it. */
  readonly frameBytesMax: number;
  /**
   * Hands a packet over, in order and without loss: while the driver is not ready or has no room it waits, and resolves
   * when the driver has it. Leave the bytes alone until then. Nothing to wait for: undefined. Where the link is down, or
   * goes down meanwhile, the packet is lost and counted.
   */
  deliver(packet: Packet): void | Promise<void>;
  /** Hands a packet over now or never: what has no room is dropped and counted. False: it was. */
  offer(packet: Packet): boolean;
  /** The cable: a change reaches the driver as a configuration interrupt. Up to begin with. */
  setCarrier(up: boolean): void;
  /** Counts a frame that the back-end itself had to drop, by a reason in a word or two. */
  dropped(reason: string, frames?: number): void;
  log(message: string): void;
}

export interface NetBackend {
  /** True: takes packets with work left to do, as they are. Otherwise the device does the work first. */
  readonly takesOffloads?: boolean;
  /** The device is there; called once, before anything else. */
  attach(port: NetPort): void;
  /** The driver is ready to receive (again, after a reset). */
  started?(): void;
  /**
   * A frame from the driver, its bytes valid until this returns or resolves: copy them to keep them. A promise holds
   * the next frame back. A rejection is logged, and the frame counted as dropped.
   */
  send(packet: Packet): void | Promise<void>;
  /** The machine ends, or the device is pulled out. */
  close?(): void | Promise<void>;
  /** State for `--json` and stall reports. */
  describe?(): Record<string, unknown>;
}

export interface NetBackendDefinition {
  /** `args` is the device's option of that name. Throw `UsageError` for what the user did wrong. */
  open(options: { readonly args: string }): NetBackend | Promise<NetBackend>;
}

/** Gives a back-end its type; a module's default export is what `backend=./module.js` loads. */
export function defineNetBackend(definition: NetBackendDefinition): NetBackendDefinition {
  return definition;
}
