import { expect, it, vi } from "vitest";
import { LECTURES, type Lecture } from "../../src/hunt/litmus/lectures.ts";
import { cliHere } from "../support/cli.ts";

/** Ctrl-C at the first word of output. */
async function interrupted(...args: string[]) {
  const running = cliHere("litmus", ...args);
  const write = vi.mocked(process.stdout.write);
  const keep = write.getMockImplementation() as NonNullable<ReturnType<typeof write.getMockImplementation>>;
  write.mockImplementation((data) => {
    write.mockImplementation(keep);
    process.emit("SIGINT");
    return process.stdout.write(data);
  });
  return await running;
}

it.each([[[]], [["--live", "0.01"]]])(
  "virtlab litmus 1 2 %j that is interrupted after the first has that one",
  async (live) => {
    const { code, stdout } = await interrupted("1", "2", ...live);
    expect(stdout.match(/^\d+\. /gm)).toEqual(["1. "]);
    expect(code).toBe(130);
  },
);

it.each([[[]], [["--live", "600"]]])(
  "virtlab litmus 1 %j that is interrupted at once prints whole JSON",
  async (live) => {
    const running = cliHere("litmus", "1", ...live, "--json");
    process.emit("SIGINT");
    const { code, stdout } = await running;
    expect(JSON.parse(stdout)).toEqual([]);
    expect(code).toBe(130);
  },
);

it("virtlab litmus that is interrupted in the twin keeps what the good half has shown and must not", async () => {
  const [first] = LECTURES;
  if (first === undefined) throw new Error("no lecture");
  const { outcomes, twin } = first;
  // Nothing is graded, so all of it is forbidden; the twin is asked for when the good half is over.
  const changed = { ...first, outcomes: {} };
  Object.defineProperty(changed, "twin", {
    get() {
      process.emit("SIGINT");
      return twin;
    },
  });
  expect(Object.keys(outcomes).length).toBeGreaterThan(0);
  const all = LECTURES as Lecture[];
  all[0] = changed;
  try {
    const { code, stdout } = await cliHere("litmus", "1", "--json");
    expect(JSON.parse(stdout)).toMatchObject([{ lecture: first.name, good: { outcomes: {} }, twin: null }]);
    expect(code).toBe(1);
  } finally {
    all[0] = first;
  }
});
