/** A user's driver, and how to stress it. */
import {
  type DriverQueue,
  defineDriver,
  OutOfMemoryError,
  ScatterList,
  type VirtioDevice,
} from "../../../src/guest/index.ts";

interface Request {
  readonly address: number;
  readonly bytes: number;
  resolve(text: string): void;
  reject(error: Error): void;
}

class Upper {
  readonly #device: VirtioDevice;
  readonly #queue: DriverQueue<Request>;
  outstanding = 0;

  constructor(device: VirtioDevice) {
    this.#device = device;
    const [queue] = device.transport.findQueues([{ name: "requests", callback: () => this.#collect() }]);
    if (queue === undefined) throw new Error("no queue");
    this.#queue = queue;
  }

  ask(text: string): Promise<string> {
    const bytes = text.length;
    const address = this.#device.memory.allocate(2 * bytes);
    if (address === undefined) return Promise.reject(new OutOfMemoryError("no memory"));
    this.#device.memory.write(address, Buffer.from(text, "latin1"));
    const list = new ScatterList().addReadable(address, bytes).addWritable(address + bytes, bytes);
    return new Promise((resolve, reject) => {
      const request = { address, bytes, resolve, reject };
      if (!this.#queue.add(list, request)) {
        this.#device.memory.free(address, 2 * bytes);
        resolve(text.toUpperCase());
        return;
      }
      this.outstanding++;
      this.#queue.kick();
    });
  }

  #collect(): void {
    do {
      this.#queue.disableCallbacks();
      for (let done = this.#queue.get(); done !== undefined; done = this.#queue.get()) this.#finish(done);
    } while (!this.#queue.enableCallbacks());
  }

  #finish(request: Request, error?: Error): void {
    const text = new Uint8Array(request.bytes);
    this.#device.memory.read(request.address + request.bytes, text);
    this.#device.memory.free(request.address, 2 * request.bytes);
    this.outstanding--;
    if (error === undefined) request.resolve(Buffer.from(text).toString("latin1"));
    else request.reject(error);
  }

  remove(): void {
    this.#device.transport.reset();
    const cancelled = Object.assign(new Error("removed"), { name: "CancelledError" });
    const next = () => this.#queue.detachUnused();
    for (let left = next(); left !== undefined; left = next()) this.#finish(left, cancelled);
    this.#device.transport.deleteQueues();
  }
}

export default defineDriver<Upper>({
  name: "upper",
  deviceId: 42,
  features: 0,
  probe: (device) => new Upper(device),
  remove: (_device, upper) => upper.remove(),
  outstanding: (upper) => upper.outstanding,
});

export async function stress(upper: Upper, { random }: { random: () => number }): Promise<number> {
  const text = `virtlab ${random()} `.repeat(1 + (random() % 20));
  const answer = await upper.ask(text);
  if (answer !== text.toUpperCase()) throw new Error(`sent "${text}", got "${answer}"`);
  return text.length;
}
