/** The control queues of a MULTIPORT console: short messages both ways. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { type ControlMessage, decodeControl, encodeControl } from "../../wire/console.ts";
import { type Buffer, Input } from "./input.ts";
import { Output, type Piece } from "./output.ts";

/** Room for a message with a name. */
const BUFFERS = { buffers: 16, bytes: 512 };

export class Control {
  readonly #input: Input;
  readonly #output: Output;
  readonly #handle: (message: Required<ControlMessage>) => void;

  constructor(
    memory: GuestMemory,
    queues: { receive: DriverQueue<Buffer>; transmit: DriverQueue<Piece> },
    handle: (message: Required<ControlMessage>) => void,
  ) {
    this.#input = new Input(memory, queues.receive, BUFFERS);
    this.#output = new Output(memory, queues.transmit);
    this.#handle = handle;
  }

  stock(): void {
    this.#input.stock();
  }

  /** Messages need no answer; those that a reset takes back are nobody's loss. */
  send(message: ControlMessage): void {
    this.#output.write(encodeControl(message)).catch(() => undefined);
  }

  received(): void {
    this.#input.collect();
    for (let bytes = this.#input.take(); bytes !== undefined; bytes = this.#input.take()) {
      const message = decodeControl(bytes);
      if (message !== undefined) this.#handle(message);
    }
  }

  sent(): void {
    this.#output.collect();
  }

  /** After a reset. */
  destroy(): void {
    this.#output.cancel(new Error("reset"));
    this.#input.destroy();
    this.#output.destroy();
  }
}
