/** `virtlab replay LINE`: repeats a failure that the hunter printed. `virtlab explain` shows a run that passes the same way. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { Hunter, type Recording } from "../../hunt/hunter.ts";
import { findScenario, type HuntModule, loadHuntModule } from "../../hunt/load.ts";
import { explainRace, stacksOf } from "../../hunt/races/report.ts";
import { formatReplay, parseReplay, type ReplayLine, replayInput } from "../../hunt/replay-line.ts";
import { formatPage } from "../../hunt/report/page.ts";
import { formatRecording } from "../../hunt/report/text.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";

interface ReplayOptions {
  readonly file?: string;
  readonly report?: string;
  readonly json?: boolean;
  readonly seed?: string;
}

const NO_FILE: HuntModule = { defects: [], scenarios: [] };

export function replayCommand(): Command {
  return newCommand("replay")
    .description("repeat a failure that virtlab hunt printed")
    .argument("<line>", "what stood after virtlab replay")
    .option("--file <module>", "the module with the scenario or the defect")
    .option("--report <file.html>", "write it as a page")
    .option("--json", "print JSON")
    .action(async (text: string, options: ReplayOptions) => {
      const own = options.file === undefined ? NO_FILE : await loadHuntModule(options.file);
      const line = parseReplay(text, own.scenarios);
      const recording = await record(line, own, options, (hunter) =>
        hunter.record("switches", replayInput(line)),
      );
      await show(recording, text, options);
      const missed = line.switches.length - recording.switches.length;
      if (missed > 0 && !options.json) {
        process.stdout.write(
          `${missed} of the line's switches did not come about: the code has changed since.\n`,
        );
      }
      process.exitCode = recording.findings.length > 0 ? EXIT.finding : EXIT.fine;
    });
}

export function explainCommand(): Command {
  return newCommand("explain")
    .description("show one execution of a scenario step by step, as failures are shown")
    .argument("<scenario>", "a scenario")
    .option("--seed <number>", "a random schedule instead of one without preemptions")
    .option("--file <module>", "the module with the scenario")
    .option("--report <file.html>", "write it as a page")
    .option("--json", "print JSON")
    .action(async (name: string, options: ReplayOptions) => {
      const own = options.file === undefined ? NO_FILE : await loadHuntModule(options.file);
      const line = { scenario: name, defect: undefined, draws: [], switches: [] };
      let text = name;
      const recording = await record(line, own, options, async (hunter) => {
        const seed = options.seed === undefined ? undefined : Number(options.seed);
        const made =
          seed === undefined
            ? await hunter.record("switches", replayInput(line))
            : await hunter.record("log", (await hunter.run({ policy: "random", seed })).log);
        text = formatReplay({ ...line, draws: made.draws, switches: made.switches }, hunter.actors);
        return made;
      });
      await show(recording, text, options);
      process.exitCode = recording.findings.length > 0 ? EXIT.finding : EXIT.fine;
    });
}

async function record(
  line: ReplayLine,
  own: HuntModule,
  options: ReplayOptions,
  run: (hunter: Hunter) => Promise<Recording>,
): Promise<Recording> {
  const scenario = findScenario(line.scenario, own.scenarios);
  const { defect, races, weak } = line;
  const hunter = await Hunter.start({ scenario, defect, file: options.file, races, weak });
  try {
    return await run(hunter);
  } finally {
    await hunter.close();
  }
}

async function show(recording: Recording, line: string, options: ReplayOptions): Promise<void> {
  if (options.report !== undefined)
    await writeFile(options.report, formatPage(recording, { subject: "", line }));
  if (options.json) process.stdout.write(`${JSON.stringify({ ...recording, line }, null, 2)}\n`);
  else process.stdout.write(`${[formatRecording(recording), ...racesOf(recording)].join("\n")}\n`);
}

/** Each race once more, with the code that made its two accesses. */
function racesOf(recording: Recording): string[] {
  const names = recording.actors.map(({ name }) => name);
  return recording.findings.flatMap(({ race }) =>
    race === undefined ? [] : ["", ...explainRace(race, names, stacksOf(recording))],
  );
}
