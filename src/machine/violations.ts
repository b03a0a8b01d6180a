/** What drivers broke, kept for reports: each kind once, and how often. */
import type { Violation, ViolationSink } from "../host/violation.ts";
import { tellMain } from "./control.ts";
import type { CountedViolation, HostNews } from "./protocol.ts";

const MAX_VIOLATIONS_KEPT = 100;

const isSame = (one: Violation, other: Violation): boolean =>
  one.kind === other.kind && one.device === other.device && one.queue === other.queue;

/** Of several accounts: each kind once, as often as the one says that knows of most. */
export function mergeViolations(lists: readonly (readonly CountedViolation[])[]): CountedViolation[] {
  const merged: CountedViolation[] = [];
  for (const violation of lists.flat()) {
    const at = merged.findIndex((known) => isSame(known, violation));
    if (at < 0) merged.push(violation);
    else if (violation.count > (merged[at] as CountedViolation).count) merged[at] = violation;
  }
  return merged;
}

/** True: it is the first of its kind, and kept. */
export function countViolation(violations: CountedViolation[], violation: Violation): boolean {
  const at = violations.findIndex((known) => isSame(known, violation));
  const known = violations[at];
  if (known !== undefined) violations[at] = { ...known, count: known.count + 1 };
  if (known !== undefined || violations.length === MAX_VIOLATIONS_KEPT) return false;
  violations.push({ ...violation, count: 1 });
  return true;
}

/** Of a thread that may be killed at any moment: each kind is told to the main thread at once. */
export const toldViolations =
  (violations: CountedViolation[]): ViolationSink =>
  (violation) => {
    if (countViolation(violations, violation)) tellMain({ kind: "violation", violation } satisfies HostNews);
  };
