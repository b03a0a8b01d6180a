/** All outcomes of a lecture's shape, or of its twin, over every interleaving. */
import { prove } from "../proof/prove.ts";
import type { Lecture } from "./lectures.ts";

export interface LitmusResult {
  readonly complete: boolean;
  readonly executions: number;
  /** Outcome to the number of classes of interleavings that end in it. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** An abort ends it before it is complete. */
export async function runLecture(
  lecture: Lecture,
  twin: boolean,
  signal?: AbortSignal,
): Promise<LitmusResult> {
  const weak = twin && lecture.weak.length > 0 ? { switches: lecture.weak, demoted: [] } : undefined;
  const proof = await prove(
    { scenario: (twin ? lecture.twin : lecture.good).scenario, weak },
    { stopAtFinding: false, races: false, ...(signal && { signal }) },
  );
  const outcomes: Record<string, number> = {};
  for (const { oracle, text } of proof.findings) {
    if (oracle === "check") outcomes[text] = (outcomes[text] ?? 0) + 1;
  }
  return { complete: proof.complete, executions: proof.executions, outcomes };
}
