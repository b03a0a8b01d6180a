/** `virtlab replay LINE`: repeats a failure that the hunter printed. `virtlab explain` shows a run that passes the same way. */

import type { Command } from "commander";
import { type CriticalPair, findCriticalPairs } from "../../hunt/critical.ts";
import { Hunter, type Recording } from "../../hunt/hunter.ts";
import { findDefect, findScenario, type HuntModule, loadHuntModule } from "../../hunt/load.ts";
import { explainRace, stacksOf } from "../../hunt/races/report.ts";
import { formatReplay, parseReplay, type ReplayLine, replayInput } from "../../hunt/replay-line.ts";
import { formatPage, subjectOf } from "../../hunt/report/page.ts";
import { formatRecording } from "../../hunt/report/text.ts";
import { shrink } from "../../hunt/shrink.ts";
import { withSpurious } from "../../hunt/spurious.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { seedNumber } from "../numbers.ts";
import { writeReport } from "../report-file.ts";

interface ReplayOptions {
  readonly file?: string;
  readonly report?: string;
  readonly json?: boolean;
  readonly seed?: string;
}

/** What is shown: an execution, what it hangs on, and the line that repeats it. */
interface Shown {
  readonly recording: Recording;
  readonly critical: readonly CriticalPair[];
  readonly line: ReplayLine;
  /** Switches of the line that did not come about, and schedules that were tried instead. */
  readonly missed?: number;
  readonly schedules?: number;
}

const NO_FILE: HuntModule = { defects: [], scenarios: [] };
/** Schedules tried when a line leads nowhere any more. */
const ON_MAX = 5000;

export function replayCommand(): Command {
  return newCommand("replay")
    .description("repeat a failure that virtlab hunt printed")
    .argument("<line>", "what stood after virtlab replay")
    .option("--file <module>", "the module with the scenario or the defect")
    .option("--report <file.html>", "write it as a page")
    .option("--json", "print JSON")
    .addHelpText("after", REPLAY_HELP)
    .action(async (text: string, options: ReplayOptions) => {
      const own = await ownModule(options);
      const line = parseReplay(text, own.scenarios);
      process.exitCode = await withHunter(line, own, options, async (hunter) => {
        const recording = await hunter.record("switches", replayInput(line));
        const missed = line.switches.length - recording.switches.length;
        if (recording.findings.length === 0 && missed > 0)
          return await goOn(hunter, { recording, critical: [], line, missed }, options);
        const critical = recording.findings.length === 0 ? [] : await pairsOf(hunter, line, recording);
        await show(hunter, { recording, critical, line, missed }, options);
        if (missed > 0 && !options.json) print(missedText(missed));
        return recording.findings.length > 0 ? EXIT.finding : EXIT.fine;
      });
    });
}

const REPLAY_HELP = `
A line is followed as far as its places exist. Where the code has changed so that some of its switches do not come about,
and nothing was found on the way, ${ON_MAX} schedules more are tried under a seed made of the line.

Exit codes: 0 quiet, 1 found again, 2 wrong usage, 3 a failure of virtlab.`;

export function explainCommand(): Command {
  return newCommand("explain")
    .description("show one execution of a scenario step by step, as failures are shown")
    .argument("<scenario>", "a scenario")
    .option("--seed <number>", "a random schedule instead of one without preemptions")
    .option("--file <module>", "the module with the scenario")
    .option("--report <file.html>", "write it as a page")
    .option("--json", "print JSON")
    .action(async (name: string, options: ReplayOptions) => {
      const own = await ownModule(options);
      const line: ReplayLine = { scenario: name, defect: undefined, draws: [], switches: [] };
      const seed = options.seed === undefined ? undefined : seedNumber("--seed", options.seed);
      process.exitCode = await withHunter(line, own, options, async (hunter) => {
        const recording =
          seed === undefined
            ? await hunter.record("switches", replayInput(line))
            : await hunter.record("log", (await hunter.run({ policy: "random", seed })).log);
        const { draws, switches, findings } = recording;
        await show(hunter, { recording, critical: [], line: { ...line, draws, switches } }, options);
        return findings.length > 0 ? EXIT.finding : EXIT.fine;
      });
    });
}

