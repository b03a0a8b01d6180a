/**
 * One run of a guest program, whatever the guest's machine is: watched for stalls, raced against whatever may die
 * meanwhile, and put into a verdict.
 */
import { type MonitorReport, monitorReport } from "../monitor/monitor.ts";
import type { QueueRow } from "../observe/report/tables.ts";
import type { Recordings } from "../observe/report/trace-file.ts";
import { type Side, WorkerGoneError } from "./control.ts";
import type { Controlled } from "./control-server.ts";
import { counted } from "./counted.ts";
import type { MachineDescription, MachineSpec } from "./description.ts";
import { MachineError, toFault, unwrap } from "./fault.ts";
import type {
  CountedViolation,
  Fault,
  Found,
  GuestProgress,
  GuestService,
  GuestState,
  HostState,
  ProgramRequest,
} from "./protocol.ts";
import type { describeControl } from "./shared-parts.ts";

export type Verdict = "completed" | "stalled" | "violated" | "crashed";

export interface RunReport {
  /** Whose devices the guest had: "virtlab", "QEMU 7.2.22 (pc)". */
  readonly counterpart: string;
  readonly verdict: Verdict;
  /** Why it is not "completed", in a sentence. */
  readonly reason: string | null;
  /** What the guest program returned. */
  readonly result: unknown;
  readonly fault: Fault | null;
  readonly violations: readonly CountedViolation[];
  /** What the monitor found, at both sides; null where none watched. */
  readonly monitor: MonitorReport | null;
  /** Both sides' state when the run ended, where a side could still be asked. */
  readonly host: HostState | null;
  readonly guest: GuestState | null;
  /** One row per queue that a driver set up: what the driver counted, and the interrupts that the device counted. */
  readonly queues: readonly QueueRow[];
  /** The control page, for stalls: who sleeps on what, what is pending. */
  readonly control: ReturnType<typeof describeControl> | null;
}

export type { Recordings };
export type OnProgress = (label: string, done: number, total: number) => void;

/** What runs guest programs: `Machine`, and what stands in its place. */
export interface RunnableMachine {
  readonly spec: MachineSpec;
  onProgress: OnProgress;
  run(program: string | URL, args?: unknown): Promise<RunReport>;
  deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown>;
  stop(): Promise<void>;
  /** Newest events of both threads, where the machine keeps any: also of one that is stuck or has ended. */
  recordings?(): Recordings | null;
  /** What a control socket asks of it. */
  readonly controlled?: Controlled;
}

export type StartMachine = (description: MachineDescription) => Promise<RunnableMachine>;

/** How often a running machine is asked whether it moves, and how long a side may take to describe itself. */
const WATCH_MS = 1000;
const DESCRIBE_MS = 2000;
const BUSY_FACTOR = 3;

/** A bounded wait expired. */
export class StallError extends Error {
  override readonly name = "StallError";
}

/** What may end a run without being the caller's mistake. */
export type RunError = MachineError | WorkerGoneError | StallError;

export interface Run {
  readonly error: RunError | null;
  readonly result: unknown;
}

export interface RunOptions {
  readonly stallMs: number;
  readonly onProgress: OnProgress;
  /** Adds what other CPUs of the guest do to CPU 0's progress. */
  readonly withOthers?: (first: GuestProgress) => Promise<GuestProgress>;
  /** Reject when something that the run needs has died; never resolve. */
  readonly gone: readonly Promise<never>[];
  /** Why nothing need move now: somebody has taken a part of the machine away for a while. */
  readonly excused?: () => boolean;
}

/** Always resolves, except for the caller's own mistakes (`UsageError`). */
export async function runProgram(
  guest: Side<GuestService>,
  request: ProgramRequest,
  options: RunOptions,
): Promise<Run> {
  const watch = watchProgress(guest, options);
  try {
    const running = guest.service.run(request);
    const outcome = await Promise.race([running, watch.stalled, guest.gone, ...options.gone]);
    return { error: null, result: unwrap(outcome) };
  } catch (error) {
    if (error instanceof MachineError || error instanceof WorkerGoneError || error instanceof StallError) {
      return { error, result: null };
    }
    throw error;
  } finally {
    watch.stop();
  }
}

