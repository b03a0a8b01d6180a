/** Our end of the guest's agent: waits until it is ready, gives it scripts, collects their output and status. */
import { randomBytes } from "node:crypto";
import { ENDED, FAILED, READY } from "./init-script.ts";
import type { SerialLine } from "./serial.ts";

/** The guest did not do what it should, in time or at all: a finding, not a fault of ours. */
export class LinuxError extends Error {
  override readonly name: string = "LinuxError";
}

/** Linux was told to end: a command waits in vain, but a shell has just been left. */
export class LinuxEnded extends LinuxError {
  override readonly name = "LinuxEnded";
}

export interface ScriptResult {
  readonly status: number;
  readonly output: string;
}

/** Base64 per line: the guest's read buffer takes 4096 bytes without a newline at most. */
const LINE_BYTES = 512;

export class Agent {
  /** The guest's shell has ended. */
  onEnded: () => void = () => {};
  /** Output of the running script, line by line. */
  onOutput: (line: string) => void = () => {};
  readonly #serial: SerialLine;
  #heard: (line: string) => void = () => {};
  /** Ends the wait that is on, if any. */
  #giveUp: () => void = () => {};

  constructor(serial: SerialLine) {
    this.#serial = serial;
    serial.onLine = (line) => (line === ENDED ? this.onEnded() : this.#heard(line));
  }

  /** Resolves when the guest has booted and its drivers are in. */
  async ready(deadlineMs: number, describe: () => string): Promise<void> {
    const late = () => `Linux has not booted after ${deadlineMs / 1000} s${describe()}`;
    await this.#listen(deadlineMs, late, (line, done, fail) => {
      if (line === READY) done();
      if (line.startsWith(FAILED)) fail(line.slice(FAILED.length + 1));
    });
  }

  /** One script at a time. Rejects when it has not ended in time; the guest is then of no further use. */
  async run(script: string, deadlineMs: number): Promise<ScriptResult> {
    const token = randomBytes(8).toString("hex");
    const output: string[] = [];
    const late = () => `the command has not ended after ${deadlineMs / 1000} s: ${firstLine(script)}`;
    let status = 0;
    const ended = this.#listen(deadlineMs, late, (line, done) => {
      const at = line.indexOf(`${token} `);
      if (at < 0) {
        output.push(line);
        this.onOutput(line);
        return;
      }
      // A script whose output does not end in a newline has the token behind it.
      if (at > 0) {
        output.push(line.slice(0, at));
        this.onOutput(line.slice(0, at));
      }
      status = Number(line.slice(at + token.length));
      done();
    });
    this.#serial.send(`${token}\n${lines(script)}\n\n`);
    await ended;
    return { status, output: output.join("\n") };
  }

  /** Nobody will answer any more. */
  abandon(): void {
    this.#giveUp();
  }

  async #listen(
    deadlineMs: number,
    late: () => string,
    heard: (line: string, done: () => void, fail: (reason: string) => void) => void,
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (reason: string) => reject(new LinuxError(reason));
        timer = setTimeout(() => fail(late()), deadlineMs);
        this.#giveUp = () => fail("the machine has been stopped");
        this.#heard = (line) => heard(line, resolve, fail);
      });
    } finally {
      clearTimeout(timer);
      this.#heard = () => {};
      this.#giveUp = () => {};
    }
  }
}

const lines = (script: string): string =>
  Buffer.from(`${script}\n`)
    .toString("base64")
    .replace(new RegExp(`.{${LINE_BYTES}}(?=.)`, "g"), "$&\n");

function firstLine(script: string): string {
  const [first = ""] = script.trim().split("\n");
  return first.length > 60 ? `${first.slice(0, 60)}…` : first;
}