const ownModule = async ({ file }: ReplayOptions): Promise<HuntModule> =>
  file === undefined ? NO_FILE : await loadHuntModule(file);

async function withHunter(
  { scenario, defect, races, monitor, spurious, weak }: ReplayLine,
  own: HuntModule,
  { file }: ReplayOptions,
  use: (hunter: Hunter) => Promise<number>,
): Promise<number> {
  const found = withSpurious(findScenario(scenario, own.scenarios), spurious ?? 0);
  if (defect !== undefined && !own.defects.some(({ id }) => id === defect)) findDefect(defect);
  const hunter = await Hunter.start({ scenario: found, defect, file, races, monitor, weak });
  try {
    return await use(hunter);
  } finally {
    await hunter.close();
  }
}

/** The pairs of the line as it stands: nothing is moved. */
async function pairsOf(hunter: Hunter, line: ReplayLine, { findings }: Recording) {
  const found = await findCriticalPairs(
    hunter,
    line,
    async (schedule) => {
      const batch = await hunter.run({ policy: "switches" }, replayInput(schedule));
      return batch.findings[0]?.oracle === findings[0]?.oracle;
    },
    0,
  );
  return found.pairs;
}

/** The code has changed under the line: the same neighbourhood once more, at random. */
async function goOn(hunter: Hunter, led: Shown, options: ReplayOptions): Promise<number> {
  const { line, missed = 0 } = led;
  const seed = [...formatReplay(line, hunter.actors)].reduce((sum, each) => sum * 31 + each.charCodeAt(0), 7);
  const batch = await hunter.run({ policy: "portfolio", seed: seed >>> 0, count: ON_MAX });
  const schedules = batch.executions;
  if (!options.json) print(`${missedText(missed)}\nWent on under its seed: ${schedules} schedules.`);
  if (batch.findings.length === 0) {
    if (options.json) await show(hunter, { ...led, schedules }, options);
    else print("Quiet.");
    return EXIT.fine;
  }
  const { recording, critical, draws, switches, favoured } = await shrink(hunter, batch.log);
  const again = { ...line, draws, switches, favoured };
  await show(hunter, { recording, critical, line: again, missed, schedules }, options);
  if (!options.json) print(`\nFound again, elsewhere:\n  ${commandOf(lineOf(hunter, again), options)}`);
  return EXIT.finding;
}

const missedText = (missed: number): string =>
  `${missed} of the line's switches did not come about: the code has changed since.`;

const commandOf = (line: string, { file }: ReplayOptions): string =>
  `virtlab replay '${line}'${file === undefined ? "" : ` --file ${file}`}`;
const lineOf = (hunter: Hunter, line: ReplayLine): string => formatReplay(line, hunter.actors);

async function show(hunter: Hunter, shown: Shown, options: ReplayOptions): Promise<void> {
  const { recording, critical, line, missed = 0, schedules = 0 } = shown;
  const text = lineOf(hunter, line);
  if (options.report !== undefined) {
    const subject = subjectOf(line.scenario, line.defect);
    const page = formatPage(recording, { subject, line: commandOf(text, options), critical });
    await writeReport(options.report, page);
  }
  const favoured = recording.favoured ?? null;
  if (options.json)
    print(JSON.stringify({ ...recording, favoured, critical, line: text, missed, schedules }, null, 2));
  else print([formatRecording(recording, critical), ...racesOf(recording)].join("\n"));
}

/** Each race once more, with the code that made its two accesses. */
function racesOf(recording: Recording): string[] {
  const names = recording.actors.map(({ name }) => name);
  return recording.findings.flatMap(({ race }) =>
    race === undefined ? [] : ["", ...explainRace(race, names, stacksOf(recording))],
  );
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
