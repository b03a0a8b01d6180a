import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOMS } from "./rooms.ts";
import { ROOT, sources } from "./sources.ts";

const LINES_MAX = 400;
const SRC = sources("src");
/** Part of the product, though the product itself does without: both sides in one thread, for tests and stepping. */
const FOR_TESTS = ["src/bus/direct-bus.ts"];
const ALL = [...SRC, ...sources("workers", "test", "bench")];

/** Source files that package.json names as entries (as built files). */
function packageEntries(): string[] {
  const manifest = readFileSync(join(ROOT, "package.json"), "utf8");
  return [...manifest.matchAll(/"(?:\.\/)?dist\/((?:src|workers)\/[^"]+)\.js"/g)].map(
    ([, path = ""]) => `${path}.ts`,
  );
}

describe("source files", () => {
  it(`have at most ${LINES_MAX} lines`, () => {
    const long = SRC.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    expect(long.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  });

  it("are all used: imported by source, or an entry of the package", () => {
    const used = new Set([
      ...FOR_TESTS,
      ...packageEntries(),
      ...[...SRC, ...sources("workers")].flatMap(({ imports }) => imports),
    ]);
    const dead = SRC.filter(({ path }) => !used.has(path) && !path.endsWith(".d.ts"));
    expect(dead.map(({ path }) => path)).toEqual([]);
  });

  it("have no notes to ourselves left in them", () => {
    const note = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);
    expect(ALL.filter(({ text }) => note.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it("keep no test that is run alone, or left out", () => {
    const alone = /\b(?:it|test|describe)(?:\.\w+)*\.(?:only|skip)\b/;
    expect(ALL.filter(({ code }) => alone.test(code)).map(({ path }) => path)).toEqual([]);
  });

  it("end in a newline and start with what they are", () => {
    expect(ALL.filter(({ text }) => !text.endsWith("\n")).map(({ path }) => path)).toEqual([]);
  });
});

describe("rooms", () => {
  const rooms = Object.keys(ROOMS).filter((room) => existsSync(join(ROOT, "src", room)));
  it("have a README each", () => {
    const without = rooms.filter((room) => !existsSync(join(ROOT, "src", room, "README.md")));
    expect(without).toEqual([]);
  });
});
