/**
 * The plain model of a virtqueue that the pair of real ones is held against: lists of requests in each state, and two
 * promises, that no wanted kick and no wanted interrupt is missed.
 */
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import type { Chain } from "../../src/host/virtqueue/chain.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import { type Features, type Pair, queuePair } from "./queue-pair.ts";

/** Each request in flight has a region of RAM of its own. */
const REGION_BYTES = 128;
const SEGMENT_MAX = 16;
const SEGMENTS_MAX = 6;
const UNTOUCHED = 0xee;
export const MODEL_SPARE_BYTES = 2 * 8 * 2 * REGION_BYTES;

/** Numbers that decide what a command does; each taken once. */
export type Dice = (sides: number) => number;

interface Request {
  readonly id: number;
  readonly region: number;
  readonly descriptors: number;
  readonly readable: Uint8Array;
  readonly readableSegments: number;
  readonly segments: number;
  /** Offsets in RAM of the writable bytes, in order. */
  readonly writable: readonly { offset: number; length: number }[];
  readonly writableBytes: number;
  chain?: Chain;
  written: number;
}

/** What the driver may count on: an interrupt at the next used buffer, after so many, or nothing. */
type Promised = { kind: "next" } | { kind: "by"; returned: number } | undefined;

const stamp = (id: number, at: number): number => (id * 31 + at * 7 + 1) & 0xff;

function must(condition: boolean, what: string, ...details: unknown[]): asserts condition {
  if (!condition) throw new Error([what, ...details.map((detail) => JSON.stringify(detail))].join(" "));
}

