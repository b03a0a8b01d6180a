/** The systematic search of one scenario, on as many lanes as have something to do. */
import { setTimeout as sleep } from "node:timers/promises";
import { inLanes } from "../../machine/pool.ts";
import type { Batch } from "../hunter.ts";
import { Bell, type Lane } from "../lanes.ts";
import type { Justified } from "../races/detector.ts";
import { noteJustified } from "../races/orderings.ts";
import { raceKey } from "../races/report.ts";
import type { Finding } from "../thread.ts";
import { Frontier, type Piece } from "./frontier.ts";

export interface SearchOptions {
  /** Classes of equivalent interleavings, or every single one. */
  readonly search: "reduced" | "plain";
  readonly seconds: number;
  readonly stopAtFinding: boolean;
  /** Hold each execution against the definition of a data race. */
  readonly races: boolean;
  /** Note what orders plain accesses. */
  readonly justify?: boolean;
  /** Ends the search before its time. */
  readonly signal?: AbortSignal;
  /** How long the first lane is alone, and executions in one batch at most. */
  readonly aloneMs?: number;
  readonly batch?: number;
}

export interface SearchResult {
  /** True: nothing is left to explore. */
  readonly complete: boolean;
  /** Ended before its time. */
  readonly interrupted: boolean;
  readonly executions: number;
  /** Executions given up because nothing new lay beyond. */
  readonly pruned: number;
  /** Classes of interleavings that differ in more than the order of steps that commute. */
  readonly classes: readonly number[];
  readonly share: number;
  readonly accesses: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** Pairs of places, one of them plain, and what orders them; only if asked for. */
  readonly justified: readonly Justified[];
  /** The decisions of the failing execution. */
  readonly log: readonly number[];
}

/** How long a hunter works on its part of the tree before it is asked whether others have nothing to do. */
const BATCH_MS = 1000;
const PIECE_MS = 100;
/** A search that lasts longer than this is spread over all lanes: most are done before another hunter would have begun. */
const ALONE_MS = 1000;
/** As many as a batch keeps. */
const FINDINGS_KEPT = 100;

export class TreeSearch {
  readonly #lanes: readonly Lane[];
  readonly #options: SearchOptions;
  readonly #progress: (now: SearchResult) => void;
  readonly #frontier = new Frontier();
  readonly #classes = new Set<number>();
  readonly #justified = new Map<string, Justified>();
  readonly #findings = new Map<string, Finding>();
  readonly #begun = performance.now();
  /** Rings when there may be something to do again. */
  readonly #changed = new Bell();
  readonly #end = new AbortController();
  #log: readonly number[] = [];
  #executions = 0;
  #pruned = 0;
  #accesses = 0;
  #idle = 0;

  /** The first lane begins. */
  constructor(lanes: readonly Lane[], options: SearchOptions, progress: (now: SearchResult) => void) {
    this.#lanes = lanes;
    this.#options = options;
    this.#progress = progress;
  }

  async run(): Promise<SearchResult> {
    const { signal } = this.#options;
    const stop = (): void => this.#lanes[0]?.stop();
    signal?.addEventListener("abort", stop);
    this.#progress(this.#result);
    await Promise.all(
      this.#lanes.map(async (lane, at) => {
        if (at > 0) await this.#arrival(lane);
        await inLanes([lane], () => this.#turn(lane));
      }),
    );
    signal?.removeEventListener("abort", stop);
    return this.#result;
  }

  async #arrival(lane: Lane): Promise<void> {
    const { signal } = this.#end;
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await sleep(this.#options.aloneMs ?? ALONE_MS, undefined, { signal }).catch(() => {});
    if (!signal.aborted) await Promise.race([lane.ready(), ended]);
  }

  /** One batch of one piece. False: the search is over. */
  async #turn(lane: Lane): Promise<boolean> {
    if (this.#over) return false;
    const piece = this.#frontier.take();
    if (piece === undefined) {
      this.#idle++;
      await this.#changed.next();
      this.#idle--;
      return true;
    }
    const { search, races, stopAtFinding, seconds, justify = false } = this.#options;
    const most = this.#options.batch ?? Number.MAX_SAFE_INTEGER;
    const batch = await lane.run({
      ...{ policy: "exhaust", search, races, justify, stopAtFinding, first: this.#executions },
      subtree: this.#frontier.subtree(piece),
      count: stopAtFinding ? most : Math.min(most, FINDINGS_KEPT),
      milliseconds: Math.min(this.#lanes.length > 1 ? PIECE_MS : BATCH_MS, 1000 * (seconds - this.#seconds)),
    });
    this.#note(piece, batch);
    this.#changed.ring();
    if (this.#over) this.#end.abort();
    return true;
  }

  #note(piece: Piece, batch: Batch): void {
    this.#frontier.giveBack(piece, batch.searched, batch.share, this.#idle > 0);
    if (this.#findings.size === 0) this.#log = batch.log;
    this.#executions += batch.executions;
    this.#accesses += batch.accesses;
    this.#pruned += batch.pruned;
    noteJustified(this.#justified, batch.justified);
    for (const each of batch.searched.classes) this.#classes.add(each);
    for (const finding of batch.findings) {
      const { race, oracle, execution, text } = finding;
      // A race that several executions show is one.
      const key = race === undefined ? `${execution} ${oracle} ${text}` : raceKey(race);
      if (!this.#findings.has(key)) this.#findings.set(key, finding);
    }
    this.#progress(this.#result);
  }

  get #over(): boolean {
    const { stopAtFinding, seconds, signal } = this.#options;
    return (
      this.#frontier.exhausted ||
      (stopAtFinding && this.#findings.size > 0) ||
      this.#seconds >= seconds ||
      signal?.aborted === true
    );
  }

  get #seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  get #result(): SearchResult {
    return {
      complete: this.#frontier.exhausted,
      interrupted: this.#options.signal?.aborted === true && !this.#frontier.exhausted,
      executions: this.#executions,
      pruned: this.#pruned,
      classes: [...this.#classes],
      share: this.#frontier.share,
      accesses: this.#accesses,
      seconds: this.#seconds,
      findings: [...this.#findings.values()],
      justified: [...this.#justified.values()],
      log: this.#log,
    };
  }
}
