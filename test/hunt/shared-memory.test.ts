import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { prove, raceMatchers, type Scenario, sharedMemory } from "../../src/hunt/index.ts";
import { goodRing, lock, lostUpdate, plainRing } from "./programs.ts";

const SECONDS_MAX = 60_000;
const file = fileURLToPath(new URL("programs.ts", import.meta.url));
const verdict = (scenario: Scenario) => raceMatchers.toBeRaceFree({ scenario, file });

describe("a user's own shared-memory code", () => {
  test.each([goodRing, lock])(
    "$name is proved free of races",
    async (scenario) => {
      const { pass, message } = await verdict(scenario);
      expect(message()).toMatch(/^proved/);
      expect(pass).toBe(true);
    },
    SECONDS_MAX,
  );

  test(
    "a ring whose index is stored plainly is refuted, with both accesses and the schedule",
    async () => {
      const { pass, message } = await verdict(plainRing);
      expect(pass).toBe(false);
      expect(message()).toMatch(/O10 data race: .*producer's plain write .* value 0x2/s);
      expect(message()).toMatch(/no atomic publish and look/);
      expect(message()).toMatch(/decisions: [\d ]+/);
    },
    SECONDS_MAX,
  );

  test(
    "an update that is lost without any race is found by the program's own check",
    async () => {
      const proof = await prove({ scenario: lostUpdate, file });
      expect(proof.findings).toMatchObject([{ oracle: "check", text: "counted 1 of 2" }]);
    },
    SECONDS_MAX,
  );

  test("an impossible program is refused at once", () => {
    const body = (): void => {};
    expect(() => sharedMemory({ name: "alone", words: 1, threads: { a: body } })).toThrow(
      /at least 2, got 1/,
    );
    expect(() => sharedMemory({ name: "none", threads: { a: body, b: body } })).toThrow(/nothing is shared/);
    expect(() => sharedMemory({ name: "many", words: 5000, threads: { a: body, b: body } })).toThrow(
      /words: expected 1 to 4096, got 5000/,
    );
  });
});
