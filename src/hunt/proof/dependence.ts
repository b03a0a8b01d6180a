/**
 * When two steps of different actors may not be swapped: then both orders are worth exploring. Steps commute unless
 * they touch a common byte and one of them writes, meet in one waiter list, or concern one processor's interrupts.
 */
import { ACCESS, isWrite } from "../../memory/scheduled-memory.ts";
import { MOVE } from "../pending.ts";

/** What an actor did, or is about to do. */
export interface Step {
  readonly actor: number;
  /** Whose code runs: an interrupt runs on its thread. An event is alone, and concerns a thread. */
  readonly process: number;
  readonly concerns: number;
  readonly kind: number;
  readonly memory: number;
  readonly offset: number;
  readonly bytes: number;
  /** The word that says whether an interrupt is pending, where one would be taken here; -1: none would be. */
  readonly interruptWord: number;
}

export function dependent(a: Step, b: Step): boolean {
  if (a.process === b.process || a.concerns === b.concerns) return true;
  if (writesWord(a, b.interruptWord) || writesWord(b, a.interruptWord)) return true;
  if (a.memory !== b.memory || a.kind > MOVE.resume || b.kind > MOVE.resume) return false;
  if (a.offset >= b.offset + b.bytes || b.offset >= a.offset + a.bytes) return false;
  if (inWaiterList(a) && inWaiterList(b)) return true;
  if (a.kind === ACCESS.notify || b.kind === ACCESS.notify) return false;
  return isWrite(a.kind) || isWrite(b.kind);
}

/** Interrupt words lie in the control page, which is memory 0. */
const writesWord = (step: Step, word: number): boolean =>
  word >= 0 &&
  isWrite(step.kind) &&
  step.memory === 0 &&
  step.offset < word + 4 &&
  word < step.offset + step.bytes;

const inWaiterList = ({ kind }: Step): boolean =>
  kind === ACCESS.wait || kind === ACCESS.notify || kind === MOVE.resume;
