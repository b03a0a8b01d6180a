/**
 * Parts of the scenarios that are small enough to be explored completely: the production's two ends of a queue with
 * nothing around them, and the smallest bell that a thread can sleep on.
 */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { type Chain, DeviceQueue } from "../../host/index.ts";
import type { SharedMemory } from "../../memory/shared-memory.ts";
import { QueueCounters } from "../../observe/record/counters.ts";
import { ringLayout } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { ringsInOrder } from "../machine/layout.ts";
import { answerTo } from "../oracles/requests.ts";
import type { ThreadContext } from "../scenario.ts";

const BUFFER = site("driver: buffer");
const ANSWER = site("device: buffer");
const RING = site("doorbell: ring");
const WAKE = site("doorbell: wake");
const LOOK = site("doorbell: look");
const SLEEP = site("doorbell: sleep");

const SIZE = 4;
const STAMP_BYTES = 4;
const RINGS = ringsInOrder(SIZE, 0);
/** Behind the rings. */
const BUFFERS = RINGS.end(2);
/** What a driver writes into a buffer that it has taken back. */
const OWN = 0xd81e_0001;
const stampOf = (queue: number, request: number): number => 0x1000 * (queue + 1) + request;
const addressOf = (queue: number, request: number): number => BUFFERS + 64 * queue + STAMP_BYTES * request;

/** A word that counts rings: ring, and whoever sleeps on an old count is woken. */
export class Bell {
  readonly #memory: SharedMemory;
  readonly #offset: number;

  constructor(memory: SharedMemory, offset: number) {
    this.#memory = memory;
    this.#offset = offset;
  }
  ring(): void {
    this.#memory.add32(this.#offset, 1, RING);
    this.#memory.notify32(this.#offset, WAKE);
  }
  /** Taken before the last look for work. */
  ticket(): number {
    return this.#memory.load32(this.#offset, LOOK);
  }
  sleep(ticket: number): void {
    this.#memory.wait32(this.#offset, ticket, Number.POSITIVE_INFINITY, SLEEP);
  }
}

export interface EndOptions {
  readonly index?: number;
  readonly eventIndex?: boolean;
  /** The driver's kick or the device's interrupt. */
  readonly tell?: () => void;
}

const common = (context: ThreadContext, index: number, eventIndex: boolean) => ({
  index,
  ram: context.ram,
  ringOffset: RINGS.address(index) - context.ram.base,
  layout: ringLayout(SIZE),
  indirect: false,
  eventIndex,
  counters: new QueueCounters(),
});

/** The driver's end: requests carry a stamp, and their order is their number. */
export class DriverEnd {
  readonly queue: DriverQueue<number>;
  readonly #context: ThreadContext;
  readonly #list = new ScatterList();
  #next = 0;
  returned = 0;

  constructor(context: ThreadContext, { index = 0, eventIndex = false, tell = () => {} }: EndOptions = {}) {
    this.#context = context;
    const tables = { allocate: () => undefined, free: () => {} };
    this.queue = new DriverQueue({
      ...common(context, index, eventIndex),
      name: `q${index}`,
      hasCallback: true,
      tables,
      notify: tell,
    });
  }

  /** One more request, not yet published; the device writes its answer over the stamp. */
  add(writable = false): void {
    const request = this.#next++;
    const address = addressOf(this.queue.index, request);
    const { memory, base } = this.#context.ram;
    memory.write32(address - base, stampOf(this.queue.index, request), BUFFER);
    this.#list.clear();
    if (writable) this.#list.addWritable(address, STAMP_BYTES);
    else this.#list.addReadable(address, STAMP_BYTES);
    this.queue.add(this.#list, request);
  }

  /** Everything that has come back; answers are checked. */
  reap(): void {
    for (let request = this.queue.get(); request !== undefined; request = this.queue.get()) {
      const { memory, base } = this.#context.ram;
      const answer = memory.read32(addressOf(this.queue.index, request) - base, BUFFER);
      if (answer !== answerTo(stampOf(this.queue.index, request))) {
        this.#context.fail("O3 stamps", `request ${request} came back with 0x${answer.toString(16)}`);
      }
      this.returned++;
    }
    if (this.queue.broken !== undefined) this.#context.fail("O2 ownership", this.queue.broken);
  }

  /** After a reset: buffers that never came back are the driver's own again, and it writes into them. How many. */
  reclaim(): number {
    let reclaimed = 0;
    for (let left = this.queue.detachUnused(); left !== undefined; left = this.queue.detachUnused()) {
      const { memory, base } = this.#context.ram;
      memory.write32(addressOf(this.queue.index, left) - base, OWN, BUFFER);
      reclaimed++;
    }
    return reclaimed;
  }

  /** Whether what it wrote into a reclaimed buffer is still there; for judges. */
  owns(request: number): boolean {
    return (
      this.#context.quietRam.peek32(addressOf(this.queue.index, request) - this.#context.ram.base) === OWN
    );
  }
}

/** The device's end: checks each request's stamp. */
export class DeviceEnd {
  readonly queue: DeviceQueue;
  readonly #context: ThreadContext;
  readonly #index: number;
  readonly #bytes = new Uint8Array(STAMP_BYTES);
  taken = 0;

  constructor(context: ThreadContext, { index = 0, eventIndex = false, tell = () => {} }: EndOptions = {}) {
    this.#context = context;
    this.#index = index;
    this.queue = new DeviceQueue({
      ...common(context, index, eventIndex),
      epoch: 0,
      interrupt: tell,
      violated: (kind, detail) => context.fail("O2 ownership", `${kind}: ${detail}`),
    });
  }

  /** Takes what is there; stamps are checked. */
  take(): Chain | undefined {
    const chain = this.queue.pop();
    if (chain === undefined) return undefined;
    const request = this.taken++;
    const stamp = this.#context.ram.memory.read32(chain.segmentOffset(0), ANSWER);
    if (stamp !== stampOf(this.#index, request)) {
      this.#context.fail("O3 stamps", `request ${request} carries 0x${stamp.toString(16)}`);
    }
    return chain;
  }

  /** Answers a request that `take` returned. */
  answer(chain: Chain, request: number): void {
    const { memory } = this.#context.ram;
    memory.write32(chain.segmentOffset(0), answerTo(stampOf(this.#index, request)), ANSWER);
    this.queue.push(chain, this.#bytes.length);
  }
}
