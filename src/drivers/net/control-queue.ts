/** The control queue: one command at a time, in three segments: class and command, data, answer [5.1.6.5]. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { CTRL_OK } from "../../wire/net.ts";
import { refusal } from "../errors.ts";
import { NetError } from "./net-error.ts";

interface Command {
  readonly name: string;
  /** Class, command and data. */
  readonly bytes: Uint8Array;
  resolve(): void;
  reject(error: Error): void;
}

const HEAD_BYTES = 2;
/** No device answers this: the byte was never written. */
const UNANSWERED = 0xff;

export class ControlQueue {
  readonly #memory: GuestMemory;
  readonly #queue: DriverQueue<Command>;
  readonly #pending: Command[] = [];
  readonly #list = new ScatterList();
  /** The command in flight: its message, then the answer. */
  #address = -1;

  constructor(memory: GuestMemory, queue: DriverQueue<Command>) {
    this.#memory = memory;
    this.#queue = queue;
  }

  get outstanding(): number {
    return this.#pending.length;
  }
  get broken(): string | undefined {
    return this.#queue.broken;
  }

  /** Resolves when the device has obeyed; `NetError` if it refuses. `name` is for that. */
  command(name: string, group: number, what: number, data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ name, bytes: Uint8Array.of(group, what, ...data), resolve, reject });
      if (this.#pending.length === 1) this.#start();
    });
  }

  /** The interrupt. */
  completed(): void {
    do {
      this.#queue.disableCallbacks();
      for (let done = this.#queue.get(); done !== undefined; done = this.#queue.get()) this.#finish(done);
    } while (this.#queue.broken === undefined && !this.#queue.enableCallbacks());
  }

  /** After a reset. */
  cancel(error: Error): void {
    while (this.#queue.detachUnused() !== undefined);
    const [inFlight] = this.#pending;
    if (inFlight !== undefined) this.#free(inFlight);
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }

  #start(): void {
    const [command] = this.#pending;
    if (command === undefined) return;
    const { bytes } = command;
    const address = this.#memory.allocate(bytes.length + 1);
    if (address === undefined) {
      this.#giveUp(command, this.#refusal(command));
      return;
    }
    this.#address = address;
    this.#memory.write(address, bytes);
    this.#memory.write8(address + bytes.length, UNANSWERED);
    this.#list.clear().addReadable(address, HEAD_BYTES);
    if (bytes.length > HEAD_BYTES) this.#list.addReadable(address + HEAD_BYTES, bytes.length - HEAD_BYTES);
    this.#list.addWritable(address + bytes.length, 1);
    const refused = this.#add(command);
    if (refused === undefined) this.#queue.kick();
    else this.#giveUp(command, refused);
  }

  #add(command: Command): Error | undefined {
    try {
      return this.#queue.add(this.#list, command) ? undefined : this.#refusal(command);
    } catch {
      return new NetError(
        `${command.name}: no room in the control queue, whose ring is shorter than a command`,
      );
    }
  }

  #refusal({ name }: Command): Error {
    return refusal(this.#queue, `${name}: no guest memory`);
  }

  #giveUp(command: Command, error: Error): void {
    this.#free(command);
    this.#pending.shift();
    command.reject(error);
    this.#start();
  }

  #finish(command: Command): void {
    const answer = this.#memory.read8(this.#address + command.bytes.length);
    this.#free(command);
    this.#pending.shift();
    if (answer === CTRL_OK) command.resolve();
    else command.reject(new NetError(`the device refused ${command.name} (answer ${answer})`));
    this.#start();
  }

  #free({ bytes }: Command): void {
    if (this.#address >= 0) this.#memory.free(this.#address, bytes.length + 1);
    this.#address = -1;
  }
}
