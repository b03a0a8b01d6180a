/** For Vitest and Jest: `expect.extend(raceMatchers)`, then `await expect({ scenario, file }).toBeRaceFree()`. */
import type { HuntTarget } from "../hunter.ts";
import { type ProofOptions, prove, statement } from "./prove.ts";

export const raceMatchers = {
  /** Every interleaving explored, no data race, and nothing that the scenario itself objects to. */
  async toBeRaceFree(
    target: HuntTarget,
    options: Partial<ProofOptions> = {},
  ): Promise<{ pass: boolean; message: () => string }> {
    const proof = await prove(target, options);
    const said = statement(proof, target.scenario.summary);
    const findings = proof.findings.map(({ oracle, text }) => `  ${oracle}: ${text}`);
    const schedule = proof.findings.length > 0 ? [`  decisions: ${proof.log.join(" ")}`] : [];
    return {
      pass: proof.complete && proof.findings.length === 0,
      message: () => [said, ...findings, ...schedule].join("\n"),
    };
  },
};
