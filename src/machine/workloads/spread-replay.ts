/**
 * The frames of a capture that reach an interface on several CPUs, by flow: each CPU takes those of its own queues, and
 * all count them in one word of guest RAM, so that each knows when there are no more to come.
 */
import { createHash } from "node:crypto";
import type { Nic } from "../../drivers/index.ts";
import type { GuestContext } from "../../guest/define.ts";
import { putU32 } from "../../wire/bytes.ts";
import { site } from "../../wire/sites.ts";

const COUNT = site("driver: buffer");
const DIGEST_BITS = 256;
const LOOK_MS = 20;

export interface BagSummary {
  readonly frames: number;
  readonly bytes: number;
  /** 256 bits in hex, the same for the same frames in any order. */
  readonly digest: string;
}

/** Of frames in no order: the sum of their hashes, each taken with the frame's length before it. */
export class FrameBag {
  frames = 0;
  bytes = 0;
  #sum = 0n;

  add(frame: Uint8Array): void {
    const length = new Uint8Array(4);
    putU32(length, 0, frame.length);
    this.#pour(1, frame.length, createHash("sha256").update(length).update(frame).digest("hex"));
  }

  addAll({ frames, bytes, digest }: BagSummary): void {
    this.#pour(frames, bytes, digest);
  }

  digest(): string {
    return this.#sum.toString(16).padStart(DIGEST_BITS / 4, "0");
  }

  summary(): BagSummary {
    return { frames: this.frames, bytes: this.bytes, digest: this.digest() };
  }

  #pour(frames: number, bytes: number, digest: string): void {
    this.frames += frames;
    this.bytes += bytes;
    this.#sum = BigInt.asUintN(DIGEST_BITS, this.#sum + BigInt(`0x${digest}`));
  }
}

/** Guest memory for a count that all CPUs keep, which begins at 0. */
export function newCount({ memory }: GuestContext): number {
  const address = memory.allocate(4);
  if (address === undefined) throw new Error("no guest memory for a count of frames");
  memory.write32(address, 0);
  return address;
}

/** Takes this CPU's frames until there are `total` on all of them, or none has come anywhere for so long. */
export function collectSpread(
  { memory, progress }: GuestContext,
  nic: Nic,
  { total, count, quietMs }: { readonly total: number; readonly count: number; readonly quietMs: number },
): Promise<FrameBag> {
  const words = memory.ram.memory;
  const at = memory.ram.offsetOf(count, 4);
  const bag = new FrameBag();
  const stop = nic.onFrame((frame) => {
    bag.add(frame);
    words.add32(at, 1, COUNT);
  });
  let last = { frames: 0, at: performance.now() };
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const [frames, now] = [words.load32(at, COUNT), performance.now()];
      progress("frames", frames, total);
      if (frames !== last.frames) last = { frames, at: now };
      if (frames < total && now - last.at <= quietMs) return;
      clearInterval(timer);
      stop();
      resolve(bag);
    }, LOOK_MS);
  });
}
