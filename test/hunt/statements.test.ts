/** The monitor as an oracle of hunts: which statement of the specification a failing execution breaks. */
import { describe, expect, it } from "vitest";
import { runCampaign } from "../../src/hunt/campaign.ts";
import { Hunter, type HuntTarget } from "../../src/hunt/hunter.ts";
import { ownLane } from "../../src/hunt/lanes.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { formatReplay, parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import { formatRecording } from "../../src/hunt/report/text.ts";

async function hunting<T>(target: HuntTarget, use: (hunter: Hunter) => Promise<T>): Promise<T> {
  const hunter = await Hunter.start(target);
  try {
    return await use(hunter);
  } finally {
    await hunter.close();
  }
}

/** The first failing execution, written down. */
const failureOf = (target: HuntTarget) =>
  hunting(target, async (hunter) => {
    const { finding, log } = await runCampaign([ownLane(hunter)], { schedules: 2000 });
    const recording = await hunter.record("log", log);
    return { finding, recording, actors: hunter.actors };
  });

describe("the monitor in a hunt", () => {
  // Rings that were set up before anybody watched, MSI-X through the bus, a transport that resets.
  it.each(["index-wrap", "mask", "reset"])("finds nothing in %s", async (name) => {
    const batch = await hunting({ scenario: findScenario(name), monitor: true }, (hunter) =>
      hunter.run({ policy: "portfolio", count: 60 }),
    );
    expect(batch.executions).toBe(60);
    expect(batch.findings).toEqual([]);
  });

  it("names what a defect breaks, whatever oracle complained, though nobody asked for it", async () => {
    const scenario = findScenario("late-kick");
    const { finding, recording } = await failureOf({ scenario, defect: "R22" });
    expect(finding?.oracle).not.toBe("O11 statements");
    expect(recording.statements).toEqual([expect.stringMatching(/^must: SPLIT-DRV-26: 00:01\.0: /)]);
    expect(formatRecording(recording)).toContain(
      "It breaks a statement of the specification: must: SPLIT-DRV-26",
    );
  });

  it("is an oracle where it is asked for, and its failures can be repeated", async () => {
    const scenario = findScenario("event-index");
    const { finding, recording, actors } = await failureOf({ scenario, defect: "R21", monitor: true });
    expect(finding).toMatchObject({
      oracle: "O11 statements",
      text: expect.stringContaining("SPLIT-DEV-22"),
    });
    const { draws, switches } = recording;
    const text = formatReplay(
      { scenario: "event-index", defect: "R21", draws, switches, monitor: true },
      actors,
    );
    expect(text).toContain(":needs=monitor:");
    const line = parseReplay(text);
    const again = await hunting({ ...line, scenario }, (hunter) =>
      hunter.run({ policy: "switches" }, replayInput(line)),
    );
    expect(again.findings[0]?.oracle).toBe("O11 statements");
  });
});
