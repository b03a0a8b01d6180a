/**
 * Entropy: the smallest driver. One queue; a request is one writable buffer, and the device says how many bytes
 * of it are random. Read this one first.
 */
import { defineDriver } from "../guest/define.ts";
import { OutOfMemoryError } from "../guest/guest-memory.ts";
import { ProbeError } from "../guest/probe-error.ts";
import type { VirtioDevice } from "../guest/virtio/types.ts";
import type { DriverQueue } from "../guest/virtqueue/driver-queue.ts";
import { VIRTIO_TYPE } from "../wire/virtio-ids.ts";
import { notWhole } from "./arguments.ts";
import { CancelledError } from "./errors.ts";

interface Request {
  readonly address: number;
  readonly bytes: number;
  resolve(random: Uint8Array): void;
  reject(error: Error): void;
}

export class Entropy {
  readonly #device: VirtioDevice;
  readonly #queue: DriverQueue<Request>;
  #gone = false;

  constructor(device: VirtioDevice) {
    this.#device = device;
    const [queue] = device.transport.findQueues([{ name: "input", callback: () => this.#collect() }]);
    if (queue === undefined) throw new ProbeError("ENOENT", "no input queue");
    this.#queue = queue;
  }

  get outstanding(): number {
    return this.#queue.inFlight;
  }

  /** Random bytes from the host: at least one, at most as many as asked for. */
  read(bytes: number): Promise<Uint8Array> {
    if (this.#gone) return Promise.reject(new CancelledError("the entropy device was removed"));
    const problem = notWhole("bytes", bytes, 1, 0xffff_ffff);
    if (problem !== undefined) return Promise.reject(problem);
    const address = this.#device.memory.allocate(bytes);
    if (address === undefined)
      return Promise.reject(new OutOfMemoryError(`no guest memory for ${bytes} bytes`));
    return new Promise((resolve, reject) => {
      const request = { address, bytes, resolve, reject };
      if (this.#queue.addInbuf(address, bytes, request)) this.#queue.kick();
      else this.#settle(request, new Error(this.#queue.broken ?? "too many requests at once"));
    });
  }

  /** The interrupt: take buffers back until there are none, even after asking for the next interrupt. */
  #collect(): void {
    do {
      this.#queue.disableCallbacks();
      for (let done = this.#queue.get(); done !== undefined; done = this.#queue.get()) this.#settle(done);
      if (this.#queue.broken !== undefined) break;
    } while (!this.#queue.enableCallbacks());
    if (this.#queue.broken !== undefined) this.#stop(this.#queue.broken);
  }

  #settle(request: Request, error?: Error): void {
    const random = new Uint8Array(error === undefined ? this.#queue.lastLength : 0);
    this.#device.memory.read(request.address, random);
    this.#device.memory.free(request.address, request.bytes);
    if (error === undefined) request.resolve(random);
    else request.reject(error);
  }

  /** After a reset the device owns no buffer any more: what is still out comes back, once. */
  #stop(reason: string): void {
    this.#gone = true;
    this.#device.transport.reset();
    const next = () => this.#queue.detachUnused();
    for (let left = next(); left !== undefined; left = next()) this.#settle(left, new CancelledError(reason));
  }

  remove(): void {
    this.#stop("the entropy device was removed");
    this.#device.transport.deleteQueues();
  }
}

export const rng = defineDriver<Entropy>({
  name: "virtio_rng",
  deviceId: VIRTIO_TYPE.rng.id,
  features: 0,
  probe: (device) => new Entropy(device),
  remove: (_device, source) => source.remove(),
  outstanding: (entropy) => entropy.outstanding,
});
