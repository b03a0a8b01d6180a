/** A port on the process's standard input and output. One port of a machine can have it. */
import { createReadStream, fstatSync } from "node:fs";
import { Socket } from "node:net";
import { isatty, ReadStream } from "node:tty";
import type { ConsoleBackend } from "./backend.ts";

const STDIN = 0;

export function stdioBackend(): ConsoleBackend {
  const source = openStdin();
  return {
    input: source,
    connected: true,
    onConnection: () => {},
    write: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(error);
        });
      }),
    close: () => void source.destroy(),
    describe: () => ({ backend: "stdio" }),
  };
}

/** Read here and not through `process.stdin`, which in a worker thread has nothing to give. */
function openStdin() {
  if (isatty(STDIN)) return new ReadStream(STDIN);
  const kind = fstatSync(STDIN);
  if (kind.isFIFO() || kind.isSocket()) return new Socket({ fd: STDIN, readable: true, writable: false });
  return createReadStream("", { fd: STDIN, autoClose: false });
}
