/** `virtlab litmus`: lectures on shared memory, each with its outcomes and its mistake. */

import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { LECTURES, type Lecture } from "../../hunt/litmus/lectures.ts";
import { runLive } from "../../hunt/litmus/live.ts";
import { runLecture } from "../../hunt/litmus/run.ts";
import { formatTable } from "../../observe/report/tables.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { untilInterrupted } from "../interrupt.ts";
import { seconds } from "../numbers.ts";

export function litmusCommand(): Command {
  return newCommand("litmus")
    .description("lectures on shared memory: a shape, every outcome it can have, and the mistake people make")
    .argument("[numbers...]", `1 to ${LECTURES.length} (default: all)`)
    .option("--live <seconds>", "on real threads instead, unscheduled: each shape and its twin for so long")
    .option("--json", "print one JSON document")
    .action(async (numbers: string[], options: LitmusOptions) => {
      process.exitCode = await untilInterrupted((signal) => litmus(numbers, options, signal));
    });
}

interface LitmusOptions {
  live?: string;
  json?: boolean;
}

interface Outcomes {
  readonly outcomes: Readonly<Record<string, number>>;
  /** What the outcomes were counted in. */
  readonly said: string;
}

/** Rejects when it is aborted. */
type Look = (lecture: Lecture, twin: boolean) => Promise<Outcomes>;

const lookLive =
  (each: number, signal: AbortSignal): Look =>
  async (lecture, twin) => {
    const { outcomes, times } = await runLive(lecture, twin, each, signal);
    return { outcomes, said: `${times} times` };
  };

const lookEverywhere =
  (signal: AbortSignal): Look =>
  async (lecture, twin) => {
    const { outcomes, executions, complete } = await runLecture(lecture, twin, signal);
    if (!complete) signal.throwIfAborted();
    if (!complete) throw new Error(`lecture ${lecture.number}: not every interleaving was explored`);
    return { outcomes, said: `${executions} executions` };
  };

async function litmus(
  numbers: readonly string[],
  { json = false, live }: LitmusOptions,
  signal: AbortSignal,
): Promise<number> {
  const look = live === undefined ? lookEverywhere(signal) : lookLive(seconds("--live", live), signal);
  const lectures = numbers.length === 0 ? LECTURES : numbers.map(lectureNumbered);
  const results: { lecture: string; good: Outcomes; twin: Outcomes | null }[] = [];
  for (const lecture of lectures) {
    const good = await unlessAborted(look(lecture, false), signal);
    if (good === null) break;
    const twin = await unlessAborted(look(lecture, true), signal);
    // Of half a lecture only what must not be is worth telling.
    if (twin === null && !isForbidden(lecture, good)) break;
    results.push({ lecture: lecture.name, good, twin });
    if (!json) process.stdout.write(`${page(lecture, good, twin, live !== undefined)}\n\n`);
    if (twin === null) break;
  }
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  const wrong = lectures.some((lecture, at) => isForbidden(lecture, results[at]?.good));
  return wrong ? EXIT.finding : EXIT.fine;
}

/** Null: it was aborted before its end. */
const unlessAborted = (looking: Promise<Outcomes>, signal: AbortSignal): Promise<Outcomes | null> =>
  looking.catch((error: unknown) => {
    if (signal.aborted) return null;
    throw error;
  });

function lectureNumbered(text: string): Lecture {
  const found = LECTURES.find(({ number, name }) => String(number) === text || name === text);
  if (found === undefined) throw new UsageError(`no lecture "${text}": there are 1 to ${LECTURES.length}`);
  return found;
}

/** An outcome that nobody has graded is forbidden too. */
const isForbidden = (lecture: Lecture, result: Outcomes | undefined): boolean =>
  Object.keys(result?.outcomes ?? {}).some(
    (outcome) => (lecture.outcomes[outcome]?.grade ?? "forbidden") === "forbidden",
  );

function page(lecture: Lecture, good: Outcomes, twin: Outcomes | null, live: boolean): string {
  const rows = Object.entries(lecture.outcomes).map(([outcome, { grade, reason }]) => [
    outcome,
    grade,
    good.outcomes[outcome] ?? 0,
    twin === null ? "" : (twin.outcomes[outcome] ?? 0),
    reason,
  ]);
  const needs = lecture.weak.length > 0 && !live ? ` (with ${lecture.weak.join(", ")})` : "";
  return [
    `${lecture.number}. ${lecture.name}: ${lecture.says}`,
    `   Twin: ${lecture.mistake}${needs}.`,
    formatTable(["outcome", "grade", live ? "times" : "classes", "twin's", "why"], rows),
    `${live ? "on real threads" : "every interleaving"}: ${good.said}, twin ${twin?.said ?? "interrupted"}`,
  ].join("\n");
}
