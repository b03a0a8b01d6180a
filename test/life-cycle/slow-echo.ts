/** A device that answers when the test says so, and a driver that counts how each of its requests ended. */
import { defineDriver } from "../../src/guest/define.ts";
import type { VirtioDevice } from "../../src/guest/virtio/types.ts";
import type { DriverQueue } from "../../src/guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import type { DeviceModel } from "../../src/host/device.ts";
import type { Chain } from "../../src/host/virtqueue/chain.ts";
import type { DeviceQueue } from "../../src/host/virtqueue/device-queue.ts";

export const ECHO_ID = 42;
const BYTES = 16;

export function slowEcho(queueCount = 1) {
  const held: { queue: DeviceQueue; chain: Chain }[] = [];
  const model: DeviceModel = {
    features: 0,
    queues: Array.from({ length: queueCount }, (_, index) => ({ name: `q${index}`, size: 8 })),
    config: new Uint8Array(4),
    queueNotified: (queue) => queue.serve((chain) => held.push({ queue, chain })),
  };
  /** Answers everything that is held, with the bytes of `value`. */
  const answer = (value = 1): void => {
    for (const { queue, chain } of held.splice(0)) {
      if (queue.detached) continue;
      chain.fill(0, BYTES, value);
      queue.push(chain, BYTES);
      queue.flush();
    }
  };
  return { model, held, answer };
}

/** What became of requests, by the number that `send` gave each. */
export class Echo {
  readonly endings = new Map<number, string[]>();
  configChanges = 0;
  readonly #device: VirtioDevice;
  readonly #queues: readonly DriverQueue<{ number: number; address: number }>[];
  #next = 0;

  constructor(device: VirtioDevice, queueCount: number) {
    this.#device = device;
    this.#queues = device.transport.findQueues(
      Array.from({ length: queueCount }, (_, index) => ({
        name: `q${index}`,
        callback: () => this.#collect(index),
      })),
    );
  }

  send(index = 0): number {
    const address = this.#device.memory.allocate(BYTES);
    const queue = this.#queues[index];
    if (address === undefined || queue === undefined) throw new Error("nothing to send with");
    const number = this.#next++;
    this.endings.set(number, []);
    if (!queue.add(new ScatterList().addWritable(address, BYTES), { number, address }))
      throw new Error("full");
    queue.kick();
    return number;
  }

  /** How each request ended: once, or the test fails. */
  get results(): string[] {
    return [...this.endings.values()].map((ends) => ends.join("+") || "in flight");
  }

  #collect(index: number): void {
    const queue = this.#queues[index];
    for (let done = queue?.get(); done !== undefined; done = queue?.get()) {
      const bytes = new Uint8Array(BYTES);
      this.#device.memory.read(done.address, bytes);
      this.#end(done, `answered ${bytes[0]}`);
    }
  }

  #end({ number, address }: { number: number; address: number }, how: string): void {
    this.#device.memory.free(address, BYTES);
    this.endings.get(number)?.push(how);
  }

  remove(): void {
    this.#device.transport.reset();
    for (const queue of this.#queues) {
      for (let left = queue.detachUnused(); left !== undefined; left = queue.detachUnused()) {
        this.#end(left, "cancelled");
      }
    }
    this.#device.transport.deleteQueues();
  }
}

export const echoDriver = (queueCount = 1) =>
  defineDriver<Echo>({
    name: "echo",
    deviceId: ECHO_ID,
    features: 0,
    probe: (device) => new Echo(device, queueCount),
    remove: (_device, echo) => echo.remove(),
    configChanged: (_device, echo) => {
      echo.configChanges++;
    },
  });
