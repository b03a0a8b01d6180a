/**
 * virtio-console [virtio 1.4, 5.3]: one port, or many that come and go (MULTIPORT). A port announced to the guest is
 * the guest's to get ready; then it is told what the port is: whether a console, its name, whether its other end is
 * open.
 */
import {
  type DeviceContext,
  type DeviceModel,
  type DeviceQueue,
  type QueueSpec,
  UsageError,
} from "../../host/index.ts";
import { putU32 } from "../../wire/bytes.ts";
import {
  CONSOLE_CONFIG,
  CONSOLE_EVENT,
  CONSOLE_FEATURE,
  CONTROL_RX_QUEUE,
  CONTROL_TX_QUEUE,
  type ConsoleSize,
  type ControlMessage,
  encodeSize,
  portOfQueue,
  rxQueueOf,
} from "../../wire/console.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import type { ConsoleBackend } from "./backend.ts";
import { consoleCommands } from "./commands.ts";
import { ControlQueues } from "./control.ts";
import { DevicePort } from "./port.ts";
import { queueSpecs } from "./queue-specs.ts";

export interface ConsoleOptions {
  readonly size: ConsoleSize;
  /** Ports there can be; 1 without MULTIPORT. */
  readonly maxPorts: number;
  readonly multiport: boolean;
}

export interface NewPort {
  readonly backend: ConsoleBackend;
  readonly name?: string;
  readonly isConsole?: boolean;
}

export class ConsoleModel implements DeviceModel {
  readonly features: number;
  readonly queues: readonly QueueSpec[];
  readonly config: Uint8Array;
  readonly commands = consoleCommands(this);
  readonly multiport: boolean;
  readonly #options: ConsoleOptions;
  readonly #ports = new Map<number, DevicePort>();
  readonly #control = new ControlQueues();
  #context: DeviceContext | undefined;
  /** The guest has sent DEVICE_READY: it hears of ports. */
  #driverReady = false;

  constructor(options: ConsoleOptions) {
    const { SIZE, MULTIPORT, EMERG_WRITE } = CONSOLE_FEATURE;
    this.#options = options;
    this.multiport = options.multiport;
    this.features = featureMask(SIZE, EMERG_WRITE, ...(options.multiport ? [MULTIPORT] : []));
    this.queues = queueSpecs(options);
    this.config = new Uint8Array(CONSOLE_CONFIG.bytes);
    this.config.set(encodeSize(options.size), CONSOLE_CONFIG.cols);
    putU32(this.config, CONSOLE_CONFIG.maxPorts, options.maxPorts);
  }

