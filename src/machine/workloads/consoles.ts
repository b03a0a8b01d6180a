/** The console part of the acceptance workload: text goes out, and comes back where the back-end echoes. */
import { type ConsolePort, console as consoleDriver } from "../../drivers/index.ts";
import type { GuestContext } from "../../guest/define.ts";

/** What to do with the first port of one console, by its back-end. */
export type ConsoleTask = "echo" | "write" | "idle";

export interface ConsoleResult {
  readonly task: ConsoleTask;
  readonly ports: number;
  readonly bytesWritten: number;
  /** What was written came back; null where no echo was expected. */
  readonly verified: boolean | null;
}

const LINES = 1000;

export async function exerciseConsoles(
  guest: GuestContext,
  tasks: readonly ConsoleTask[],
): Promise<ConsoleResult[]> {
  const results: ConsoleResult[] = [];
  for (const [index, console] of guest.virtio.findAll(consoleDriver).entries()) {
    const task = tasks[index] ?? "idle";
    const port = await console.port();
    const text = task === "idle" ? "" : someText(index);
    const echo = task === "echo" ? readText(port, text.length) : null;
    await port.write(text);
    const verified = echo === null ? null : (await echo) === text;
    results.push({ task, ports: console.ports.length, bytesWritten: text.length, verified });
  }
  return results;
}

const someText = (index: number): string =>
  Array.from({ length: LINES }, (_, line) => `virtlab console ${index}, line ${line}\n`).join("");

async function readText(port: ConsolePort, length: number): Promise<string> {
  let text = "";
  for await (const piece of port) {
    text += new TextDecoder().decode(piece);
    if (text.length >= length) break;
  }
  return text;
}
