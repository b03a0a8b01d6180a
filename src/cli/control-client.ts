/** The other end of a machine's control socket. */
import { statSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { UsageError } from "../host/device.ts";
import { type ControlAnswer, type ControlQuestion, pathTrouble } from "../machine/control-server.ts";

/** Counters come from the workers: a stuck one is waited for this long by the machine itself, and then some. */
const ANSWER_MS = 10_000;

/** The machine has ended, which is no fault of anybody's. */
export class MachineGoneError extends Error {
  override readonly name = "MachineGoneError";
}

export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting: { resolve(answer: ControlAnswer): void; reject(error: Error): void }[] = [];

  static connect(path: string): Promise<ControlClient> {
    const trouble = pathTrouble(path);
    if (trouble !== undefined) throw new UsageError(`${path}: ${trouble}`);
    return new Promise((resolve, reject) => {
      const socket = createConnection(path);
      socket.once("error", (error: NodeJS.ErrnoException) => reject(new UsageError(explain(path, error))));
      socket.once("connect", () => resolve(new ControlClient(socket)));
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    const gone = () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new MachineGoneError("the machine has ended"));
    };
    socket.on("error", gone);
    socket.on("close", gone);
    const lines = createInterface({ input: socket });
    // The interface tells of its input's error again.
    lines.on("error", gone);
    lines.on("line", (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line) as ControlAnswer);
    });
  }

  /** Answers come in the order of the questions. */
  async ask<Value>(question: ControlQuestion): Promise<Value> {
    const answer = await new Promise<ControlAnswer>((resolve, reject) => {
      if (this.#socket.destroyed) reject(new MachineGoneError("the machine has ended"));
      const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
      const settle =
        <T>(step: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          step(value);
        };
      this.#waiting.push({ resolve: settle(resolve), reject: settle(reject) });
      this.#socket.write(`${JSON.stringify({ ask: question })}\n`);
    });
    if (!answer.ok) throw new UsageError(answer.error);
    return answer.value as Value;
  }

  close(): void {
    this.#socket.destroy();
  }
}

function explain(path: string, error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT")
    return `${path}: there is no control socket (virtlab run --control ${path} makes one)`;
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() === false) return `${path}: is no socket`;
  if (error.code === "ECONNREFUSED") return `${path}: the machine that made this socket is gone`;
  return `${path}: ${error.message}`;
}
