import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { conformancePage } from "../../src/monitor/conformance.ts";
import { CHECKED, coverage } from "../../src/monitor/monitor.ts";
import { STATEMENTS, TOLERATED } from "../../src/monitor/statements/index.ts";
import { ROOT } from "../tidy/sources.ts";

describe("statements", () => {
  it("are 287, each once", () => {
    expect(STATEMENTS.length).toBe(287);
    expect(new Set(STATEMENTS.map(({ id }) => id)).size).toBe(287);
  });

  it("are checked, or say why not", () => {
    const rows = coverage();
    expect(rows.filter(({ checked, unchecked }) => checked === (unchecked !== undefined))).toEqual([]);
    expect(rows.filter(({ checked }) => checked).length).toBeGreaterThanOrEqual(200);
  });

  it("are what rules and tolerances name", () => {
    const known = new Set(STATEMENTS.map(({ id }) => id));
    expect([...CHECKED, ...Object.keys(TOLERATED)].filter((id) => !known.has(id))).toEqual([]);
  });

  it("are in docs/conformance.md as they are here", () => {
    expect(readFileSync(join(ROOT, "docs/conformance.md"), "utf8")).toBe(conformancePage());
  });
});
