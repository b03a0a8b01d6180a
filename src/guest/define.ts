/** What a user writes: guest programs and drivers. */
import type { GuestMemory } from "./guest-memory.ts";
import type { IrqCore } from "./irq.ts";
import type { Pci } from "./pci/pci.ts";
import type { Log } from "./probe-error.ts";
import type { VirtioBus } from "./virtio/bus.ts";
import type { VirtioDriver } from "./virtio/types.ts";

/** Runs a guest program on another virtual CPU; resolves with its result. */
export type RunOn = (cpu: number, module: string | URL, args?: unknown) => Promise<unknown>;

export interface GuestContext {
  readonly virtio: VirtioBus;
  readonly pci: Pci;
  readonly irq: IrqCore;
  readonly memory: GuestMemory;
  readonly log: Log;
  /** What the caller gave the program: any structured-cloneable value. */
  readonly args: unknown;
  /** The virtual CPU that the program runs on, and how many the guest has, if this is the first. */
  readonly cpu: number;
  readonly cpus: number;
  /**
   * From CPU 0: runs another program on another CPU, on a thread of its own. Of devices with several queues it finds
   * there the part that the CPU has been given.
   */
  readonly runOn: RunOn;
  /** Says how far the program is; whoever runs it may show it. */
  progress(label: string, done: number, total: number): void;
}

export type GuestProgram<Result = unknown> = (context: GuestContext) => Promise<Result>;

/** Gives a program its type; a module's default export is what `virtlab run --guest ./module.js` loads. */
export function defineGuest<Result>(program: GuestProgram<Result>): GuestProgram<Result> {
  return program;
}

/** Gives a driver its type: what its probe returns is what `virtio.find(driver)` finds. */
export function defineDriver<Data>(driver: VirtioDriver<Data>): VirtioDriver<Data> {
  return driver;
}
