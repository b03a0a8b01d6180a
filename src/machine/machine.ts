/**
 * A machine: two workers over shared memory, started, run and stopped from the main thread. Every wait has a named
 * deadline, and whatever happens ends in a report with a verdict.
 */
import type { Remote } from "comlink";
import type { QueueRow } from "../observe/report/tables.ts";
import { Side, WorkerGoneError } from "./control.ts";
import { checkDescription, type MachineDescription, type MachineSpec } from "./description.ts";
import { MachineError, unwrap } from "./fault.ts";
import type {
  CountedViolation,
  Fault,
  GuestService,
  GuestState,
  HostService,
  HostState,
  Outcome,
} from "./protocol.ts";
import { type AttachedParts, allocateParts, attachParts, describeControl } from "./shared-parts.ts";
import { moduleUrl } from "./thread.ts";

export type Verdict = "completed" | "stalled" | "violated" | "crashed";

export interface RunReport {
  readonly verdict: Verdict;
  /** Why it is not "completed", in a sentence. */
  readonly reason: string | null;
  /** What the guest program returned. */
  readonly result: unknown;
  readonly fault: Fault | null;
  readonly violations: readonly CountedViolation[];
  /** Both sides' state when the run ended, where a side could still be asked. */
  readonly host: HostState | null;
  readonly guest: GuestState | null;
  /** One row per queue that a driver set up: what the driver counted, and the interrupts that the device counted. */
  readonly queues: readonly QueueRow[];
  /** The control page, for stalls: who sleeps on what, what is pending. */
  readonly control: ReturnType<typeof describeControl> | null;
}

/** How often a running machine is asked whether it moves, and how long a side may take to describe itself. */
const WATCH_MS = 1000;
const DESCRIBE_MS = 2000;
const BUSY_FACTOR = 3;

export class Machine {
  readonly spec: MachineSpec;
  /** Called about once a second with what the guest program says of its progress. */
  onProgress: (label: string, done: number, total: number) => void = () => undefined;
  readonly #parts: AttachedParts;
  readonly #host: Side<HostService>;
  readonly #guest: Side<GuestService>;
  #ended = false;

  /** Builds both workers, opens the devices, enumerates the bus and binds the drivers. */
  static async start(description: MachineDescription): Promise<Machine> {
    const machine = new Machine(checkDescription(description));
    try {
      await machine.#within("startMs", machine.#boot());
      return machine;
    } catch (error) {
      await machine.end();
      throw error;
    }
  }

  private constructor(spec: MachineSpec) {
    this.spec = spec;
    const parts = allocateParts(spec);
    this.#parts = attachParts(parts);
    this.#host = new Side("host", parts);
    this.#guest = new Side("guest", parts);
  }

  /**
   * Runs a guest program: the path or URL of a module whose default export is `defineGuest(…)`. Always resolves,
   * except for the caller's own mistakes (`UsageError`).
   */
  async run(program: string | URL, args: unknown = null): Promise<RunReport> {
    const watch = this.#watch();
    try {
      const outcome = await Promise.race([
        this.#guest.service.run({ module: moduleUrl(program), args }),
        watch.stalled,
        this.#host.gone,
        this.#guest.gone,
      ]);
      return await this.#report(null, unwrap(outcome));
    } catch (error) {
      if (error instanceof MachineError || error instanceof WorkerGoneError || error instanceof StallError) {
        return await this.#report(error, null);
      }
      throw error;
    } finally {
      watch.stop();
    }
  }

