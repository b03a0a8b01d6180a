/** Commands from a file or a pipe: each is shown behind the prompt, so that what is printed reads like a session. */
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import type { Shell } from "../../machine/shell/shell.ts";
import { EXIT } from "../exit-codes.ts";
import { PROMPT } from "./prompt.ts";

/** Ends at the first line that fails. */
export async function runScript(shell: Shell, input: Readable): Promise<number> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  try {
    for await (const line of lines) {
      number++;
      process.stdout.write(`${PROMPT}${line}`.trimEnd().concat("\n"));
      const { ok, text } = await shell.execute(line);
      if (text !== "") process.stdout.write(`${text}\n`);
      if (!ok) {
        process.stderr.write(`virtlab: line ${number} failed: ${line.trim()}\n`);
        return EXIT.finding;
      }
      if (shell.ended) break;
    }
    return EXIT.fine;
  } finally {
    lines.close();
    input.destroy();
  }
}
