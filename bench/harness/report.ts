/** Results as a table for people. */
import Table from "cli-table3";
import type { Result } from "./bench.ts";

export function formatResults(results: readonly Result[]): string {
  const table = new Table({
    head: ["case", "median", "unit", "spread", "ratios", "details"],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "right", "left", "right", "left", "left"],
  });
  for (const { unit, median, spread, ratios, details, ...rest } of results) {
    const named = Object.entries(ratios).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    const notes = Object.entries(details).map(([name, value]) => `${name} ${short(value)}`);
    table.push([
      rest.case,
      short(median),
      unit,
      `${(100 * spread).toFixed(0)} %`,
      named.join("\n"),
      notes.join("\n"),
    ]);
  }
  return table.toString();
}

function short(value: number | string): string {
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) < 0.1 ? value.toPrecision(2) : value.toFixed(Math.abs(value) >= 100 ? 0 : 2);
}
