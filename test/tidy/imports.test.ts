import { describe, expect, it } from "vitest";
import { COMLINK_PLACES, ROOMS, roomOf, THREAD_PLACES } from "./rooms.ts";
import { sources } from "./sources.ts";

const SRC = sources("src");
const CODE = [...SRC, ...sources("workers")];

/** `from → to` for each import that the predicate refuses. */
const importsThat = (refused: (from: string, to: string) => boolean): string[] =>
  CODE.flatMap(({ path, imports }) =>
    imports.filter((name) => refused(path, name)).map((name) => `${path} → ${name}`),
  );
const within = (places: readonly string[], path: string): boolean =>
  places.some((place) => path.startsWith(place));

describe("imports", () => {
  it("are found at all", () => {
    const driver = SRC.find(({ path }) => path === "src/guest/virtqueue/driver-queue.ts");
    expect(driver?.imports).toContain("src/wire/ring.ts");
    expect(CODE.length).toBeGreaterThan(30);
  });

  it("follow the table of rooms", () => {
    const refused = importsThat((from, to) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      if (room === undefined || target === undefined || room === target) return false;
      return !(ROOMS[room] ?? []).includes(target);
    });
    expect(refused).toEqual([]);
  });

  it("leave no file of src without a room, the package's own entry apart", () => {
    expect(SRC.map(({ path }) => path).filter((path) => roomOf(path) === undefined)).toEqual(
      SRC.map(({ path }) => path).filter((path) => path === "src/index.ts"),
    );
  });

  it("never lead from src to tests or benchmarks", () => {
    expect(importsThat((_, to) => /^(\.\.\/)*(test|bench)\//.test(to))).toEqual([]);
  });

  it.each([
    ["host", "guest"],
    ["guest", "host"],
    ["devices", "drivers"],
    ["drivers", "devices"],
    ["devices", "guest"],
    ["drivers", "host"],
  ])("never lead from %s to %s", (from, to) => {
    expect(importsThat((path, name) => roomOf(path) === from && roomOf(name) === to)).toEqual([]);
  });

  it("of worker_threads and piscina stay where threads are started", () => {
    const threads = (name: string) => /^(node:)?worker_threads$|^piscina$/.test(name);
    expect(importsThat((from, to) => threads(to) && !within(THREAD_PLACES, from))).toEqual([]);
  });

  it("of comlink stay in the control plane", () => {
    expect(importsThat((from, to) => /^comlink(\/|$)/.test(to) && !within(COMLINK_PLACES, from))).toEqual([]);
  });

  it("name existing files", () => {
    const known = new Set(CODE.map(({ path }) => path));
    const missing = importsThat((_, to) => /^(src|workers)\/.*\.(ts|mjs)$/.test(to) && !known.has(to));
    expect(missing).toEqual([]);
  });
});

describe("the words of shared memory", () => {
  it("are said in src/memory only", () => {
    const said = CODE.filter(({ path }) => !path.startsWith("src/memory/")).flatMap(({ path, code }) =>
      [...code.matchAll(/\b(Atomics|SharedArrayBuffer|DataView)\b/g)].map(([word]) => `${path}: ${word}`),
    );
    expect(said).toEqual([]);
  });
});
