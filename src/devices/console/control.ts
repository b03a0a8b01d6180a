/** The control queues of a MULTIPORT console: messages to the guest wait here for its buffers, in order. */
import type { DeviceContext, DeviceQueue } from "../../host/index.ts";
import {
  CONTROL_MESSAGE_BYTES,
  CONTROL_RX_QUEUE,
  type ControlMessage,
  decodeControl,
  encodeControl,
} from "../../wire/console.ts";

/** The most of a message from the guest that is looked at: none of its events carries a payload. */
const MESSAGE_BYTES_MAX = CONTROL_MESSAGE_BYTES;

export class ControlQueues {
  readonly #waiting: Uint8Array[] = [];

  /** Messages that the guest has not been given. */
  get waiting(): number {
    return this.#waiting.length;
  }

  send(message: ControlMessage, context: DeviceContext): void {
    this.#waiting.push(encodeControl(message));
    this.serveSending(context);
  }

  /** Puts waiting messages into the guest's buffers, one in each. */
  serveSending(context: DeviceContext): void {
    const queue = context.queues[CONTROL_RX_QUEUE];
    if (queue === undefined || !context.busMaster) return;
    do {
      queue.disableNotifications();
      for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
        const chain = queue.pop();
        if (chain === undefined) break;
        // One that does not fit is cut short, and the guest told on: a second buffer would make it two messages.
        if (chain.writableBytes < message.length) {
          const detail = `a control buffer of ${chain.writableBytes} bytes for a message of ${message.length}`;
          context.violated({ kind: "request-format", queue: queue.index, detail });
        }
        queue.push(chain, chain.write(0, message));
        this.#waiting.shift();
      }
      queue.flush();
      if (this.#waiting.length === 0) return;
    } while (queue.enableNotifications());
  }

  /** Takes the guest's messages; what is none is reported. */
  serveReceiving(
    queue: DeviceQueue,
    context: DeviceContext,
    handle: (message: ControlMessage) => void,
  ): void {
    queue.serve((chain) => {
      const bytes = new Uint8Array(Math.min(chain.readableBytes, MESSAGE_BYTES_MAX));
      chain.read(0, bytes);
      queue.push(chain, 0);
      const message = decodeControl(bytes);
      if (message !== undefined) {
        handle(message);
        return;
      }
      const detail = `a control message of ${bytes.length} bytes`;
      context.violated({ kind: "request-format", queue: queue.index, detail });
    });
  }

  /** Reset: nobody waits for them any more. */
  clear(): void {
    this.#waiting.length = 0;
  }
}
