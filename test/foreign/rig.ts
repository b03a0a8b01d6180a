/** A guest of ours with devices of somebody's, in the test's thread: what the acceptance suite runs on. */
import type { Guest } from "../../src/guest/guest.ts";
import type { InterruptChoice } from "../../src/guest/virtio/types.ts";
import type { DeviceDescription } from "../../src/machine/description.ts";

export interface RigOptions {
  readonly devices: readonly DeviceDescription[];
  readonly tier: InterruptChoice;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
}

export interface Rig {
  readonly guest: Guest;
  /** What the guest's drivers had to say. */
  readonly log: readonly string[];
  /** Lets both sides run until the promise has settled. */
  run<T>(result: Promise<T>): Promise<T>;
  /** Lets both sides run until the condition holds; fails after a while. */
  until(what: string, holds: () => boolean): Promise<void>;
  /** `Machine.deviceCommand`, on whatever devices these are. */
  deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown>;
  close(): Promise<void>;
}

export type CreateRig = (options: RigOptions) => Promise<Rig>;

const WAIT_MS = 10_000;

/** Both waits of a rig, from what one turn of its sides is. */
export function waits(turn: () => void): Pick<Rig, "run" | "until"> {
  async function until(what: string, holds: () => boolean): Promise<void> {
    const end = performance.now() + WAIT_MS;
    while (!holds()) {
      if (performance.now() > end) throw new Error(`waited ${WAIT_MS} ms in vain: ${what}`);
      turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return {
    until,
    async run(result) {
      let settled = false;
      const settle = () => {
        settled = true;
      };
      result.then(settle, settle);
      await until("a result", () => settled);
      return result;
    },
  };
}
