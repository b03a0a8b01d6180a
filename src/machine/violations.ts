/** What drivers broke, kept for reports: each kind once, and how often. */
import type { Violation } from "../host/violation.ts";
import type { CountedViolation } from "./protocol.ts";

const MAX_VIOLATIONS_KEPT = 100;

export function countViolation(violations: CountedViolation[], violation: Violation): void {
  const same = (known: Violation) =>
    known.kind === violation.kind && known.device === violation.device && known.queue === violation.queue;
  const at = violations.findIndex(same);
  const known = violations[at];
  if (known !== undefined) violations[at] = { ...known, count: known.count + 1 };
  else if (violations.length < MAX_VIOLATIONS_KEPT) violations.push({ ...violation, count: 1 });
}
