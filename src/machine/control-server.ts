/**
 * A running machine's control socket: a Unix socket in the main thread, JSON lines. `{"ask":"snapshot"}` is answered
 * from shared memory, at once; `{"ask":"counters"}` by the two workers, as far as they still answer.
 */
import { existsSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { UsageError } from "../host/device.ts";
import type { QueueRow } from "../observe/report/tables.ts";
import type { Snapshot } from "./snapshot.ts";

/** What can be asked of a machine. */
export interface Controlled {
  snapshot(): Snapshot;
  counters(): Promise<readonly QueueRow[]>;
}

export const CONTROL_QUESTIONS = ["snapshot", "counters"] as const;
export type ControlQuestion = (typeof CONTROL_QUESTIONS)[number];

export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string };

export class ControlServer {
  readonly #server: Server;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();

  /** Listens. Throws `UsageError` where something is at the path already, or nothing can be. */
  static async start(path: string, machine: Controlled): Promise<ControlServer> {
    const trouble = pathTrouble(path) ?? placeTrouble(path);
    if (trouble !== undefined) throw new UsageError(`--control ${path}: ${trouble}`);
    const control = new ControlServer(path, machine);
    await control.#listen();
    return control;
  }

  private constructor(path: string, machine: Controlled) {
    this.#path = path;
    this.#server = createServer((socket) => this.#serve(socket, machine));
    // The socket keeps no machine alive.
    this.#server.unref();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await unlink(this.#path).catch(() => undefined);
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) =>
        reject(new UsageError(`--control ${this.#path}: ${error.message}`)),
      );
      this.#server.listen(this.#path, resolve);
    });
  }

  #serve(socket: Socket, machine: Controlled): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.on("close", () => this.#sockets.delete(socket));
    // A client that goes away in the middle is no concern of the machine's.
    socket.on("error", () => socket.destroy());
    const lines = createInterface({ input: socket });
    // The interface tells of its input's error again.
    lines.on("error", () => socket.destroy());
    lines.on("line", async (line) => {
      socket.write(`${JSON.stringify(await answer(line, machine))}\n`);
    });
  }
}

/** What the system takes as a socket's address. Longer ones are cut off without a word. */
const PATH_BYTES_MAX = process.platform === "linux" ? 107 : 103;

/** Why no socket can have this path. */
export function pathTrouble(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  return bytes > PATH_BYTES_MAX
    ? `a socket's path has ${PATH_BYTES_MAX} bytes at most, this one has ${bytes}`
    : undefined;
}

function placeTrouble(path: string): string | undefined {
  if (existsSync(path)) return "is there already; remove it, if its machine is gone, or name another";
  return existsSync(dirname(path)) ? undefined : `there is no folder ${dirname(path)}`;
}

async function answer(line: string, machine: Controlled): Promise<ControlAnswer> {
  try {
    const { ask } = JSON.parse(line) as { ask?: unknown };
    if (ask === "snapshot") return { ok: true, value: machine.snapshot() };
    if (ask === "counters") return { ok: true, value: await machine.counters() };
    return { ok: false, error: `ask for one of ${CONTROL_QUESTIONS.join(", ")}` };
  } catch (error) {
    return { ok: false, error: (error as Error).message };
  }
}
