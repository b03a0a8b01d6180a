#!/usr/bin/env node
/** `virtlab`: the command line, as a process. */
import { EXIT } from "./exit-codes.ts";
import { explain, virtlab } from "./program.ts";

for (const [signal, code] of [
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", EXIT.terminated],
  ["SIGHUP", EXIT.hungUp],
] as const) {
  // Worker threads end with the process; a file that was open for writing has had every write it was promised.
  process.on(signal, () => {
    // A command that hears it once itself has something to finish first; the next one ends it all the same.
    if (process.listenerCount(signal) === 1) process.exit(code);
  });
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that has had enough, as `head` has, ends us as it ends any other program.
  if (error.code === "EPIPE") process.exit(EXIT.readerGone);
  process.stderr.write(`virtlab: the output cannot be written: ${error.message}\n`);
  process.exit(EXIT.failure);
});
// With nobody to tell, the exit code is what is left.
process.stderr.on("error", () => undefined);

try {
  await virtlab().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