  get ports(): readonly DevicePort[] {
    return [...this.#ports.values()];
  }

  /** Whichever handler comes first brings what reaches the driver. */
  attach(context: DeviceContext): void {
    if (this.#context === context) return;
    this.#context = context;
    for (const port of this.#ports.values()) port.attach(context);
  }

  /** Adds a port at the first free place; the guest hears of it if it is there. */
  addPort({ backend, name = "", isConsole = false }: NewPort): DevicePort {
    const id = this.#freeId();
    const port = new DevicePort(id, { name, isConsole, backend, size: this.#options.size });
    this.#ports.set(id, port);
    backend.onConnection = () => this.#tellOpen(port);
    if (this.#context !== undefined) port.attach(this.#context);
    this.#tell({ id, event: CONSOLE_EVENT.PORT_ADD, value: 1 });
    return port;
  }

  async removePort(port: DevicePort): Promise<void> {
    if (!this.multiport) throw new UsageError("a console without MULTIPORT keeps its port; give it ports=N");
    this.#ports.delete(port.id);
    this.#tell({ id: port.id, event: CONSOLE_EVENT.PORT_REMOVE, value: 1 });
    await port.remove();
  }

  renamePort(port: DevicePort, name: string): void {
    port.name = name;
    this.#tellName(port);
  }

  /** The size of port 0 is in the configuration as well. */
  resizePort(port: DevicePort, size: ConsoleSize): void {
    port.size = size;
    if (port.id === 0) {
      this.config.set(encodeSize(size), CONSOLE_CONFIG.cols);
      this.#context?.updateConfig(CONSOLE_CONFIG.cols, encodeSize(size));
    }
    this.#tellSize(port);
  }

  queueNotified(queue: DeviceQueue, context: DeviceContext): void {
    this.attach(context);
    const { index } = queue;
    const port = this.#ports.get(portOfQueue(index));
    if (this.multiport && index === CONTROL_RX_QUEUE) this.#control.serveSending(context);
    else if (this.multiport && index === CONTROL_TX_QUEUE) {
      this.#control.serveReceiving(queue, context, (message) => this.#handle(message, context));
    } else if (port === undefined) this.#serveNobody(queue);
    else if (index === rxQueueOf(port.id)) port.serveInput();
    else port.serveOutput();
  }

  started(context: DeviceContext): void {
    this.attach(context);
    if (this.#usesMultiport()) return;
    const first = this.#ports.get(0);
    if (first === undefined) return;
    first.guestOpen = true;
    first.serveInput();
  }

  mastering(context: DeviceContext): void {
    if (this.multiport) this.#control.serveSending(context);
    for (const port of this.#ports.values()) port.serveInput();
  }

  /** An emergency write works at any time, before the driver is there as well: its low byte is a character. */
  configWritten(offset: number, _length: number, context: DeviceContext): void {
    this.attach(context);
    const at = CONSOLE_CONFIG.emergencyWrite;
    const character = context.config[at] ?? 0;
    // Nothing else in the configuration is the driver's to change.
    context.config.set(this.config);
    if (offset === at) this.#ports.get(0)?.writeDirect(Uint8Array.of(character));
  }

  reset(): void {
    this.#driverReady = false;
    this.#control.clear();
    for (const port of this.#ports.values()) port.guestOpen = false;
  }

  async close(): Promise<void> {
    await Promise.all(this.ports.map((port) => port.remove()));
  }

  describe() {
    return {
      multiport: this.multiport,
      driverReady: this.#driverReady,
      controlWaiting: this.#control.waiting,
      ports: this.ports.map((port) => port.describe()),
    };
  }

  #handle({ id, event, value }: ControlMessage, context: DeviceContext): void {
    const port = this.#ports.get(id);
    if (event === CONSOLE_EVENT.DEVICE_READY) this.#setDriverReady(value === 1, context);
    // It may speak of a port that was removed meanwhile.
    else if (port === undefined) context.log(`control event ${event} for port ${id}, which is not there`);
    else if (event === CONSOLE_EVENT.PORT_READY) this.#introduce(port, value === 1, context);
    else if (event === CONSOLE_EVENT.PORT_OPEN) {
      port.guestOpen = value === 1;
      port.serveInput();
    } else {
      const detail = `control event ${event} is not one that a driver sends`;
      context.violated({ kind: "request-format", queue: CONTROL_TX_QUEUE, detail });
    }
  }

  #setDriverReady(ready: boolean, context: DeviceContext): void {
    if (!ready) context.log("the driver could not get the console ready");
    this.#driverReady = ready;
    for (const { id } of this.#ports.values()) this.#tell({ id, event: CONSOLE_EVENT.PORT_ADD, value: 1 });
  }

  #introduce(port: DevicePort, ready: boolean, context: DeviceContext): void {
    const { id } = port;
    if (!ready) {
      context.log(`the driver could not get port ${id} ready`);
      return;
    }
    if (port.isConsole) {
      this.#tell({ id, event: CONSOLE_EVENT.CONSOLE_PORT, value: 1 });
      this.#tellSize(port);
    }
    if (port.name !== "") this.#tellName(port);
    if (port.backend.connected) this.#tellOpen(port);
  }

  #tellName({ id, name }: DevicePort): void {
    this.#tell({ id, event: CONSOLE_EVENT.PORT_NAME, value: 1, payload: new TextEncoder().encode(name) });
  }
  #tellSize({ id, size }: DevicePort): void {
    this.#tell({ id, event: CONSOLE_EVENT.RESIZE, value: 0, payload: encodeSize(size) });
  }
  #tellOpen({ id, backend }: DevicePort): void {
    this.#tell({ id, event: CONSOLE_EVENT.PORT_OPEN, value: backend.connected ? 1 : 0 });
  }

  #tell(message: ControlMessage): void {
    if (this.#driverReady && this.#context !== undefined) this.#control.send(message, this.#context);
  }

  /** Output for a port that is gone comes back unread; buffers for its input stay, for the next of that number. */
  #serveNobody(queue: DeviceQueue): void {
    if (queue.index % 2 === 0) return;
    queue.serve((chain) => {
      this.#context?.log(
        `${chain.readableBytes} bytes for port ${portOfQueue(queue.index)}, which is not there`,
      );
      queue.push(chain, 0);
    });
  }

  #usesMultiport(): boolean {
    return hasFeature(this.#context?.features ?? 0, CONSOLE_FEATURE.MULTIPORT);
  }

  #freeId(): number {
    for (let id = 0; id < this.#options.maxPorts; id++) if (!this.#ports.has(id)) return id;
    throw new UsageError(`the console has room for ${this.#options.maxPorts} ports`);
  }
}
