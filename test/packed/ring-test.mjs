/** Vitest in a stranger's project: one ring passes, one fails with a report, and the report's last line repeats it. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import "virtlab/vitest";
import { goodRing, plainRing } from "./ring.mjs";

test("a ring that is right passes", async () => {
  await expect(goodRing).toBeRaceFree();
});

test("a ring that is not fails, with a report that can be repeated", async () => {
  const error = await expect(plainRing)
    .toBeRaceFree()
    .then(
      () => undefined,
      (reason) => reason,
    );
  expect(error?.message).toMatch(/plain write of 4 bytes.*\n +at ring\.mjs:\d+/);
  expect(error?.message).toMatch(/atomic read of 4 bytes.*\n +at ring\.mjs:\d+/);
  const again = /virtlab (replay --file ring\.mjs) '(.*)'/.exec(error?.message ?? "");
  const words = [...(again?.[1] ?? "").split(" "), again?.[2] ?? ""];
  const { status, stdout } = spawnSync("npx", ["virtlab", ...words], { encoding: "utf8" });
  expect(stdout).toContain("data race on 4 bytes");
  expect(status).toBe(1);
});
