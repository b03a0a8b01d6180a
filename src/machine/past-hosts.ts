/**
 * What hosts that were killed had found. Their threads tell it as they find it, each finding and violation once: nobody
 * can ask them afterwards.
 */
import { mergeFindings } from "../monitor/monitor.ts";
import type { CountedViolation, HostNews, HostState } from "./protocol.ts";
import { countViolation } from "./violations.ts";

export class PastHosts {
  /** What the host that lives has told: it will say that itself, and how often, if it is asked. */
  #told: HostNews[] = [];
  readonly #past: HostNews[] = [];

  readonly hear = (news: HostNews): void => {
    this.#told.push(news);
  };

  /** The host was killed, and all that its threads told is here. */
  killed(): void {
    this.#past.push(...this.#told);
    this.#told = [];
  }

  /** What the host says of itself, and before it what those had told that are dead. */
  before(host: HostState): HostState {
    const violations: CountedViolation[] = [];
    for (const news of this.#past) if (news.kind === "violation") countViolation(violations, news.violation);
    const findings = this.#past.flatMap((news) => (news.kind === "finding" ? [news.finding] : []));
    return {
      ...host,
      findings: host.findings && mergeFindings([findings, host.findings]),
      violations: [...violations, ...host.violations],
    };
  }
}
