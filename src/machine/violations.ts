/** What drivers broke, kept for reports: each kind once, and how often. */
import type { Violation, ViolationSink } from "../host/violation.ts";
import { tellMain } from "./control.ts";
import type { CountedViolation, HostNews } from "./protocol.ts";

const MAX_VIOLATIONS_KEPT = 100;

/** True: it is the first of its kind, and kept. */
export function countViolation(violations: CountedViolation[], violation: Violation): boolean {
  const same = (known: Violation) =>
    known.kind === violation.kind && known.device === violation.device && known.queue === violation.queue;
  const at = violations.findIndex(same);
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
