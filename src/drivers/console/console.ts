/**
 * A console's ports as they come and go. Each pair of queues belongs to a port number for good: buffers that a removed
 * port leaves with the device stay there, for a ring in use gives nothing back [virtio 1.4, 2.7.14], and serve the
 * next port of that number.
 */
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import {
  CONSOLE_CONFIG,
  CONSOLE_EVENT,
  type ConsoleSize,
  type ControlMessage,
  decodeSize,
  NO_PORT,
} from "../../wire/console.ts";
import { notWhole, shown } from "../arguments.ts";
import { CancelledError } from "../errors.ts";
import type { Control } from "./control.ts";
import type { Input } from "./input.ts";
import type { Output } from "./output.ts";
import { ConsolePort, type PortOwner } from "./port.ts";

/** The queues of one port number, and the port that has them now. */
export interface Line {
  readonly input: Input;
  readonly output: Output;
  port?: ConsolePort;
}

export interface ConsoleParts {
  readonly lines: readonly Line[];
  /** With MULTIPORT. */
  readonly control?: Control;
  readonly hasSize: boolean;
  readonly hasEmergencyWrite: boolean;
}

export class Console implements PortOwner {
  /** Called when the host adds a port; its name comes a little later. */
  onPort: (port: ConsolePort) => void = () => {};
  readonly #device: VirtioDevice;
  readonly #parts: ConsoleParts;
  readonly #waiters: {
    wanted: number | string;
    resolve(port: ConsolePort): void;
    reject(error: Error): void;
  }[] = [];
  #gone: string | undefined;

  constructor(device: VirtioDevice, parts: ConsoleParts) {
    this.#device = device;
    this.#parts = parts;
  }

  get ports(): readonly ConsolePort[] {
    return this.#parts.lines.flatMap(({ port }) => port ?? []);
  }

  /** The port of that number or name, once the host has added (and named) it. */
  port(wanted: number | string = 0): Promise<ConsolePort> {
    const problem = this.#noPort(wanted);
    if (problem !== undefined) return Promise.reject(problem);
    const found = this.#find(wanted);
    if (found !== undefined) return Promise.resolve(found);
    if (this.#gone !== undefined) return Promise.reject(new CancelledError(this.#gone));
    return new Promise((resolve, reject) => this.#waiters.push({ wanted, resolve, reject }));
  }

  /** Characters past every queue, one register write each: works when nothing else does [5.3.4]. */
  emergencyWrite(text: string): void {
    if (!this.#parts.hasEmergencyWrite) throw new Error("the console has no emergency write");
    if (typeof text !== "string") throw new TypeError(`text: expected a string, got ${shown(text)}`);
    for (const byte of new TextEncoder().encode(text)) {
      this.#device.transport.setConfig(CONSOLE_CONFIG.emergencyWrite, Uint8Array.of(byte));
    }
  }

  /** Pieces of output that somebody awaits. */
  get outstanding(): number {
    return this.#parts.lines.reduce(
      (sum, { port, output }) => sum + (port?.hostOpen ? output.outstanding : 0),
      0,
    );
  }
  /** Somebody waits for input, a port, or a peer to write to. */
  get awaitsInput(): boolean {
    const waits = ({ port, output }: Line) =>
      port?.awaitsInput || (port?.hostOpen === false && output.outstanding > 0);
    return this.#waiters.length > 0 || this.#parts.lines.some(waits);
  }

  tellOpen(id: number, open: boolean): void {
    this.#parts.control?.send({ id, event: CONSOLE_EVENT.PORT_OPEN, value: open ? 1 : 0 });
  }

  /** For the driver: buffers are with the device; without MULTIPORT the one port is there. */
  start(): void {
    const { control } = this.#parts;
    if (control === undefined) {
      this.#addPort(0);
      const [port] = this.ports;
      port?.setHostOpen(true);
      if (port !== undefined) port.isConsole = true;
    } else {
      control.stock();
      control.send({ id: NO_PORT, event: CONSOLE_EVENT.DEVICE_READY, value: 1 });
    }
    this.configChanged();
  }

  /** For the driver: the size in the configuration is port 0's [5.3.5]. */
  configChanged(): void {
    const size = this.#readSize();
    if (size !== undefined) this.#parts.lines[0]?.port?.resize(size);
  }

  /** For the driver: the host's control messages, whatever they say. */
  handle({ id, event, value, payload }: Required<ControlMessage>): void {
    if (event === CONSOLE_EVENT.PORT_ADD) {
      this.#addPort(id);
      return;
    }
    const port = this.#parts.lines[id]?.port;
    if (port === undefined) return;
    if (event === CONSOLE_EVENT.PORT_REMOVE) this.#removePort(id, "the host removed the port");
    else if (event === CONSOLE_EVENT.PORT_OPEN) port.setHostOpen(value === 1);
    else if (event === CONSOLE_EVENT.RESIZE && payload.length >= 4) port.resize(decodeSize(payload));
    else if (event === CONSOLE_EVENT.CONSOLE_PORT) {
      port.isConsole = true;
      // The message wants this answer, also when somebody has opened the port already [5.3.6.2].
      if (port.isOpen) this.tellOpen(id, true);
      else port.open();
    } else if (event === CONSOLE_EVENT.PORT_NAME) {
      port.name = new TextDecoder().decode(payload);
      this.#settleWaiters();
    }
  }

  /** For the driver: the device is reset, and everything in flight comes back. */
  remove(reason: string): void {
    this.#gone = reason;
    this.#parts.lines.forEach((_, id) => {
      this.#removePort(id, reason);
    });
    for (const { reject } of this.#waiters.splice(0)) reject(new CancelledError(reason));
    this.#parts.control?.destroy();
    for (const { input, output } of this.#parts.lines) {
      input.destroy();
      output.destroy();
    }
  }

  #addPort(id: number): void {
    const line = this.#parts.lines[id];
    // A number beyond max_nr_ports, or of a port that is there, is the device's mistake.
    if (line === undefined || line.port !== undefined) {
      this.#parts.control?.send({ id, event: CONSOLE_EVENT.PORT_READY, value: 0 });
      return;
    }
    const port = new ConsolePort(id, this, line.input, line.output);
    line.port = port;
    line.output.pause(true);
    line.input.stock();
    if (id === 0) this.configChanged();
    this.#parts.control?.send({ id, event: CONSOLE_EVENT.PORT_READY, value: 1 });
    this.onPort(port);
    this.#settleWaiters();
  }

  #removePort(id: number, reason: string): void {
    const line = this.#parts.lines[id];
    line?.port?.remove(reason);
    if (line !== undefined) delete line.port;
  }

  /** One that can never come is not waited for. */
  #noPort(wanted: number | string): Error | undefined {
    if (typeof wanted !== "string") return notWhole("port", wanted, 0, this.#parts.lines.length - 1);
    return wanted === "" ? new RangeError("port: expected a number or a name, got an empty name") : undefined;
  }

  #find(wanted: number | string): ConsolePort | undefined {
    return this.ports.find(({ id, name }) => id === wanted || (name === wanted && name !== ""));
  }

  #settleWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) {
      const port = this.#find(waiter.wanted);
      if (port === undefined) this.#waiters.push(waiter);
      else waiter.resolve(port);
    }
  }

  #readSize(): ConsoleSize | undefined {
    if (!this.#parts.hasSize) return undefined;
    const bytes = new Uint8Array(4);
    this.#device.transport.getConfig(CONSOLE_CONFIG.cols, bytes);
    return decodeSize(bytes);
  }
}
