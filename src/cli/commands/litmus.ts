/** `virtlab litmus`: lectures on shared memory, each with its outcomes and its mistake. */
import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { LECTURES, type Lecture } from "../../hunt/litmus/lectures.ts";
import { type LitmusResult, runLecture } from "../../hunt/litmus/run.ts";
import { formatTable } from "../../observe/report/tables.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";

export function litmusCommand(): Command {
  return newCommand("litmus")
    .description("lectures on shared memory: a shape, every outcome it can have, and the mistake people make")
    .argument("[numbers...]", `1 to ${LECTURES.length} (default: all)`)
    .option("--json", "print one JSON document")
    .action(async (numbers: string[], options: { json?: boolean }) => {
      process.exitCode = await litmus(numbers, options.json === true);
    });
}

async function litmus(numbers: readonly string[], json: boolean): Promise<number> {
  const lectures = numbers.length === 0 ? LECTURES : numbers.map(lectureNumbered);
  const results: { lecture: string; good: LitmusResult; twin: LitmusResult }[] = [];
  for (const lecture of lectures) {
    const [good, twin] = [await runLecture(lecture, false), await runLecture(lecture, true)];
    results.push({ lecture: lecture.name, good, twin });
    if (!json) process.stdout.write(`${page(lecture, good, twin)}\n\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  const wrong = lectures.some((lecture, at) => isForbidden(lecture, results[at]?.good));
  return wrong ? EXIT.finding : EXIT.fine;
}

function lectureNumbered(text: string): Lecture {
  const found = LECTURES.find(({ number, name }) => String(number) === text || name === text);
  if (found === undefined) throw new UsageError(`no lecture "${text}": there are 1 to ${LECTURES.length}`);
  return found;
}

/** An outcome that nobody has graded is forbidden too. */
const isForbidden = (lecture: Lecture, result: LitmusResult | undefined): boolean =>
  Object.keys(result?.outcomes ?? {}).some(
    (outcome) => (lecture.outcomes[outcome]?.grade ?? "forbidden") === "forbidden",
  );

function page(lecture: Lecture, good: LitmusResult, twin: LitmusResult): string {
  const rows = Object.entries(lecture.outcomes).map(([outcome, { grade, reason }]) => [
    outcome,
    grade,
    good.outcomes[outcome] ?? 0,
    twin.outcomes[outcome] ?? 0,
    reason,
  ]);
  const needs = lecture.weak.length > 0 ? ` (with ${lecture.weak.join(", ")})` : "";
  return [
    `${lecture.number}. ${lecture.name}: ${lecture.says}`,
    `   Twin: ${lecture.mistake}${needs}.`,
    formatTable(["outcome", "grade", "classes", "twin's", "why"], rows),
    `every interleaving: ${good.executions} executions, twin ${twin.executions}`,
  ].join("\n");
}
