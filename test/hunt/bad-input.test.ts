/** What is not a race: wrong names, old lines, scenarios that do not repeat themselves, never end, throw, or die. */
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { huntCommand } from "../../src/cli/commands/hunt.ts";
import { proveCommand } from "../../src/cli/commands/prove.ts";
import { explainCommand, replayCommand } from "../../src/cli/commands/replay.ts";

const ODD = fileURLToPath(new URL("odd-scenarios.ts", import.meta.url));
const SECONDS_MAX = 30_000;
const COMMANDS = { hunt: huntCommand, prove: proveCommand, replay: replayCommand, explain: explainCommand };

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** A command as the shell would run it, in this process. */
async function run(name: keyof typeof COMMANDS, ...args: string[]) {
  let stdout = "";
  let stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
  await COMMANDS[name]().parseAsync(args, { from: "user" });
  return { code: process.exitCode, stdout, stderr };
}

describe("wrong names are refused with the nearest one", () => {
  test.each([
    ["hunt", ["flaggs"], 'unknown scenario "flaggs" (did you mean flags?)'],
    ["hunt", ["--defect", "R3"], 'unknown defect "R3" (did you mean R03?)'],
    ["hunt", ["--policy", "portfolo"], 'unknown policy "portfolo" (did you mean portfolio?)'],
    ["hunt", ["--file", "./nowhere.js"], "./nowhere.js cannot be loaded"],
    ["hunt", ["--defect", "R12"], "R12: not planted"],
    ["hunt", ["--policy", "dfs", "--shard", "1/2"], "every part would be the same"],
    ["hunt", ["--jobs", "0"], '--jobs: expected a whole number from 1 to 256, got "0"'],
    ["hunt", ["--seconds", "Infinity"], "--seconds: expected seconds, above 0"],
    ["hunt", ["--seconds", "0x10"], "--seconds: expected seconds, above 0"],
    ["hunt", ["--seed", "4294967296"], "--seed: expected a whole number from 0 to 4294967295"],
    ["hunt", ["--from", "2147483648"], "--from: expected a whole number from 0 to 2147483647"],
    ["prove", ["publish-9"], 'unknown scenario "publish-9" (did you mean publish-1?)'],
    ["prove", ["publish-1", "--defect", "R999"], 'unknown defect "R999"'],
    ["prove", ["publish-1", "--defect", "R12"], "R12: not planted"],
    ["prove", [], "which scenario?"],
    ["prove", ["empty", "--file", ODD], "empty is empty: it has no threads"],
    ["prove", ["idle", "--file", ODD], "no thread touched the scenario's shared memory"],
    ["prove", ["forgetful", "--file", ODD], "does not repeat itself: at step"],
    ["explain", ["flagz"], "did you mean flags?"],
    ["replay", ["flagz:-:draws=:"], "did you mean flags?"],
    ["replay", ["flags:R99:draws=:"], 'unknown defect "R99"'],
    [
      "replay",
      ["flags:-:draws=:guest@driver.publish-avail.idy#1>host"],
      "did you mean driver.publish-avail.idx?",
    ],
    ["replay", ["flags:-:draws=:hosts@isr.set#1>guest"], "did you mean host?"],
    ["replay", ["flags"], "expected scenario:defect:draws=…:switches"],
  ] as const)("%s %j: %s", async (name, args, message) => {
    await expect(run(name, ...args)).rejects.toThrow(message);
  });
});

describe("a scenario that goes wrong is one clear finding", () => {
  test.each([
    ["endless", "O9 bounded work: no end after 200 accesses"],
    ["throwing", "exception: RangeError: my own callback fell over"],
    [
      "forgetful",
      /the first did "driver: buffer = \d+", and a second time the first did "driver: buffer = \d+", under the same schedule/,
    ],
    ["dying", "threads: a thread ended"],
  ])(
    "%s",
    async (scenario, finding) => {
      const { code, stdout } = await run("hunt", scenario, "--file", ODD, "--schedules", "50");
      expect(stdout).toMatch(finding);
      expect(stdout.split("FOUND").length).toBe(2);
      expect(code).toBe(1);
    },
    SECONDS_MAX,
  );
});

test(
  "a line whose places have gone is followed as far as it goes, and then under its seed",
  async () => {
    const line =
      "flags:R33:draws=:guest@driver.publish-avail.idx#2>host,host@device.write-used.flags#99>guest";
    const { code, stdout } = await run("replay", line);
    expect(stdout).toContain("1 of the line's switches did not come about: the code has changed since.");
    expect(stdout).toContain("Went on under its seed");
    expect(stdout).toContain("Found again, elsewhere:\n  virtlab replay 'flags:R33:draws=:");
    expect(code).toBe(1);
  },
  SECONDS_MAX,
);

test(
  "a run that passes is explained as a failure is, also where its page cannot be written",
  async () => {
    const page = ["--report", "/nowhere/page.html"];
    const { code, stdout, stderr } = await run("explain", "flags", "--seed", "3", ...page);
    expect(stderr).toContain("virtlab: --report /nowhere/page.html: cannot be written: ENOENT");
    expect(stdout).toMatch(/guest +guest irq +host|guest +host/);
    expect(stdout).toContain("driver: publish avail.idx = 1");
    expect(code).toBe(0);
  },
  SECONDS_MAX,
);
