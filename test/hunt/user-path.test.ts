/** A device and a scenario of the user's own, as docs/hunting.md has them: the bug is found, and its repair is quiet. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario, loadHuntModule } from "../../src/hunt/load.ts";
import { formatReplay, parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import { readInWords } from "../../src/hunt/report/reading.ts";
import { shrink } from "../../src/hunt/shrink.ts";

const EXAMPLE = readFileSync(new URL("../packed/doubler.mjs", import.meta.url), "utf8");
const GUIDE = readFileSync(new URL("../../docs/hunting.md", import.meta.url), "utf8");
const LIBRARY = new URL("../../src/hunt/index.ts", import.meta.url).href;
const SECONDS_MAX = 60_000;
const folder = mkdtempSync(join(tmpdir(), "virtlab-user-"));

afterAll(() => rmSync(folder, { recursive: true }));

/** The example after the guide's `diff`. */
function repaired(): string {
  const [, diff = ""] = /```diff\n([\s\S]*?)```/.exec(GUIDE) ?? [];
  const side = (other: string): string =>
    diff
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith(other))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  expect(EXAMPLE).toContain(side("+"));
  return EXAMPLE.replace(side("+"), side("-"));
}

async function hunterOf(name: string, text: string): Promise<Hunter> {
  const file = join(folder, name);
  writeFileSync(file, text.replace('"virtlab/hunt"', JSON.stringify(LIBRARY)));
  const [scenario] = (await loadHuntModule(file)).scenarios;
  if (scenario === undefined) throw new Error("the module has no scenario");
  return await Hunter.start({ scenario, file });
}

test("the guide shows the example as it is", () => {
  expect(GUIDE).toContain(EXAMPLE);
});

test(
  "its bug is found, explained and repeated by its line",
  async () => {
    const hunter = await hunterOf("doubler.mjs", EXAMPLE);
    const { log } = await hunter.run({ policy: "portfolio", count: 10_000 });
    const { recording, switches, draws, critical } = await shrink(hunter, log);
    expect(recording.findings[0]?.text).toBe("no answer to 2");
    expect(switches.length).toBeLessThanOrEqual(4);
    expect(readInWords(recording, critical).join(" ")).toContain("No kick followed");
    const line = formatReplay({ scenario: "doubler", defect: undefined, draws, switches }, hunter.actors);
    const { scenarios } = await loadHuntModule(join(folder, "doubler.mjs"));
    const again = await hunter.record("switches", replayInput(parseReplay(line, scenarios)));
    expect(again.hash).toBe(recording.hash);
    await hunter.close();
  },
  SECONDS_MAX,
);

test(
  "its repair is quiet",
  async () => {
    const hunter = await hunterOf("repaired.mjs", repaired());
    const { findings, executions } = await hunter.run({ policy: "portfolio", count: 2000 });
    expect(findings).toEqual([]);
    expect(executions).toBe(2000);
    await hunter.close();
  },
  SECONDS_MAX,
);

test(
  "the guide's defect in TypeScript is planted, also where a package is CommonJS",
  async () => {
    const [, defect = ""] = /```ts\n(import \{ defineDefect[\s\S]*?)```/.exec(GUIDE) ?? [];
    const file = join(folder, "my-defect.ts");
    writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
    writeFileSync(file, defect.replace('"virtlab/hunt"', JSON.stringify(LIBRARY)));
    const hunter = await Hunter.start({ scenario: findScenario("flags"), defect: "mine", file });
    const { findings } = await hunter.run({ policy: "portfolio", count: 10_000 });
    expect(findings[0]?.oracle).toBe("O1 quiescence");
    await hunter.close();
  },
  SECONDS_MAX,
);
