/**
 * The hot-plug controller: tells the guest which slots to look at, asks it for devices, and hears when it has let go
 * of one. What is in the slots is the host's business.
 */
import { allOnes, type Width } from "../bus/port-bus.ts";
import { HOT_PLUG } from "../wire/hot-plug.ts";
import type { FixedPorts } from "./pci-root.ts";

export class HotPlugController implements FixedPorts {
  readonly first = HOT_PLUG.changed;
  readonly end = HOT_PLUG.end;
  readonly #interrupt: () => void;
  readonly #ejected: (slot: number) => void;
  #changed = 0;
  #wanted = 0;

  /** `ejected`: the guest has let go of the device in a slot. */
  constructor(interrupt: () => void, ejected: (slot: number) => void) {
    this.#interrupt = interrupt;
    this.#ejected = ejected;
  }

  slotChanged(slot: number): void {
    this.#changed |= 1 << slot;
    // What went by itself need not be asked for any more.
    this.#wanted &= ~(1 << slot);
    this.#interrupt();
  }

  requestEject(slot: number): void {
    this.#wanted |= 1 << slot;
    this.#interrupt();
  }

  portRead(port: number, width: Width): number {
    if (width !== 4) return allOnes(width);
    if (port === HOT_PLUG.changed) {
      const slots = this.#changed;
      this.#changed = 0;
      return slots >>> 0;
    }
    if (port === HOT_PLUG.wanted) {
      const slots = this.#wanted;
      this.#wanted = 0;
      return slots >>> 0;
    }
    return 0;
  }

  portWrite(port: number, width: Width, value: number): void {
    if (port !== HOT_PLUG.eject || width !== 4) return;
    for (let slot = 0; slot < 32; slot++) if ((value >>> slot) & 1) this.#ejected(slot);
  }
}
