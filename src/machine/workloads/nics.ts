/** The network part of the acceptance workload: each interface is given what its back-end can do. */
import { createHash } from "node:crypto";
import { type Nic, net, ping } from "../../drivers/index.ts";
import type { GuestContext } from "../../guest/define.ts";
import { putU32 } from "../../wire/bytes.ts";
import { ETHERNET_HEADER_BYTES } from "../../wire/net.ts";
import { collectSpread } from "./spread-replay.ts";

/** What to do with one interface, by its back-end. */
export type NicTask =
  /** Collect the frames of a capture; where other CPUs have queues too, count them at this address. */
  | { readonly kind: "replay"; readonly frames: number; readonly spread: boolean; readonly count?: number }
  /** Send frames and find them again. */
  | { readonly kind: "loop"; readonly frames: number }
  | { readonly kind: "ping"; readonly ip: string; readonly count: number }
  | { readonly kind: "idle" };

export interface NicResult {
  readonly kind: NicTask["kind"];
  readonly mac: string;
  readonly linkUp: boolean;
  /** Frames that arrived, and their hash (`FrameHash`; of a spread replay, `FrameBag`). */
  readonly frames: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
  /** Null where only the outside can tell. */
  readonly verified: boolean | null;
}

/** No frame for so long: no more will come. */
export const QUIET_MS = 5000;
const LOOK_MS = 100;
const GUEST_IP = "10.0.2.15";

/** Of frames in order: each with its length before it, so that their ends count too. */
export class FrameHash {
  frames = 0;
  bytes = 0;
  readonly #hash = createHash("sha256");
  readonly #length = new Uint8Array(4);

  add(frame: Uint8Array): void {
    putU32(this.#length, 0, frame.length);
    this.#hash.update(this.#length).update(frame);
    this.frames++;
    this.bytes += frame.length;
  }
  /** So far. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

/** All interfaces at once; `tasks` are in their order. */
export function exerciseNics(guest: GuestContext, tasks: readonly NicTask[]): Promise<NicResult[]> {
  const nics = guest.virtio.findAll(net);
  return Promise.all(nics.map((nic, index) => exercise(guest, nic, tasks[index] ?? { kind: "idle" })));
}

async function exercise(guest: GuestContext, nic: Nic, task: NicTask): Promise<NicResult> {
  const begun = performance.now();
  const { hash, verified } = await outcomeOf(guest, nic, task);
  const seconds = (performance.now() - begun) / 1000;
  const { frames, bytes } = hash;
  const { mac, linkUp } = nic;
  return { kind: task.kind, mac, linkUp, frames, bytes, sha256: hash.digest(), seconds, verified };
}

async function outcomeOf(guest: GuestContext, nic: Nic, task: NicTask) {
  if (task.kind === "replay" && task.count !== undefined) {
    const { frames: total, count } = task;
    return { hash: await collectSpread(guest, nic, { total, count, quietMs: QUIET_MS }), verified: null };
  }
  const hash = new FrameHash();
  return { verified: await perform(guest, nic, task, hash), hash };
}

async function perform(
  guest: GuestContext,
  nic: Nic,
  task: NicTask,
  hash: FrameHash,
): Promise<boolean | null> {
  switch (task.kind) {
    case "replay":
      await collect(guest, nic, task.frames, hash, async () => {});
      return null;
    case "loop":
      return loop(guest, nic, task.frames, hash);
    case "ping": {
      const replies = await ping(nic, { from: GUEST_IP, to: task.ip, count: task.count });
      return replies.every(({ milliseconds }) => milliseconds !== null);
    }
    case "idle":
      return null;
  }
}

async function loop(guest: GuestContext, nic: Nic, count: number, hash: FrameHash): Promise<boolean> {
  const longest = nic.mtu + ETHERNET_HEADER_BYTES;
  const frameAt = (index: number): Uint8Array => {
    const length = ETHERNET_HEADER_BYTES + ((index * 97) % (longest - ETHERNET_HEADER_BYTES + 1));
    return new Uint8Array(length).fill(index);
  };
  const sent = new FrameHash();
  await collect(guest, nic, count, hash, async () => {
    const sends: Promise<void>[] = [];
    for (let index = 0; index < count; index++) {
      const frame = frameAt(index);
      sent.add(frame);
      sends.push(nic.send(frame));
    }
    await Promise.all(sends);
  });
  return sent.frames === hash.frames && sent.digest() === hash.digest();
}

/** Hashes frames until there are `count`, or none has come for a while. */
async function collect(
  guest: GuestContext,
  nic: Nic,
  count: number,
  hash: FrameHash,
  action: () => Promise<void>,
): Promise<void> {
  let last = performance.now();
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stopListening = nic.onFrame((frame) => {
    hash.add(frame);
    last = performance.now();
    if (hash.frames === count) finish();
  });
  const timer = setInterval(() => {
    guest.progress("frames", hash.frames, count);
    if (performance.now() - last > QUIET_MS) finish();
  }, LOOK_MS);
  try {
    if (count === 0) finish();
    await Promise.all([action(), finished]);
  } finally {
    clearInterval(timer);
    stopListening();
  }
}
