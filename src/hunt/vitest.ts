/** `import "virtlab/vitest"` in a test, or as one of Vitest's `setupFiles`: `await expect(scenario).toBeRaceFree()`. */
import { expect } from "vitest";
import { raceMatchers } from "./proof/matchers.ts";
import type { ProofOptions } from "./proof/prove.ts";

expect.extend(raceMatchers);

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: as Vitest declares it.
  interface Matchers<T = any> {
    /** Every interleaving explored, no data race, and nothing that the scenario itself objects to. */
    toBeRaceFree(options?: Partial<ProofOptions>): Promise<void>;
  }
}
