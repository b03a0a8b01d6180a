import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { cliHere } from "../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "virtlab-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

it.each(["device", "driver"])(
  "virtlab attack %s has what it has when it is interrupted, and says so with its exit code",
  async (what) => {
    const interrupting = fileURLToPath(new URL("../stress/own/interrupting-device.ts", import.meta.url));
    const words = ["attack", what, "rng", interrupting, "blk", "--inputs", "1000", "--seed", "5", "--json"];
    const { code, stdout } = await cliHere(...words);
    const { reports } = JSON.parse(stdout);
    // Nothing is known of one that was not begun.
    expect(reports).toMatchObject([
      { device: "rng", finding: null },
      { device: "interrupting", inputs: 0, proofs: 0, finding: null },
    ]);
    expect(reports).toHaveLength(2);
    expect(reports[0].inputs).toBeGreaterThanOrEqual(1000);
    expect(code).toBe(130);
  },
);

describe("what virtlab attack found", () => {
  const own = (name: string) => fileURLToPath(new URL(`../stress/own/${name}-device.ts`, import.meta.url));
  const line = (stdout: string) => /^again: virtlab (.*)$/m.exec(stdout)?.[1] ?? "";

  it("is found again by its line, in a module of the user's with options too", async () => {
    const word = `${own("throwing")},slot=3`;
    const { code, stdout } = await cliHere("attack", "device", word, "--inputs", "1000", "--seed", "5");
    expect(code).toBe(1);
    expect(line(stdout)).toMatch(/ --seed 5 --round \d+ --only \d+(,\d+)*$/);
    expect(line(stdout)).toContain(`attack device ${word} `);
    const again = await cliHere(...line(stdout).split(" "));
    expect(again.stdout).toContain("TypeError: not what I expected");
  });

  it("before Ctrl-C left no time to shrink it, as well: with the round that was asked for", async () => {
    const words = ["attack", "device", own("last-straw"), "--seed", "5", "--round", "7"];
    const { code, stdout } = await cliHere(...words);
    expect(code).toBe(1);
    expect(line(stdout)).toMatch(/ --seed 5 --round 7 --inputs \d+$/);
    const again = await cliHere(...line(stdout).split(" "));
    expect(line(again.stdout)).toBe(line(stdout));
  });
});

it.each([
  [["toString"], "expected one of device, driver"],
  [["device", "rng", "--corpus"], "line 2: expected"],
])("virtlab attack refuses %j: exit code 2", async (args, message) => {
  const corpus = join(folder, "rounds.jsonl");
  writeFileSync(corpus, '{"attack":"device","device":"rng","round":1,"why":"new code"}\nnull\n');
  const { code, stderr } = await cliHere("attack", ...args, ...(args.at(-1) === "--corpus" ? [corpus] : []));
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});
