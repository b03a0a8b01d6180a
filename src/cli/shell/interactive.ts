/** The prompt on a terminal, with completion and a history that lasts. */
import { appendFileSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { CompleterResult } from "node:readline";
import { createInterface, type Interface } from "node:readline/promises";
import type { Shell } from "../../machine/shell/shell.ts";
import { EXIT } from "../exit-codes.ts";
import { PROMPT } from "./prompt.ts";

const HISTORY_FILE = join(homedir(), ".virtlab_history");
const HISTORY_LINES = 500;

export async function runInteractive(shell: Shell): Promise<number> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: readHistory(),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string): CompleterResult => {
      const { candidates, word } = shell.complete(line);
      return [[...candidates], word];
    },
  });
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  // So that the first completion knows the devices.
  await shell.execute("lsblk");
  while (!shell.ended) {
    const line = await ask(terminal);
    if (line === undefined) break;
    remember(line);
    const { text } = await shell.execute(line);
    if (text !== "") process.stdout.write(`${text}\n`);
  }
  terminal.close();
  return EXIT.fine;
}

/** Undefined at the end of input. */
async function ask(terminal: Interface): Promise<string | undefined> {
  const leave = new AbortController();
  const onLeave = () => leave.abort();
  terminal.once("close", onLeave);
  try {
    return await terminal.question(PROMPT, { signal: leave.signal });
  } catch (error) {
    if (leave.signal.aborted) return undefined;
    throw error;
  } finally {
    terminal.off("close", onLeave);
  }
}

/** The newest first, as readline wants it. A history that cannot be read or written is none. */
function readHistory(): string[] {
  try {
    return readFileSync(HISTORY_FILE, "utf8").trimEnd().split("\n").slice(-HISTORY_LINES).reverse();
  } catch {
    return [];
  }
}

function remember(line: string): void {
  if (line.trim() === "") return;
  try {
    appendFileSync(HISTORY_FILE, `${line}\n`);
  } catch {
    // It is gone at the end, then.
  }
}
