import { afterEach, describe, expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { formatReplay, parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import { formatPage } from "../../src/hunt/report/page.ts";
import { readInWords } from "../../src/hunt/report/reading.ts";
import { formatRecording } from "../../src/hunt/report/text.ts";
import { shrink } from "../../src/hunt/shrink.ts";
import { site } from "../../src/wire/sites.ts";

const SECONDS_MAX = 60_000;
let hunter: Hunter | undefined;

afterEach(async () => {
  await hunter?.close();
  hunter = undefined;
});

describe("shrinking", () => {
  test.each([
    ["flags", "R33", 4],
    ["reset", "R44", 4],
    // It takes many preemptions, or one actor that always goes first.
    ["reset", "R59", 0],
  ] as const)(
    "%s with %s comes down to %i switches at most, and its line repeats it",
    async (scenario, defect, most) => {
      hunter = await Hunter.start({ scenario: findScenario(scenario), defect });
      const batch = await hunter.run({ policy: "portfolio", count: 20_000, seed: 2 });
      const oracle = batch.findings[0]?.oracle;
      const { switches, draws, favoured, recording } = await shrink(hunter, batch.log);
      expect(recording.findings[0]?.oracle).toBe(oracle);
      expect(switches.length).toBeLessThanOrEqual(most);

      const line = parseReplay(formatReplay({ scenario, defect, draws, switches, favoured }, hunter.actors));
      const again = await hunter.record("switches", replayInput(line));
      expect(again.hash).toBe(recording.hash);
    },
    SECONDS_MAX,
  );

  test(
    "a failure is shown in a column per actor, in words, and as a page",
    async () => {
      hunter = await Hunter.start({ scenario: findScenario("flags"), defect: "R33" });
      const batch = await hunter.run({ policy: "portfolio", count: 20_000, seed: 2 });
      const { recording } = await shrink(hunter, batch.log);
      expect(formatRecording(recording)).toMatch(/guest +host/);
      expect(readInWords(recording).join("\n")).toContain("The driver published avail.idx 2");
      const page = formatPage(recording, { subject: "flags", line: "virtlab replay …" });
      expect(page).toContain("device: write used.flags = 0");
      expect(page).toContain("/src/host/virtqueue/device-queue.ts:");
    },
    SECONDS_MAX,
  );
});

describe("replay line", () => {
  const { actors } = { actors: [{ id: 0, name: "guest", kind: "thread", thread: 0 } as const] };

  test("is read back as it was written", () => {
    const written = {
      scenario: "flags",
      defect: "R33",
      draws: [1, 0],
      switches: [{ actor: 0, site: site("driver: publish avail.idx"), occurrence: 2, to: 0 }],
    };
    const text = formatReplay(written, actors);
    expect(text).toBe("flags:R33:draws=1.0:guest@driver.publish-avail.idx#2>guest");
    expect(parseReplay(text)).toEqual(written);
  });

  test.each([
    ["flags", "expected scenario:defect:draws="],
    ["flagz:-:draws=:", "did you mean flags?"],
    ["flags:-:draws=:guest@nowhere#1>host", "not actor@site#occurrence>actor"],
    ["flags:-:draws=:driver@isr.set#1>host", 'no actor "driver"'],
  ])("%s is refused: %s", (text, message) => {
    expect(() => parseReplay(text)).toThrow(message);
  });
});
