/** The lines of source that a report shows: read when it is written, so that it needs no sources later. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const AROUND = 4;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export interface Excerpt {
  readonly first: number;
  readonly lines: readonly string[];
}

/** By place, "path:line": the name to show and what stands there. */
export interface SourcePlace {
  readonly name: string;
  readonly excerpt: Excerpt | undefined;
}

export function sourcePlaces(places: Iterable<string>): Map<string, SourcePlace> {
  const files = new Map<string, readonly string[] | undefined>();
  const found = new Map<string, SourcePlace>();
  for (const place of places) {
    if (found.has(place)) continue;
    const [, path = place, line = "1"] = /^(.*):(\d+)$/.exec(place) ?? [];
    if (!files.has(path)) files.set(path, linesOf(path));
    const name = path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
    found.set(place, { name: `${name}:${line}`, excerpt: excerpt(files.get(path), Number(line)) });
  }
  return found;
}

function excerpt(lines: readonly string[] | undefined, line: number): Excerpt | undefined {
  if (lines === undefined) return undefined;
  const first = Math.max(1, line - AROUND);
  const shown = lines.slice(first - 1, line + AROUND);
  const indents = shown.filter((text) => text.trim() !== "").map((text) => text.search(/\S/));
  const indent = Math.min(...indents);
  return { first, lines: shown.map((text) => text.slice(Number.isFinite(indent) ? indent : 0)) };
}

/** Undefined: it has gone, and the name alone must do. */
function linesOf(path: string): readonly string[] | undefined {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return undefined;
  }
}
