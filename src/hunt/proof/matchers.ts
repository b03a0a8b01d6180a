/** For Vitest and Jest: `await expect(scenario).toBeRaceFree()`. `virtlab/vitest` adds it to Vitest's `expect`. */
import { relative } from "node:path";
import type { HuntTarget } from "../hunter.ts";
import type { Scenario } from "../scenario.ts";
import { type Proof, type ProofOptions, prove, statement, targetOf } from "./prove.ts";

export const raceMatchers = {
  /** Every interleaving explored, no data race, and nothing that the scenario itself objects to. */
  async toBeRaceFree(
    subject: Scenario | HuntTarget,
    options: Partial<ProofOptions> = {},
  ): Promise<{ pass: boolean; message: () => string }> {
    const target = targetOf(subject);
    const proof = await prove(target, options);
    return {
      pass: proof.complete && proof.findings.length === 0,
      message: () => [statement(proof, target.scenario.summary), ...detailsOf(proof, target.file)].join("\n"),
    };
  },
};

/** What was found, and the command that repeats it. */
export function detailsOf({ findings, report, replay }: Proof, file: string | undefined): string[] {
  const found = report ?? findings.map(({ oracle, text }) => `${oracle}: ${text}`);
  const where = file === undefined ? "" : `--file ${relative(process.cwd(), file)} `;
  const again =
    replay === undefined ? [] : ["", "Again, step by step:", `  virtlab replay ${where}'${replay}'`];
  return found.length === 0 ? [] : ["", ...found, ...again];
}
