import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, sources } from "./sources.ts";

const TABLE = readFileSync(join(ROOT, "src/memory/ORDERING.md"), "utf8");
const LETTERS = [...TABLE.matchAll(/^\| ([A-Z]) +\|/gm)].map(([, letter = ""]) => letter);

interface Mention {
  readonly letter: string;
  readonly place: string;
}

/** Each letter of "Ordering C and D", "Ordering J: …; Ordering I: …", "Ordering A, B". */
const MENTIONS: Mention[] = sources("src").flatMap(({ path, text }) =>
  text
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(/\bOrdering ([A-Z](?:(?:, | and )[A-Z])*)\b/g)].flatMap(([, letters = ""]) =>
        letters.split(/, | and /).map((letter) => ({ letter, place: `${path}:${index + 1}` })),
      ),
    ),
);

describe("ordering letters", () => {
  it("are there, each once in the table", () => {
    expect(LETTERS.length).toBeGreaterThanOrEqual(12);
    expect(new Set(LETTERS).size).toBe(LETTERS.length);
  });

  it.each(LETTERS)("%s stands at both ends", (letter) => {
    const places = MENTIONS.filter((mention) => mention.letter === letter).map(({ place }) => place);
    expect(places.length, `Ordering ${letter} at ${places.join(", ")}`).toBeGreaterThanOrEqual(2);
  });

  it("in the code are all in the table", () => {
    expect(MENTIONS.filter(({ letter }) => !LETTERS.includes(letter))).toEqual([]);
  });
});
