/** A recorded execution for the terminal: a column per actor, a row per step, switches marked, and a reading below. */
import type { CriticalPair } from "../critical.ts";
import type { Recording } from "../hunter.ts";
import { readInWords } from "./reading.ts";
import { type Step, stepsOf } from "./steps.ts";

const COLUMN_MIN = 24;
const ORDER = 5;

interface Row {
  readonly step: Step;
  readonly text: string;
  times: number;
}

export function formatRecording(recording: Recording, critical: readonly CriticalPair[] = []): string {
  const { entries, actors, switches, favoured } = recording;
  const rows = merge(stepsOf(recording));
  const used = actors.filter(({ id }) => entries.some(({ actor }) => actor === id));
  const widths = used.map(({ id }) =>
    Math.max(COLUMN_MIN, ...rows.flatMap(({ step, text }) => (step.entry.actor === id ? [text.length] : []))),
  );
  const before = widths.map((_, at) => widths.slice(0, at).reduce((sum, each) => sum + each + 2, 0));
  const header = used.map(({ name }, at) => name.padEnd((widths[at] ?? 0) + 2)).join("");
  const lit = new Set(critical.flatMap(({ first, second }) => [first, second]));
  const lines = [`${"step".padStart(ORDER)}  ${header}`.trimEnd()];
  lines.push("-".repeat((before.at(-1) ?? 0) + (widths.at(-1) ?? 0) + ORDER + 2));
  let previous: number | undefined;
  for (const { step, text } of rows) {
    const { actor, order } = step.entry;
    const moved = previous !== undefined && previous !== actor;
    previous = actor;
    const mark = lit.has(order) ? "*" : moved ? ">" : " ";
    const column = used.findIndex(({ id }) => id === actor);
    lines.push(`${String(order).padStart(ORDER)} ${mark}${" ".repeat(before[column] ?? 0)}${text}`);
  }
  const count = switches.length;
  const first = actors.find(({ id }) => id === favoured);
  if (first !== undefined)
    lines.push("", `${first.name} goes on whenever it can; ${count} switches beyond that.`);
  else if (count === 0) lines.push("", "No preemption at all.");
  else lines.push("", `${count} switches beyond a run without preemptions.`);
  lines.push(...readInWords(recording, critical));
  return lines.join("\n");
}

/** Neighbouring rows of one actor that say the same become one. */
function merge(steps: readonly Step[]): Row[] {
  const rows: Row[] = [];
  for (const step of steps) {
    const text = step.from === undefined ? step.text : `${step.text} (from ${step.from})`;
    const last = rows.at(-1);
    if (last?.text === text && last.step.entry.actor === step.entry.actor) last.times++;
    else rows.push({ step, text, times: 1 });
  }
  return rows.map((row) => (row.times > 1 ? { ...row, text: `${row.text} (${row.times} times)` } : row));
}