/** Rejects `stalled` when requests are in flight, or the guest gives no answer, and nothing moves for too long. */
function watchProgress(
  guest: Side<GuestService>,
  { stallMs, onProgress, withOthers = async (first) => first, excused = () => false }: RunOptions,
): { stalled: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let moved = performance.now();
  let last = "";
  const look = async (): Promise<string | undefined> => {
    const progress = await answerWithin(DESCRIBE_MS, guest.service.progress().then(withOthers));
    if (excused()) moved = performance.now();
    const still = () => performance.now() - moved;
    // A guest program may compute for a while without returning to its event loop; not for ever.
    if (progress === undefined) {
      const limit = BUSY_FACTOR * stallMs;
      return still() < limit ? undefined : `the guest has not returned to its event loop for ${limit} ms`;
    }
    if (progress.report !== null)
      onProgress(progress.report.label, progress.report.done, progress.report.total);
    const key = `${progress.outstanding} ${progress.completed} ${progress.sleeps}`;
    const idleByChoice = progress.outstanding === 0 && progress.waitsForOthers;
    if (idleByChoice || key !== last) moved = performance.now();
    last = key;
    // Also an answer that was long in coming may tell of movement.
    return still() < stallMs
      ? undefined
      : `${counted(progress.outstanding, "request")} outstanding and nothing happened for ${stallMs} ms`;
  };
  const stalled = new Promise<never>((_, reject) => {
    const again = async () => {
      const reason = await look();
      if (stopped) return;
      if (reason !== undefined) reject(new StallError(reason));
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

const NOTHING_FOUND: Found = { violations: [], findings: null };

/** Both sides' state, where they still answer, and what they and the run add up to. `found` where a host told more. */
export function reportOf(
  counterpart: string,
  { error, result }: Run,
  host: HostState | null,
  guest: GuestState | null,
  { violations, findings }: Found = host ?? NOTHING_FOUND,
): RunReport {
  const verdict = verdictOf(error, violations.length);
  return {
    counterpart,
    verdict,
    reason: error?.message ?? (verdict === "violated" ? (violations[0]?.detail ?? null) : null),
    result,
    fault: error instanceof MachineError ? error.fault : error === null ? null : internalFault(error),
    violations,
    monitor: monitorReport([findings, guest?.findings]),
    host,
    guest,
    queues: mergeQueues(host, guest),
    control: null,
  };
}

/** Null if the side gives no answer, or is gone. */
export const describeSide = async <State>(side: Describable<State>): Promise<State | null> =>
  (await accountOf(side, DESCRIBE_MS)).state;

/** A side's state, or why there is none: it may be asked for longer than is usual. */
export async function accountOf<State>(
  side: Describable<State>,
  atLeastMs = DESCRIBE_MS,
): Promise<{ readonly state: State | null; readonly error: RunError | null }> {
  const describe = side.service.describe as unknown as () => Promise<State>;
  const limitMs = Math.max(DESCRIBE_MS, atLeastMs);
  try {
    const state = await withinDeadline("describe", limitMs, Promise.race([describe(), side.gone]));
    return { state, error: null };
  } catch (error) {
    return { state: null, error: silence(side.name, error, limitMs) };
  }
}

type Describable<State> = Side<{ describe(): Promise<State> }>;

function silence(side: string, error: unknown, limitMs: number): RunError {
  if (error instanceof WorkerGoneError) return error;
  if (error instanceof StallError)
    return new StallError(`the ${side} has not returned to its event loop for ${limitMs} ms`);
  return new MachineError(toFault(error, "internal"));
}

/**
 * Stops the machine after its work, whatever comes of it. A device that cannot be closed in order may have lost what
 * it held: then the run has not completed.
 */
export async function workThenStop<Done extends { readonly report: RunReport }>(
  machine: RunnableMachine,
  work: () => Promise<Done>,
): Promise<Done> {
  let done: Done;
  try {
    done = await work();
  } catch (error) {
    await machine.stop().catch(() => undefined);
    throw error;
  }
  try {
    await machine.stop();
    return done;
  } catch (error) {
    // A machine that crashed or stalled may not be able to stop in order; the report says so already.
    if (done.report.fault !== null) return done;
    const fault = toFault(error, "internal");
    const verdict = error instanceof StallError ? "stalled" : "crashed";
    const reason = `the devices were not closed in order: ${fault.message}`;
    return { ...done, report: { ...done.report, verdict, reason, fault } };
  }
}

/** Rejects with a `StallError` that names the deadline when the work takes longer. */
export async function withinDeadline<T>(name: string, limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StallError(`deadline ${name} of ${limitMs} ms expired`)), limitMs);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function verdictOf(error: Error | null, violations: number): Verdict {
  if (error instanceof StallError) return "stalled";
  if (error instanceof MachineError && error.fault.kind === "timeout") return "stalled";
  if (error !== null) return "crashed";
  return violations > 0 ? "violated" : "completed";
}

/** One row per queue, from both sides' counts. */
export function mergeQueues(host: HostState | null, guest: GuestState | null): QueueRow[] {
  return (guest?.queues ?? []).map((queue) => {
    const device = host?.functions.find((each) => each.name.startsWith(`${queue.busName} `));
    const { counters, ioThread = 0 } = device?.queues[queue.index] ?? {};
    return {
      ...queue,
      ioThread: host === null ? null : ioThread,
      interruptsSent: host === null ? null : (counters?.interruptsSent ?? 0),
      interruptsSuppressed: host === null ? null : (counters?.interruptsSuppressed ?? 0),
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
