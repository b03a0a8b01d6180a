/**
 * A proof: every interleaving of a scenario explored, each held against its oracles and against the definition of a
 * data race. Race-free programs are sequentially consistent (arXiv 2005.10554), so what holds in all of them holds in
 * every behaviour that an engine or a processor may show.
 */
import { UsageError } from "../../host/device.ts";
import { goesAstray } from "../determinism.ts";
import { Hunter, type HuntTarget } from "../hunter.ts";
import { type LanePool, withLanes } from "../lanes.ts";
import { explainRace, stacksOf } from "../races/report.ts";
import { formatReplay } from "../replay-line.ts";
import type { Scenario } from "../scenario.ts";
import { type SearchOptions, type SearchResult, TreeSearch } from "./tree-search.ts";

export interface ProofOptions extends SearchOptions {
  /** False: oracles only, to see a race happen rather than named. No proof, then. */
  readonly races: boolean;
}

export const PROOF_DEFAULTS: ProofOptions = {
  search: "reduced",
  seconds: 60,
  stopAtFinding: true,
  races: true,
};

export interface Proof extends SearchResult {
  readonly scenario: string;
  readonly search: "reduced" | "plain";
  /** Whether the race detector watched. */
  readonly races: boolean;
  /** Interleavings that there may be, guessed from a few hundred random ones before the search. */
  readonly estimate: number;
  /** What repeats the finding: `virtlab replay LINE`. */
  readonly replay?: WrittenDown["replay"];
  /** The finding in full: of a race, with both stacks. */
  readonly report?: WrittenDown["report"];
}

/** What is known while a search runs; the estimate before it starts. */
export type ProofProgress = Pick<Proof, "estimate" | "executions" | "share" | "seconds">;

const PROBES = 200;

/** A scenario by itself is loaded from the module that made it. */
export const targetOf = (subject: Scenario | HuntTarget): HuntTarget =>
  "scenario" in subject ? subject : { scenario: subject, file: subject.file };

/** With `jobs`, so many hunters share a search that takes its time. */
export async function prove(
  subject: Scenario | HuntTarget,
  { jobs = 1, ...given }: Partial<ProofOptions> & { readonly jobs?: number } = {},
  progress: (now: ProofProgress) => void = () => {},
): Promise<Proof> {
  return await withLanes(jobs, (pool) => proveOn(pool, subject, given, progress));
}

/** The same on the threads of a pool that serves several proofs. */
export async function proveOn(
  pool: LanePool,
  subject: Scenario | HuntTarget,
  given: Partial<ProofOptions> = {},
  progress: (now: ProofProgress) => void = () => {},
): Promise<Proof> {
  const options = { ...PROOF_DEFAULTS, ...given };
  const { search, races } = options;
  const hunter = await Hunter.start({ ...targetOf(subject), races });
  const { scenario } = hunter.target;
  try {
    const probe = await hunter.run({
      policy: "exhaust",
      search: "probe",
      count: PROBES,
      stopAtFinding: false,
    });
    if (probe.accesses === 0 && probe.findings.length === 0) throw untouched(scenario);
    const estimate = probe.schedules;
    const astray = await goesAstray(hunter, 1);
    if (astray !== undefined)
      throw new UsageError(
        `${scenario.name}: ${astray}. State outside shared memory must not survive an execution.`,
      );
    const tree = new TreeSearch(pool.lanes(hunter), options, (now) => progress({ ...now, estimate }));
    const proof: Proof = { scenario: scenario.name, search, races, estimate, ...(await tree.run()) };
    return proof.findings.length > 0 && options.stopAtFinding
      ? { ...proof, ...(await writeDown(hunter, proof)) }
      : proof;
  } finally {
    await hunter.close();
  }
}

/** Nothing to explore: most likely the memory that the program works on is not the memory that is watched. */
const untouched = ({ name }: Scenario): UsageError =>
  new UsageError(
    `${name}: no thread touched the scenario's shared memory: there is nothing to explore. What is watched are \`words\` and the buffers that its ` +
      "module or its `setup` makes; not buffers that a thread's own function makes, nor Buffer, WebAssembly or native code.",
  );

/** A finding in full, and what repeats it. */
export interface WrittenDown {
  readonly replay: string;
  readonly report: readonly string[];
}

/** Repeats the finding with both stacks taken. */
export async function writeDown(
  hunter: Hunter,
  { log, races }: Pick<Proof, "log" | "races">,
): Promise<WrittenDown> {
  const recording = await hunter.record("log", log);
  const { scenario, defect, weak } = hunter.target;
  const { draws, switches, findings } = recording;
  const line = { scenario: scenario.name, defect, draws, switches, races, weak };
  const names = hunter.actors.map(({ name }) => name);
  return {
    replay: formatReplay(line, hunter.actors),
    report: findings.flatMap(({ oracle, text, race }) =>
      race === undefined ? [`${oracle}: ${text}`] : explainRace(race, names, stacksOf(recording)),
    ),
  };
}

/** What a proof says, and within which bounds; or how far it came. */
export function statement(proof: Proof, summary: string): string {
  const { executions, pruned, classes } = proof;
  if (proof.findings.length > 0) return `refuted: ${proof.scenario}, after ${executions} executions`;
  if (!proof.complete) {
    const share = `${(100 * proof.share).toPrecision(3)} %`;
    const far = `${executions} executions, about ${share} of the tree as known so far`;
    return proof.interrupted
      ? `not proved: ${proof.scenario} was interrupted after ${proof.seconds.toFixed(0)} s: ${far}`
      : `not proved: ${proof.scenario} is too large for ${proof.seconds.toFixed(0)} s: ${far}. Fewer buffers, devices or ` +
          "rounds make it smaller; --seconds gives it longer.";
  }
  if (!proof.races)
    return `quiet: ${proof.scenario}: no oracle objects in any interleaving; races were not looked for`;
  const how =
    proof.search === "reduced"
      ? `${classes.length} classes of interleavings (of about ${rounded(proof.estimate)}), ${executions} executions, ${pruned} cut short`
      : `${executions} interleavings, in ${classes.length} classes`;
  return (
    `proved: ${proof.scenario} (${summary}) has no data race, and no oracle objects, in any interleaving: ${how}. ` +
    "So it holds under ECMAScript's memory model, not only interleaved. Bounds: the scenario's own sizes; a loop that " +
    "reads one word again and again is followed 4 turns between two writes of it; no wait ends by its time-out."
  );
}

export const rounded = (count: number): string =>
  count < 1e6 ? `${Math.round(count)}` : count.toExponential(0);
