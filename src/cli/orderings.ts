/** What makes plain accesses no races: a row for each pair of places, with the letters of `memory/ORDERING.md`. */
import type { Justified } from "../hunt/races/detector.ts";
import { orderingRows } from "../hunt/races/orderings.ts";
import { formatTable } from "../observe/report/tables.ts";

export const orderingsTable = (justified: readonly Justified[]): string =>
  formatTable(["plain here", "plain or atomic there", "ordered by"], orderingRows(justified));

/** The same for `--json`. */
export const orderingsJson = (justified: readonly Justified[]) =>
  orderingRows(justified).map(([first, second, letters]) => ({ first, second, letters }));
