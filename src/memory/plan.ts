/**
 * The memory plan: where everything that both threads share lies in the control page (guest RAM is a buffer of
 * its own). A pure function of the machine's shape, so each side computes the same offsets.
 */
import { alignUp } from "../wire/numbers.ts";
import { MSIX } from "../wire/pci.ts";
import { Doorbell } from "./doorbell.ts";

/** Cache line: structures written by different threads keep this distance. */
export const CACHE_LINE = 64;
export const MAX_FUNCTIONS = 32;
/** Queues of one function that the kick bitmap can name. */
export const MAX_QUEUES = 128;
export const KICK_WORDS = MAX_QUEUES / 32;
/** What a function says of itself: four words, and two for each queue. */
export const CARD_BYTES = 16 + 8 * MAX_QUEUES;
export const INTX_LINES = 4;
export const VECTOR_WORDS = 8;
export const MAILBOX_SLOTS = 256;
export const MAILBOX_RECORD_BYTES = 16;

/** Offsets of one virtual CPU's structures. */
export interface CpuPlan {
  readonly doorbell: number;
  /** Word: bits 0-7 say which vector words are non-empty, bits 8-11 which INTx lines were asserted. */
  readonly summary: number;
  readonly vectors: number;
  readonly mailboxHead: number;
  readonly mailboxTail: number;
  readonly mailboxReply: number;
  readonly mailboxRecords: number;
  /** Words: calls asked of this CPU, and done by it. See `bus/thread-call.ts`. */
  readonly callAsked: number;
  readonly callDone: number;
}

/** Where a host thread's kicks arrive. */
export interface KickPlan {
  readonly doorbell: number;
  /** Word: which functions have kick bits. */
  readonly kickSummary: number;
  /** By function: its bits. */
  readonly kicks: readonly number[];
}

/** Offsets of one extra host thread's structures. */
export interface IoThreadPlan extends KickPlan {
  readonly callAsked: number;
  readonly callDone: number;
}

/** Offsets of one PCI function's shared state. */
export interface FunctionPlan {
  readonly isr: number;
  readonly msixControl: number;
  readonly msixPending: number;
  readonly msixTable: number;
  readonly kicks: number;
  /** Word: notify port | queue count << 16, or 0 while the fast path does not apply. */
  readonly notifyPort: number;
  /** A word for each queue: the number of the I/O thread that serves it; 0: the host's own thread. */
  readonly servers: number;
  /** See `bus/function-card.ts`. */
  readonly card: number;
}

export interface ControlPlan {
  readonly bytes: number;
  readonly runState: number;
  readonly hostDoorbell: number;
  /** Word: which functions have kick bits. */
  readonly kickSummary: number;
  readonly intxLines: number;
  readonly cpus: readonly CpuPlan[];
  readonly functions: readonly FunctionPlan[];
  readonly ioThreads: readonly IoThreadPlan[];
}

/** Of the host's first thread. */
export const mainKicks = ({ hostDoorbell, kickSummary, functions }: ControlPlan): KickPlan => ({
  doorbell: hostDoorbell,
  kickSummary,
  kicks: functions.map(({ kicks }) => kicks),
});

export interface MachineShape {
  readonly cpus: number;
  readonly functions: number;
  /** Host threads beside its first; default 0. */
  readonly ioThreads?: number;
}

export function planControl(shape: MachineShape): ControlPlan {
  if (shape.functions > MAX_FUNCTIONS) throw new RangeError(`at most ${MAX_FUNCTIONS} functions`);
  let next = CACHE_LINE;
  const take = (bytes: number, align = CACHE_LINE): number => {
    const offset = alignUp(next, align);
    next = offset + bytes;
    return offset;
  };
  const runState = take(CACHE_LINE);
  const hostDoorbell = take(Doorbell.BYTES);
  const kickSummary = take(CACHE_LINE);
  const intxLines = take(4 * INTX_LINES);
  const cpus = Array.from({ length: shape.cpus }, () => ({
    doorbell: take(Doorbell.BYTES),
    summary: take(4),
    vectors: take(4 * VECTOR_WORDS, 4),
    mailboxHead: take(4),
    mailboxTail: take(4),
    mailboxReply: take(8),
    mailboxRecords: take(MAILBOX_SLOTS * MAILBOX_RECORD_BYTES),
    callAsked: take(4),
    callDone: take(4),
  }));
  const functions = Array.from({ length: shape.functions }, () => ({
    isr: take(4),
    msixControl: take(4),
    msixPending: take(MSIX.maxVectors / 8, 8),
    msixTable: take(MSIX.maxVectors * MSIX.entryBytes),
    kicks: take(4 * KICK_WORDS),
    notifyPort: take(4),
    servers: take(4 * MAX_QUEUES),
    card: take(CARD_BYTES),
  }));
  const ioThreads = Array.from({ length: shape.ioThreads ?? 0 }, () => ({
    doorbell: take(Doorbell.BYTES),
    kickSummary: take(4),
    kicks: functions.map(() => take(4 * KICK_WORDS)),
    callAsked: take(4),
    callDone: take(4),
  }));
  return {
    bytes: alignUp(next, CACHE_LINE),
    runState,
    hostDoorbell,
    kickSummary,
    intxLines,
    cpus,
    functions,
    ioThreads,
  };
}
