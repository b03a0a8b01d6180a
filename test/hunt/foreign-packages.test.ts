/** Shared-memory packages of other people, as they are and with one index stored plainly: what is found. */
import { describe, expect, test } from "vitest";
import { prove } from "../../src/hunt/index.ts";
import "../../src/hunt/vitest.ts";
import * as packages from "./foreign/packages.ts";

const SECONDS_MAX = 60_000;

describe("somebody else's package", () => {
  test.each([packages.ringbuf, packages.flatbush])(
    "$name, as it is, is proved free of races",
    async (scenario) => {
      await expect(scenario).toBeRaceFree();
    },
    SECONDS_MAX,
  );

  test.each([
    [packages.ringbufPlainWrite, "ringbuf.js"],
    [packages.flatbushPlain, "flatbush"],
    [packages.awaitSync, "await-sync"],
    [packages.awaitSyncPlain, "await-sync"],
  ])(
    "$name races, and the stacks lead into $1",
    async (scenario, name) => {
      const { findings, report } = await prove(scenario);
      expect(new Set(findings.map(({ oracle }) => oracle))).toEqual(new Set(["O10 data race"]));
      expect(report?.join("\n")).toContain(`node_modules/${name}/`);
    },
    SECONDS_MAX,
  );

  test(
    "await-sync's race is no formality: interleaving alone makes it return bytes that were not written yet",
    async () => {
      const { findings } = await prove(packages.awaitSync, { races: false });
      expect(findings).toMatchObject([{ oracle: "check", text: "the answer is 0,0,0" }]);
    },
    SECONDS_MAX,
  );
});
