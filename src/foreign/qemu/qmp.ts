/** QEMU's monitor: changes from outside while a guest runs (a disk that grows, a cable pulled, a balloon's target). */
import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";

interface QmpReply {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly QMP?: unknown;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class QmpError extends Error {
  override readonly name = "QmpError";
}

export class Qmp {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #greeted: () => void = () => undefined;

  static async connect(path: string): Promise<Qmp> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const qmp = new Qmp(socket);
    await new Promise<void>((resolve) => {
      qmp.#greeted = resolve;
    });
    await qmp.command("qmp_capabilities");
    return qmp;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on("line", (line) => this.#line(JSON.parse(line) as QmpReply));
    socket.once("close", () => this.#end());
    socket.on("error", () => this.#end());
  }

  command(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #line(reply: QmpReply): void {
    if (reply.QMP !== undefined) this.#greeted();
    if (reply.QMP !== undefined || reply.event !== undefined) return;
    const waiting = this.#waiting.shift();
    if (reply.error === undefined) waiting?.resolve(reply.return);
    else waiting?.reject(new QmpError(`${reply.error.class}: ${reply.error.desc}`));
  }

  #end(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new QmpError("QEMU's monitor is closed"));
  }
}
