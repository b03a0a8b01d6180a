import { describe, expect, test } from "vitest";
import { LECTURES, type Lecture } from "../../src/hunt/litmus/lectures.ts";
import { runLive } from "../../src/hunt/litmus/live.ts";
import { runLecture } from "../../src/hunt/litmus/run.ts";

const SECONDS_MAX = 60_000;
const graded = ({ outcomes }: Lecture, forbidden: boolean): string[] =>
  Object.keys(outcomes)
    .filter((outcome) => forbidden || outcomes[outcome]?.grade !== "forbidden")
    .sort();

describe("a litmus lecture", () => {
  test.each(LECTURES)(
    "$number, $name: has every outcome that is allowed and no other; its twin has the forbidden one too",
    async (lecture) => {
      const good = await runLecture(lecture, false);
      const twin = await runLecture(lecture, true);
      expect([good.complete, twin.complete]).toEqual([true, true]);
      expect(Object.keys(good.outcomes).sort()).toEqual(graded(lecture, false));
      expect(Object.keys(twin.outcomes).sort()).toEqual(graded(lecture, true));
    },
    SECONDS_MAX,
  );

  test(
    "on real threads has no outcome that is not allowed",
    async () => {
      const lecture = LECTURES.find(({ name }) => name === "dekker");
      if (lecture === undefined) throw new Error("no such lecture");
      const { times, outcomes } = await runLive(lecture, false, 0);
      expect(times).toBe(256);
      expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(times);
      expect(graded(lecture, false)).toEqual(expect.arrayContaining(Object.keys(outcomes)));
    },
    SECONDS_MAX,
  );
});
