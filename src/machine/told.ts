/**
 * What hosts told as they found it, each finding and violation once. A host that was killed, has crashed or does not
 * answer cannot be asked; one that can knows best how often.
 */
import { type Finding, mergeFindings } from "../monitor/monitor.ts";
import type { CountedViolation, Found, HostNews } from "./protocol.ts";
import { mergeViolations } from "./violations.ts";

export class Told {
  #violations: readonly CountedViolation[] = [];
  /** Null: nobody watched, or found anything. */
  #findings: readonly Finding[] | null = null;

  readonly hear = (news: HostNews): void => {
    if (news.kind === "finding") this.#findings = mergeFindings([this.#findings ?? [], [news.finding]]);
    else this.#violations = mergeViolations([this.#violations, [{ ...news.violation, count: 1 }]]);
  };

  /** With what the host says that there is now, if it says anything. */
  with(host: Found | null): Found {
    const lists = [this.#findings, host?.findings ?? null].filter((findings) => findings !== null);
    return {
      violations: mergeViolations([this.#violations, host?.violations ?? []]),
      findings: lists.length === 0 ? null : mergeFindings(lists),
    };
  }
}
