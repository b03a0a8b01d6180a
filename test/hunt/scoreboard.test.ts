import { expect, test } from "vitest";
import { findDefect } from "../../src/hunt/load.ts";
import { scoreAll } from "../../src/hunt/scoreboard.ts";

test("a row has the same keys whether its defect has a note or not", async () => {
  const [noted, plain] = await scoreAll(
    [findDefect("R04"), findDefect("R33")],
    ["portfolio"],
    { schedules: 500 },
    { jobs: 1 },
  );
  expect(noted).toMatchObject({ killed: true, note: expect.stringContaining("missing barrier") });
  expect(plain).toMatchObject({ killed: true, note: null });
  expect(Object.keys(plain ?? {})).toEqual(Object.keys(noted ?? {}));
});