export class ModelledQueue {
  readonly pair: Pair<number>;
  readonly #features: Features;
  readonly #size: number;
  readonly #roll: Dice;
  readonly #list = new ScatterList();
  readonly #regions: number[];
  /** What `step` draws from; common commands stand here more than once. */
  readonly #commands: readonly (() => void)[] = [
    ...new Array<() => void>(5).fill(() => this.add()),
    ...new Array<() => void>(2).fill(() => this.kick()),
    () => this.publish(),
    ...new Array<() => void>(2).fill(() => this.deviceServes()),
    () => this.devicePolls(),
    () => this.deviceCompletes(),
    () => this.get(),
    () => this.getAll(),
    () => this.disable(),
    () => this.enable(),
    () => this.enableDelayed(),
  ];
  #nextId = 1;
  #free: number;
  #added: Request[] = [];
  #published: Request[] = [];
  #held: Request[] = [];
  #pushed: Request[] = [];
  #used: Request[] = [];
  /** Buffers that the device has returned, all told. */
  #returned = 0;
  #got = 0;
  /** The device rests until it is kicked; whether it was. */
  #resting = true;
  #kickedSinceRest = false;
  #callbacksOn = true;
  #promised: Promised = { kind: "next" };
  /** Most interrupts are forbidden while callbacks are off; a promise of 60,000 returns is all there is. */
  #returnedAtDisable = 0;

  constructor(size: number, features: Features, roll: Dice, memory?: SharedMemory) {
    const shared = memory === undefined ? {} : { memory };
    this.pair = queuePair<number>({ size, ...features, spare: MODEL_SPARE_BYTES, ...shared });
    this.#size = size;
    this.#features = features;
    this.#roll = roll;
    this.#free = size;
    this.#regions = Array.from({ length: size }, (_, index) => index);
  }

  get returned(): number {
    return this.#returned;
  }

  /** One command, drawn by the dice. */
  step(): void {
    this.#commands[this.#roll(this.#commands.length)]?.();
  }

  add(): void {
    const request = this.#compose();
    const fits = request.descriptors <= this.#free && this.#regions.length > 0;
    must(this.#offer(request) === fits, "add and the room for it", request.descriptors);
    if (!fits) return;
    this.#regions.pop();
    this.#free -= request.descriptors;
    this.#added.push(request);
    this.#count();
  }

  /** One segment goes with and without a list. */
  #offer({ id, readableSegments }: Request): boolean {
    const { driver } = this.pair;
    const [address, length] = [this.#list.addresses[0] ?? 0, this.#list.lengths[0] ?? 0];
    if (this.#list.count > 1 || this.#roll(2) === 0) return driver.add(this.#list, id);
    if (readableSegments === 1) return driver.addOutbuf(address, length, id);
    return driver.addInbuf(address, length, id);
  }

  publish(): void {
    this.pair.driver.publish();
    this.#published.push(...this.#added.splice(0));
  }

  kick(): void {
    const anything = this.#added.length > 0;
    const before = this.pair.kicks;
    this.pair.driver.kick();
    this.#published.push(...this.#added.splice(0));
    const sent = this.pair.kicks - before;
    if (sent > 0) this.#kickedSinceRest = true;
    if (this.#resting) must(this.#published.length === 0 || this.#kickedSinceRest, "a kick is missed");
    else must(sent === 0 || this.#features.eventIndex, "a kick that nobody asked for", anything);
  }

  /** Serves what there is and rests. Some chains are returned at once, some later. */
  deviceServes(): void {
    const keep = this.#roll(4);
    const interruptsBefore = this.pair.interrupts;
    this.pair.device.serve((chain) => {
      const request = this.#popped(chain);
      if (this.#roll(4) < keep) this.#held.push(request);
      else this.#push(request);
    });
    this.#flushed(interruptsBefore);
    must(this.#published.length === 0, "serve left something behind");
    this.#resting = true;
    this.#kickedSinceRest = false;
  }

  /** Takes one chain without resting, as a polling device does. */
  devicePolls(): void {
    this.pair.device.disableNotifications();
    this.#resting = false;
    must(this.pair.device.hasAvailable === this.#published.length > 0, "hasAvailable");
    const chain = this.pair.device.pop();
    must((chain !== undefined) === this.#published.length > 0, "pop and what is available");
    if (chain !== undefined) this.#held.push(this.#popped(chain));
  }

  /** Returns some of the chains that the device holds, in any order, in one batch. */
  deviceCompletes(): void {
    const before = this.pair.interrupts;
    for (let count = this.#roll(this.#size) + 1; count > 0 && this.#held.length > 0; count--) {
      const [request] = this.#held.splice(this.#roll(this.#held.length), 1);
      if (request !== undefined) this.#push(request);
    }
    this.pair.device.flush();
    this.#flushed(before);
  }

  get(): boolean {
    const { driver } = this.pair;
    const id = driver.get();
    const request = this.#used.shift();
    must(id === request?.id, "get returns the next used buffer", { id, expected: request?.id });
    if (request === undefined) {
      // With callbacks on, an undefined promises an interrupt for whatever comes next.
      if (this.#callbacksOn && this.#promised === undefined) this.#promised = { kind: "next" };
      return false;
    }
    must(driver.lastLength === request.written, "length", driver.lastLength, request.written);
    this.#checkWritten(request);
    this.#got++;
    this.#free += request.descriptors;
    this.#regions.push(request.region);
    this.#count();
    return true;
  }

  getAll(): void {
    while (this.get());
  }

  disable(): void {
    this.pair.driver.disableCallbacks();
    this.#callbacksOn = false;
    this.#promised = undefined;
    this.#returnedAtDisable = this.#returned;
  }

  enable(): void {
    const quiet = this.pair.driver.enableCallbacks();
    must(
      quiet === (this.#used.length === 0),
      "enableCallbacks says whether something came",
      this.#used.length,
    );
    this.#callbacksOn = true;
    this.#promised = quiet ? { kind: "next" } : undefined;
  }

  enableDelayed(): void {
    const outstanding = this.#published.length + this.#held.length + this.#pushed.length + this.#used.length;
    const quiet = this.pair.driver.enableCallbacksDelayed();
    const tolerated = this.#features.eventIndex ? (outstanding * 3) >>> 2 : 0;
    must(quiet === this.#used.length <= tolerated, "enableCallbacksDelayed", this.#used.length, tolerated);
    this.#callbacksOn = true;
    // Once everything outstanding has come back, at the latest; with nothing outstanding, at the next one.
    if (!this.#features.eventIndex || outstanding === 0) this.#promised = { kind: "next" };
    else this.#promised = { kind: "by", returned: this.#got + outstanding };
    if (!quiet) this.#promised = undefined;
  }

  /** Everything comes back: the queue is as new, its indices further on. */
  drain(): void {
    this.publish();
    this.deviceServes();
    while (this.#held.length > 0) this.deviceCompletes();
    this.getAll();
    must(this.pair.driver.freeDescriptors === this.#size, "everything is free again");
    must(this.pair.device.inFlight === 0, "the device holds nothing");
  }

  /** The device is reset: each buffer that never came back is detached once, and nothing leaks. */
  resetAndDetach(): void {
    const { driver, device, tables } = this.pair;
    device.detach();
    must(device.pop() === undefined && !device.hasAvailable, "a detached queue has nothing to pop");
    const lost = [this.#added, this.#published, this.#held, this.#pushed, this.#used].flat();
    const expected = lost.map(({ id }) => id).sort((a, b) => a - b);
    const detached: number[] = [];
    for (let id = driver.detachUnused(); id !== undefined; id = driver.detachUnused()) detached.push(id);
    detached.sort((a, b) => a - b);
    must(JSON.stringify(detached) === JSON.stringify(expected), "detached", detached, expected);
    must(driver.freeDescriptors === this.#size, "all descriptors are free after detaching");
    driver.destroy();
    must(tables.live.size === 0, "indirect tables are given back", tables.live.size);
    must(this.pair.violations.length === 0 && driver.broken === undefined, "a breach", this.pair.violations);
  }

  #compose(): Request {
    const { ram, buffers } = this.pair;
    const id = this.#nextId++;
    const region = this.#regions.at(-1) ?? 0;
    const limit = this.#features.indirect ? SEGMENTS_MAX : Math.min(SEGMENTS_MAX, this.#size);
    const segments = 1 + this.#roll(limit);
    const readableSegments = this.#roll(segments + 1);
    const list = this.#list.clear();
    const readable: number[] = [];
    const writable: { offset: number; length: number }[] = [];
    let at = buffers + region * REGION_BYTES;
    for (let segment = 0; segment < segments; segment++) {
      const length = this.#roll(SEGMENT_MAX + 1);
      if (segment < readableSegments) {
        list.addReadable(at, length);
        for (let byte = 0; byte < length; byte++) readable.push(stamp(id, readable.length));
      } else {
        list.addWritable(at, length);
        writable.push({ offset: at - ram.base, length });
      }
      at += length + 1;
    }
    const request: Request = {
      id,
      region,
      descriptors: this.#features.indirect && segments > 1 ? 1 : segments,
      readable: Uint8Array.from(readable),
      readableSegments,
      segments,
      writable,
      writableBytes: list.writableBytes,
      written: 0,
    };
    if (request.descriptors <= this.#free && this.#regions.length > 0) this.#fillBuffers(request);
    return request;
  }

  #fillBuffers(request: Request): void {
    const { ram } = this.pair;
    let at = 0;
    for (let segment = 0; segment < request.readableSegments; segment++) {
      const length = this.#list.lengths[segment] ?? 0;
      const offset = (this.#list.addresses[segment] ?? 0) - ram.base;
      ram.memory.writeBytes(offset, request.readable.subarray(at, at + length), 0);
      at += length;
    }
    for (const { offset, length } of request.writable) ram.memory.fill(offset, length, UNTOUCHED, 0);
  }

  #popped(chain: Chain): Request {
    const request = this.#published.shift();
    must(request !== undefined, "a chain that was never published");
    must(chain.segments === request.segments, "segments", chain.segments, request.segments);
    must(chain.readableSegments === request.readableSegments, "readable segments");
    must(chain.readableBytes === request.readable.length, "readable bytes");
    must(chain.writableBytes === request.writableBytes, "writable bytes");
    request.chain = chain;
    return request;
  }

  /** Reads the request as late as possible, answers it, returns it. */
  #push(request: Request): void {
    const { chain } = request;
    must(chain !== undefined, "a request that was popped has a chain");
    const read = new Uint8Array(request.readable.length + 1);
    must(chain.read(0, read) === request.readable.length, "what can be read");
    must(
      request.readable.every((byte, at) => read[at] === byte),
      "readable bytes as the driver wrote them",
      request.id,
    );
    request.written = this.#roll(request.writableBytes + 1);
    const answer = Uint8Array.from({ length: request.written }, (_, at) => stamp(~request.id, at));
    must(chain.write(0, answer) === request.written, "what can be written");
    this.pair.device.push(chain, request.written);
    this.#pushed.push(request);
  }

  /** The device has published what it pushed. */
  #flushed(interruptsBefore: number): void {
    const flushed = this.#pushed.splice(0);
    const came = this.pair.interrupts - interruptsBefore;
    this.#returned += flushed.length;
    this.#used.push(...flushed);
    if (flushed.length === 0) {
      must(came === 0, "an interrupt for nothing");
      return;
    }
    const promised = this.#promised;
    if (promised?.kind === "next") must(came > 0, "an interrupt is missed");
    if (promised?.kind === "by" && this.#returned >= promised.returned) {
      must(came > 0, "a delayed interrupt is missed");
    }
    const off = !this.#callbacksOn && this.#returned - this.#returnedAtDisable < 60_000;
    if (off) must(came === 0, "an interrupt with callbacks off");
    if (came > 0 && this.#features.eventIndex) this.#promised = undefined;
  }

  #checkWritten(request: Request): void {
    let at = 0;
    for (const { offset, length } of request.writable) {
      for (let byte = 0; byte < length; byte++, at++) {
        const expected = at < request.written ? stamp(~request.id, at) : UNTOUCHED;
        must(this.pair.memory.read8(offset + byte, 0) === expected, "writable byte", request.id, at);
      }
    }
  }

  #count(): void {
    const { driver } = this.pair;
    must(driver.freeDescriptors === this.#free, "free descriptors", driver.freeDescriptors, this.#free);
    must(driver.broken === undefined, "broken", driver.broken);
  }
}
