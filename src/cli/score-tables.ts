/** The scoreboard of planted defects as tables: one policy in detail, or all of them side by side. */
import type { ScoreRow } from "../hunt/scoreboard.ts";
import { formatTable } from "../observe/report/tables.ts";

export function scoreTable(rows: readonly ScoreRow[]): string {
  const cells = rows.map((row) => [
    row.id,
    row.name,
    outcome(row),
    row.scenario,
    row.oracle,
    String(row.schedules),
    row.seconds.toFixed(2),
  ]);
  const table = formatTable(["defect", "name", "", "scenario", "oracle", "schedules", "seconds"], cells);
  return [table, ...plantedWrong(rows)].join("\n\n");
}

function outcome({ killed, broken, needs }: ScoreRow): string {
  if (killed) return "killed";
  if (broken !== null) return "BROKEN";
  return needs === "interleaving" ? "SURVIVED" : `needs ${needs}`;
}

const plantedWrong = (rows: readonly ScoreRow[]): string[] =>
  rows.flatMap(({ id, broken }) => (broken === null ? [] : [`${id} is planted wrong: ${broken}`]));

/** A line for each defect, and for each policy "schedules / seconds" until it was killed, a dash, "broken", or nothing if not tried. */
export function policyTable(rows: readonly ScoreRow[], policies: readonly string[]): string {
  const planted = rows.filter(({ needs }) => needs === "interleaving");
  const ids = [...new Set(planted.map(({ id }) => id))];
  const rowOf = (id: string, policy: string): ScoreRow | undefined =>
    planted.find((row) => row.id === id && row.policy === policy);
  const cells = ids.map((id) => [id, ...policies.map((policy) => scoreCell(rowOf(id, policy)))]);
  const killed = policies.map((policy) =>
    String(planted.filter((row) => row.policy === policy && row.killed).length),
  );
  const table = formatTable(["defect", ...policies], [...cells, ["killed", ...killed]]);
  return [table, ...new Set(plantedWrong(rows))].join("\n\n");
}

function scoreCell(row: ScoreRow | undefined): string {
  if (row === undefined) return "";
  if (row.broken !== null) return "broken";
  return row.killed ? `${row.schedules} / ${row.seconds.toFixed(2)}` : "-";
}
