import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cells } from "../../src/hunt/races/cells.ts";
import { type Access, RaceDetector } from "../../src/hunt/races/detector.ts";
import { fragments } from "./fragments.ts";

const AGENTS = ["A", "B", "C"];

/** Feeds a fragment to a detector; races come back as pairs of event numbers, counted from 1. */
function judge(events: string): [number, number][] {
  const detector = new RaceDetector();
  const numbers = new Map<Access, number>();
  const messages = new Map<string, readonly number[]>();
  events.split(";").forEach((text, index) => {
    const [name = "", operation = "", operand = ""] = text.trim().split(" ");
    const agent = AGENTS.indexOf(name);
    if (operation === "send") messages.set(operand, detector.send(agent));
    else if (operation === "recv") detector.receive(agent, messages.get(operand) ?? []);
    else if (/^(notify|wait|woken)$/.test(operation)) detector.criticalSection(agent, 0, Number(operand));
    else {
      const access = parse(agent, operation, Number(operand));
      numbers.set(access, index + 1);
      detector.access(access);
    }
  });
  return detector.races.map(({ first, second }) => [numbers.get(first) ?? 0, numbers.get(second) ?? 0]);
}

function parse(agent: number, operation: string, offset: number): Access {
  const [letter = "", width = ""] = [operation.slice(0, 1), operation.slice(1)];
  const bulk = letter === "b" || letter === "c";
  const types = { w: "write", b: "write", r: "read", c: "read", u: "update" } as const;
  const type = types[letter.toLowerCase() as keyof typeof types];
  return {
    agent,
    memory: 0,
    offset,
    bytes: bulk ? Number(width) : Number(width) / 8,
    type,
    atomic: /[WRU]/.test(letter),
    bulk,
  };
}

describe("the race detector's verdict on hand-derived fragments", () => {
  it("covers at least 80 of them, both verdicts", () => {
    expect(fragments.length).toBeGreaterThanOrEqual(80);
    expect(fragments.filter(({ races }) => races.length === 0).length).toBeGreaterThan(30);
    expect(new Set(fragments.map(({ name }) => name)).size).toBe(fragments.length);
  });

  it.each(fragments)("$name", ({ events, races }) => {
    expect(judge(events)).toEqual(races);
  });
});

describe("a race report", () => {
  it("says whether the accesses may tear, which bytes overlap, and what is missing", () => {
    const detector = new RaceDetector();
    detector.access({ agent: 0, memory: 0, offset: 0, bytes: 4, type: "write", atomic: true, site: 3 });
    const [race] = detector.access({
      agent: 1,
      memory: 0,
      offset: 2,
      bytes: 2,
      type: "read",
      atomic: true,
      site: 4,
    });
    expect(race).toMatchObject({
      offset: 2,
      bytes: 2,
      mayTear: true,
      first: { site: 3 },
      second: { site: 4 },
    });
    expect(race?.missing).toContain("not over the same range");
  });

  it("of equal ranges of integer elements does not tear", () => {
    const detector = new RaceDetector();
    detector.access({ agent: 0, memory: 0, offset: 0, bytes: 2, type: "write", atomic: true });
    const [race] = detector.access({ agent: 1, memory: 0, offset: 0, bytes: 2, type: "read", atomic: false });
    expect(race).toMatchObject({
      mayTear: false,
      missing: expect.stringContaining("the second is not atomic"),
    });
  });

  it("names each pair of places once, however often they race", () => {
    const detector = new RaceDetector();
    for (let turn = 0; turn < 100; turn++) {
      detector.access({
        agent: turn % 2,
        memory: 0,
        offset: 0,
        bytes: 4,
        type: "write",
        atomic: false,
        site: turn % 2,
      });
    }
    expect(detector.races).toHaveLength(2);
  });
});

describe("what cannot be", () => {
  const access: Access = { agent: 0, memory: 0, offset: 0, bytes: 4, type: "write", atomic: false };
  it.each([
    [{ agent: -1 }, /agent: expected 0 to 63, got -1/],
    [{ agent: 64 }, /agent: expected 0 to 63, got 64/],
    [{ offset: -4 }, /offset: expected a number of bytes, got -4/],
    [{ offset: Number.NaN }, /offset: expected a number of bytes, got NaN/],
    [{ bytes: 0 }, /bytes: expected at least 1, got 0/],
    [{ memory: 0.5 }, /memory: expected a number of a buffer, got 0.5/],
  ])("is refused: %o", (wrong, message) => {
    expect(() => new RaceDetector().access({ ...access, ...wrong })).toThrow(message);
  });

  it("is refused: a message that knows the future", () => {
    const detector = new RaceDetector();
    const known = detector.send(0);
    expect(() => detector.receive(1, [(known[0] ?? 0) + 5])).toThrow(
      /knows agent 0 at 6, and that is only at 2/,
    );
  });
});

describe("ranges kept as cells", () => {
  it("are what they would be byte by byte", () => {
    const range = fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 1500 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
        const cells = new Cells(
          () => ({ count: 0 }),
          (state) => ({ ...state }),
        );
        const bytes = new Array<number>(4500).fill(0);
        for (const [start, length] of ranges) {
          for (const state of cells.range(start, length)) state.count++;
          for (let at = start; at < start + length; at++) bytes[at] = (bytes[at] ?? 0) + 1;
        }
        expect(bytes.map((_, at) => [...cells.range(at, 1)].map(({ count }) => count))).toEqual(
          bytes.map((count) => [count]),
        );
      }),
      { numRuns: 30 },
    );
  });
});
