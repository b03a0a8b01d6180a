/**
 * A shell in a machine: a line in, its text out. Knows nothing of terminals and scripts; whoever reads the lines does.
 */
import { UsageError } from "../../host/device.ts";
import type { Machine, RunReport } from "../machine.ts";
import { nearestName } from "../nearest-name.ts";
import { COMMANDS, type ParseDevice } from "./commands.ts";
import type { GuestCommandArgs, GuestCommandName } from "./guest/program.ts";

const PROGRAM = new URL(`./guest/program.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

export interface Answer {
  readonly ok: boolean;
  readonly text: string;
}

interface Background {
  readonly line: string;
  readonly answer: Promise<Answer>;
}

export class Shell {
  readonly machine: Machine;
  readonly parseDevice: ParseDevice;
  /** The user wants to leave. */
  ended = false;
  readonly #background: Background[] = [];
  #violations = 0;
  #last: RunReport | undefined;

  constructor(machine: Machine, parseDevice: ParseDevice) {
    this.machine = machine;
    this.parseDevice = parseDevice;
  }

  /** Never rejects: what goes wrong is an answer too. */
  async execute(line: string): Promise<Answer> {
    const text = line.replace(/(^|\s)#.*$/, "").trim();
    if (text === "") return { ok: true, text: "" };
    if (text.startsWith("!")) {
      const { ok, text: reason } = await this.execute(text.slice(1));
      return ok
        ? { ok: false, text: `${reason}\nexpected to fail, but did not`.trim() }
        : { ok: true, text: reason };
    }
    if (text.endsWith("&")) return this.#inBackground(text.slice(0, -1).trim());
    return this.#run(text);
  }

  /** Words that could stand at the end of the line instead of its last one. */
  complete(line: string): { candidates: readonly string[]; word: string } {
    const words = line.trimStart().split(/\s+/);
    const word = words.at(-1) ?? "";
    const from = words.length === 1 ? Object.keys(COMMANDS) : this.#argumentsOf(words[0] ?? "", word);
    return { candidates: from.filter((candidate) => candidate.startsWith(word)), word };
  }

  async runInGuest(command: GuestCommandName, words: readonly string[]): Promise<string> {
    const args: GuestCommandArgs = { command, words };
    const report = await this.machine.run(PROGRAM, args);
    this.#last = report;
    const fresh = report.violations
      .slice(this.#violations)
      .map(({ device, kind, detail }) => `${device}: ${kind}: ${detail}`);
    this.#violations = report.violations.length;
    if (report.verdict === "crashed") throw new Error(report.reason ?? "crashed");
    if (report.verdict === "stalled") throw new Error(`stalled: ${report.reason}`);
    if (fresh.length > 0) throw new Error(`violated: ${fresh.join("\n")}`);
    return String(report.result);
  }

  /** The state of both sides now. */
  async facts(): Promise<RunReport> {
    await this.runInGuest("lsblk", []);
    if (this.#last === undefined) throw new Error("the machine tells nothing");
    return this.#last;
  }

  async wait(): Promise<string> {
    const texts: string[] = [];
    let failed = 0;
    for (const { line, answer } of this.#background.splice(0)) {
      const { ok, text } = await answer;
      if (!ok) failed++;
      texts.push(`[${line}]\n${text}`);
    }
    if (failed > 0) throw new Error(texts.join("\n"));
    return texts.join("\n");
  }

  exit(): string {
    this.ended = true;
    return "";
  }

  #inBackground(line: string): Answer {
    this.#background.push({ line, answer: this.#run(line) });
    return { ok: true, text: `[${line}] runs` };
  }

  async #run(line: string): Promise<Answer> {
    const [name = "", ...words] = line.split(/\s+/);
    try {
      const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
      if (command === undefined) {
        throw new UsageError(`no such command${nearestName(name, Object.keys(COMMANDS))}; try help`);
      }
      return { ok: true, text: await command.run(this, words) };
    } catch (error) {
      return { ok: false, text: `${name}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #argumentsOf(name: string, word: string): readonly string[] {
    const words = COMMANDS[name]?.words ?? [];
    if (words === "devices") return this.#last?.guest?.pci.map(({ bdf }) => bdf) ?? [];
    if (words !== "disks") return words;
    const disks = ["vda", "vdb", "/dev/zero", "/dev/null", "/dev/hwrng"];
    if (name !== "dd") return disks.slice(0, 2);
    const key = word.slice(0, word.indexOf("=") + 1);
    return key === "" ? ["if=", "of=", "bs=", "count=", "skip=", "seek="] : disks.map((disk) => key + disk);
  }
}
