/**
 * The monitor: asks the rules at each moment and keeps what they find. One per thread that is watched; the findings
 * of several are merged.
 */
import type { Device } from "./model.ts";
import type { MomentName, Moments, Rule } from "./moments.ts";
import { type Audience, Observer, type ObserverOptions } from "./observer.ts";
import { RuleBook } from "./rule-book.ts";
import { NOTES, RULES } from "./rules/index.ts";
import { STATEMENTS, type Strength, statementOf, TOLERATED } from "./statements/index.ts";

export interface Finding {
  readonly id: string;
  readonly strength: Strength;
  /** The slot, and its type where it is known. */
  readonly device: string;
  /** Queue index, or -1 where it concerns registers. */
  readonly queue: number;
  /** In the protocol's words, the first time. */
  readonly detail: string;
  readonly count: number;
  /** Why it is put up with, if it is. */
  readonly tolerated: string | null;
}

export interface MonitorReport {
  /** Statements that are checked. */
  readonly checked: number;
  readonly findings: readonly Finding[];
}

export const CHECKED: ReadonlySet<string> = new Set(RULES.map(({ id }) => id));
const FINDINGS_MAX = 1000;

/** Found while the last answer might have been nobody's. */
interface Doubt {
  readonly id: string;
  readonly device: Device;
  readonly queue: number;
  readonly detail: string;
  /** The device's answers by then: one more proves that it was there. */
  readonly answers: number;
}

const BOOK = new RuleBook([...RULES, ...NOTES]);

export class Monitor implements Audience {
  readonly book = BOOK;
  readonly observer: Observer;
  readonly #findings = new Map<string, Finding>();
  readonly #tolerate: boolean;
  readonly #told: (finding: Finding) => void;
  #doubts: readonly Doubt[] = [];

  /** `told` hears of each finding when it is found for the first time. */
  constructor(
    options: ObserverOptions & { readonly tolerate?: boolean; readonly told?: (finding: Finding) => void },
  ) {
    this.#tolerate = options.tolerate ?? true;
    this.#told = options.told ?? (() => {});
    this.observer = new Observer(options, this);
  }

  get findings(): readonly Finding[] {
    this.#settle(({ device }) => !device.lost);
    return [...this.#findings.values()];
  }

  ask<Name extends MomentName>(rules: readonly Rule<Name>[], moment: Moments[Name]): void {
    for (let at = 0; at < rules.length; at++) {
      const rule = rules[at] as Rule<Name>;
      const detail = rule.test(moment);
      if (typeof detail === "string") this.#judge(rule.id, moment.device, queueOf(moment), detail);
    }
  }

  #judge(id: string, device: Device, queue: number, detail: string): void {
    const { doubtful, answers } = device.view;
    if (this.#doubts.length > 0) this.#settle();
    if (!doubtful) this.#found(id, device, queue, detail);
    else if (this.#doubts.length < FINDINGS_MAX) {
      this.#doubts = [...this.#doubts, { id, device, queue, detail, answers }];
    }
  }

  /** Counts what was found in doubt where the device has answered since, or `believed` says so. */
  #settle(believed: (doubt: Doubt) => boolean = () => false): void {
    const doubts = this.#doubts;
    this.#doubts = [];
    for (const doubt of doubts) {
      const { id, device, queue, detail, answers } = doubt;
      if (device.view.answers > answers || believed(doubt)) this.#found(id, device, queue, detail);
      else if (!device.lost) this.#doubts = [...this.#doubts, doubt];
    }
  }

  #found(id: string, device: Device, queue: number, detail: string): void {
    const key = `${id} ${device.view.slot} ${queue}`;
    const known = this.#findings.get(key);
    if (known !== undefined) this.#findings.set(key, { ...known, count: known.count + 1 });
    else if (this.#findings.size < FINDINGS_MAX) {
      const { strength } = statementOf(id);
      const tolerated = this.#tolerate ? (TOLERATED[id] ?? null) : null;
      const finding = { id, strength, device: device.view.name, queue, detail, count: 1, tolerated };
      this.#findings.set(key, finding);
      this.#told(finding);
    }
  }
}

function queueOf(moment: object): number {
  const { queue } = moment as { queue?: { index: number } };
  return queue?.index ?? -1;
}

/** What several monitors of one machine found: the same breach seen from both ends is one. */
export function mergeFindings(lists: readonly (readonly Finding[])[]): Finding[] {
  const merged = new Map<string, Finding>();
  for (const finding of lists.flat()) {
    const key = `${finding.id} ${finding.device} ${finding.queue}`;
    const known = merged.get(key);
    merged.set(key, known === undefined || known.count < finding.count ? finding : known);
  }
  const rank: Record<Strength, number> = { MUST: 0, IMPLIED: 1, SHOULD: 2 };
  return [...merged.values()].sort((a, b) => rank[a.strength] - rank[b.strength] || a.id.localeCompare(b.id));
}

/** Of all sides that were watched; null where none was. */
export function monitorReport(
  sides: readonly (readonly Finding[] | null | undefined)[],
): MonitorReport | null {
  const lists = sides.filter((findings) => findings !== null && findings !== undefined);
  return lists.length === 0 ? null : { checked: CHECKED.size, findings: mergeFindings(lists) };
}

/** A machine whose monitor finds one of these has failed. */
export const breaksMust = ({ strength, tolerated }: Finding): boolean =>
  strength === "MUST" && tolerated === null;

/**
 * What a run broke: the MUSTs, which fail it, and the rest, which is worth a look. What is tolerated is in neither.
 *
 *     const machine = await Machine.start({ ...description, watch: { monitor: true } });
 *     const report = await machine.run(program, args);
 *     const { must, other } = brokenStatements(report.monitor);
 */
export function brokenStatements(report: MonitorReport | null): Record<"must" | "other", readonly Finding[]> {
  const broken = (report?.findings ?? []).filter(({ tolerated }) => tolerated === null);
  return { must: broken.filter(breaksMust), other: broken.filter((finding) => !breaksMust(finding)) };
}

/** A finding in one line: "must: SPLIT-DRV-14: 00:04.0 queue 0: avail.idx never goes backwards: …". */
export function describeFinding({ id, strength, device, queue, detail, count, tolerated }: Finding): string {
  const where = `${device}${queue < 0 ? "" : ` queue ${queue}`}`;
  const line = `${id}: ${where}: ${statementOf(id).text}: ${detail}${count > 1 ? ` (${count} times)` : ""}`;
  return tolerated === null ? `${strength.toLowerCase()}: ${line}` : `tolerated: ${line} (${tolerated})`;
}

/** For lists: each statement, and whether it is checked. */
export const coverage = () => STATEMENTS.map((each) => ({ ...each, checked: CHECKED.has(each.id) }));
