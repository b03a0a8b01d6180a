/** What the parts of one network device share: facts, what the driver has set, and counters. */
import type { DeviceContext } from "../../host/index.ts";
import type { NetBackend } from "./backend.ts";
import { RxFilter } from "./filter.ts";
import { Steering } from "./steering.ts";

export class NetCounters {
  txFrames = 0;
  txBytes = 0;
  rxFrames = 0;
  rxBytes = 0;
  /** Not for this driver, by its own filters. */
  rxFiltered = 0;
  /** Packets whose checksum or segmentation the device did in software. */
  txOffloaded = 0;
  rxOffloaded = 0;
  commands = 0;
  commandErrors = 0;
  /** Lost frames, by reason. */
  readonly dropped: Record<string, number> = {};
}

export interface NetFacts {
  readonly backend: NetBackend;
  readonly pairsMax: number;
  /** Undefined: any frame that fits in the driver's buffers may pass. */
  readonly mtu: number | undefined;
  readonly frameBytesMax: number;
}

/** Why frames are lost while no cable is plugged in, in either direction. */
export const LINK_DOWN = "link down";

export class NetState {
  readonly facts: NetFacts;
  readonly counters = new NetCounters();
  readonly filter = new RxFilter();
  readonly steering = new Steering();
  /** From the driver's first look at the device on. */
  context: DeviceContext | undefined;
  /** Between DRIVER_OK and reset. */
  running = false;
  linkUp = true;
  activePairs = 1;

  constructor(facts: NetFacts) {
    this.facts = facts;
  }

  /** Counts lost frames; the first of a kind is a line in the log. */
  drop(reason: string, frames = 1): void {
    const { dropped } = this.counters;
    if (dropped[reason] === undefined) this.context?.log(`frames are dropped: ${reason}`);
    dropped[reason] = (dropped[reason] ?? 0) + frames;
  }

  /** Why nothing can be received now, or undefined. */
  get unready(): string | undefined {
    if (!this.linkUp) return LINK_DOWN;
    if (!this.running) return "driver not ready";
    return this.context?.busMaster ? undefined : "device asleep, or not to master the bus";
  }
}