  /**
   * Asks a device for a change while the machine runs, e.g. `deviceCommand("balloon", "target", "8M")`; resolves with
   * the device's answer. Rejects with `UsageError` for a device, command or argument that does not exist.
   */
  async deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown> {
    return unwrap(await this.#alive<Outcome<unknown>>(this.#host.service.command({ device, command, args })));
  }

  /** Closes the devices (flushing what they hold) and ends both workers. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    try {
      await this.#within("stopMs", this.#host.service.stop());
    } finally {
      await this.end();
    }
  }

  /** Ends both workers now. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all([this.#guest.end(), this.#host.end()]);
  }

  async #boot(): Promise<void> {
    await this.#alive(Promise.all([this.#host.ready, this.#guest.ready]));
    unwrap(await this.#alive<Outcome<null>>(this.#host.service.start()));
    unwrap(await this.#alive<Outcome<null>>(this.#guest.service.start()));
  }

  #alive<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#host.gone, this.#guest.gone]);
  }

  async #within<T>(name: "startMs" | "stopMs", work: Promise<T>): Promise<T> {
    const limit = this.spec.deadlines[name];
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StallError(`deadline ${name} of ${limit} ms expired`)), limit);
    });
    try {
      return await Promise.race([work, expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Rejects `stalled` when requests are in flight, or the guest gives no answer, and nothing moves for too long. */
  #watch(): { stalled: Promise<never>; stop(): void } {
    const { stallMs } = this.spec.deadlines;
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    let moved = performance.now();
    let last = "";
    const look = async (): Promise<string | undefined> => {
      const progress = await answerWithin(DESCRIBE_MS, this.#guest.service.progress());
      const still = performance.now() - moved;
      // A guest program may compute for a while without returning to its event loop; not for ever.
      if (progress === undefined) {
        return still < BUSY_FACTOR * stallMs ? undefined : "the guest has not returned to its event loop";
      }
      if (progress.report !== null)
        this.onProgress(progress.report.label, progress.report.done, progress.report.total);
      const key = `${progress.outstanding} ${progress.completed} ${progress.sleeps}`;
      const idleByChoice = progress.outstanding === 0 && progress.waitsForOthers;
      if (idleByChoice || key !== last) moved = performance.now();
      last = key;
      return still < stallMs
        ? undefined
        : `${progress.outstanding} requests outstanding and nothing happened`;
    };
    const stalled = new Promise<never>((_, reject) => {
      const again = async () => {
        const reason = await look();
        if (stopped) return;
        if (reason !== undefined) reject(new StallError(`${reason} for ${stallMs} ms`));
        else timer = setTimeout(again, Math.min(WATCH_MS, stallMs / 2));
      };
      timer = setTimeout(again, Math.min(WATCH_MS, stallMs / 2));
    });
    stalled.catch(() => undefined);
    return {
      stalled,
      stop: () => {
        stopped = true;
        clearTimeout(timer);
      },
    };
  }

  async #report(
    error: MachineError | WorkerGoneError | StallError | null,
    result: unknown,
  ): Promise<RunReport> {
    const host = (await answerWithin(DESCRIBE_MS, this.#ask(this.#host))) ?? null;
    const guest = (await answerWithin(DESCRIBE_MS, this.#ask(this.#guest))) ?? null;
    const violations = host?.violations ?? [];
    const verdict = verdictOf(error, violations.length);
    return {
      verdict,
      reason: error?.message ?? (verdict === "violated" ? (violations[0]?.detail ?? null) : null),
      result,
      fault: error instanceof MachineError ? error.fault : error === null ? null : internalFault(error),
      violations,
      host,
      guest,
      queues: mergeQueues(host, guest),
      control: verdict === "stalled" ? describeControl(this.#parts) : null,
    };
  }

  #ask<State>(side: {
    service: Remote<{ describe(): Promise<State> }>;
    gone: Promise<never>;
  }): Promise<State> {
    const describe = side.service.describe as unknown as () => Promise<State>;
    return Promise.race([describe(), side.gone]);
  }
}

/** A bounded wait expired. */
class StallError extends Error {
  override readonly name = "StallError";
}

function verdictOf(error: Error | null, violations: number): Verdict {
  if (error instanceof StallError) return "stalled";
  if (error instanceof MachineError && error.fault.kind === "timeout") return "stalled";
  if (error !== null) return "crashed";
  return violations > 0 ? "violated" : "completed";
}

function mergeQueues(host: HostState | null, guest: GuestState | null): QueueRow[] {
  return (guest?.queues ?? []).map((queue) => {
    const device = host?.functions.find((each) => each.name.startsWith(`${queue.busName} `));
    const counters = device?.queues[queue.index]?.counters;
    return {
      ...queue,
      interruptsSent: counters?.interruptsSent ?? 0,
      interruptsSuppressed: counters?.interruptsSuppressed ?? 0,
    };
  });
}

const internalFault = (error: Error): Fault => ({
  kind: "internal",
  message: error.message,
  stack: error.stack ?? error.message,
});

/** The answer, or undefined if it does not come in time or the worker is gone. */
async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
