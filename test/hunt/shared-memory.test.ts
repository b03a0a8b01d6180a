import { describe, expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { explore, prove, raceMatchers, type Scenario, sharedMemory } from "../../src/hunt/index.ts";
import { parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import "../../src/hunt/vitest.ts";
import {
  asleep,
  behind,
  everyView,
  goodRing,
  lock,
  lostUpdate,
  plainRing,
  twoWords,
  views,
} from "./programs.ts";

const SECONDS_MAX = 60_000;
const verdict = (scenario: Scenario) => raceMatchers.toBeRaceFree(scenario);

describe("a user's own shared-memory code", () => {
  test.each([goodRing, lock, everyView, twoWords])(
    "$name is proved free of races",
    async (scenario) => {
      await expect(scenario).toBeRaceFree();
    },
    SECONDS_MAX,
  );

  test(
    "a ring whose index is stored plainly is refuted: both accesses, values and stacks, and what repeats it",
    async () => {
      const { pass, message } = await verdict(plainRing);
      expect(pass).toBe(false);
      const text = message();
      expect(text).toMatch(/^refuted: plain-ring/);
      expect(text).toMatch(
        /producer's plain write of 4 bytes of ram\+0x0, value 0x2\n +at .*programs\.ts:\d+/,
      );
      expect(text).toMatch(
        /consumer's atomic read of 4 bytes of ram\+0x0, value 0x\d\n +at .*programs\.ts:\d+/,
      );
      expect(text).toMatch(/missing: the first is not atomic, and no atomic publish and look/);
      expect(text).toMatch(/tearing: none/);
      const line = /virtlab replay --file (\S+programs\.ts) '(.*)'/.exec(text);
      expect(line?.[2]).toMatch(/^plain-ring:-:draws=:needs=races:/);
      const replay = parseReplay(line?.[2] ?? "", [plainRing]);
      const { races, weak } = replay;
      const hunter = await Hunter.start({ scenario: plainRing, file: line?.[1], races, weak });
      try {
        const recording = await hunter.record("switches", replayInput(replay));
        expect(new Set(recording.findings.map(({ oracle }) => oracle))).toEqual(new Set(["O10 data race"]));
      } finally {
        await hunter.close();
      }
    },
    SECONDS_MAX,
  );

  test(
    "schedules of a program that is not proved are held against the definition, too",
    async () => {
      const { finding, report } = await explore(views, { seconds: 10 });
      expect(finding).toMatchObject({
        oracle: "O10 data race",
        text: expect.stringContaining("they may tear"),
      });
      expect(report?.join("\n")).toMatch(/bulk write of 8 bytes.*programs\.ts:\d+.*tearing: one may see/s);
    },
    SECONDS_MAX,
  );

  test.each([
    ["an update that is lost without any race", lostUpdate, "check", "counted 1 of 2"],
    ["a wait that nobody ends", asleep, "O1 quiescence", "left sleeps, and nobody is left to wake it"],
  ])(
    "%s is found",
    async (_, scenario, oracle, text) => {
      const { findings } = await prove(scenario);
      expect(findings).toMatchObject([{ oracle, text: expect.stringContaining(text) }]);
    },
    SECONDS_MAX,
  );

  test(
    "memory that is not watched is said to be so, where nothing else is touched",
    async () => {
      await expect(prove(behind)).rejects.toThrow(/behind: no thread touched the scenario's shared memory/);
    },
    SECONDS_MAX,
  );

  const body = (): void => {};
  test.each([
    ["one thread", { words: 1, threads: { a: body } }, /at least 2, got 1/],
    ["no thread", { words: 1, threads: {} }, /at least 2, got 0/],
    ["no memory", { threads: { a: body, b: body } }, /nothing is shared/],
    ["too many words", { words: 5000, threads: { a: body, b: body } }, /words: expected 1 to 4096, got 5000/],
    ["half a word", { words: 1.5, threads: { a: body, b: body } }, /words: expected 1 to 4096, got 1.5/],
    [
      "too few bytes",
      { words: 4, bytes: 8, threads: { a: body, b: body } },
      /bytes: expected 16 to \d+, got 8/,
    ],
  ])("an impossible program is refused at once: %s", (_, program, message) => {
    expect(() => sharedMemory({ name: "none", ...program })).toThrow(message);
  });
});
