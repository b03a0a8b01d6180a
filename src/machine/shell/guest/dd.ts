/** `dd` and `sha256sum`: blocks from one place to another, many requests in flight. */
import { createHash } from "node:crypto";
import { rng } from "../../../drivers/index.ts";
import type { GuestContext } from "../../../guest/define.ts";
import { UsageError } from "../../../host/device.ts";
import { SECTOR_SIZE } from "../../../wire/numbers.ts";
import { sizeInBytes } from "../../../wire/size.ts";
import { findDisk, pairs, type Words, wholeNumber } from "./names.ts";

const DEPTH = 16;
const HASH_BYTES = 64 * 1024;

interface Place {
  readonly bytes: number;
  readonly read: (position: number, length: number) => Promise<Uint8Array>;
  readonly write: (position: number, data: Uint8Array) => Promise<void>;
  readonly flush: () => Promise<void>;
}

export async function dd(guest: GuestContext, words: Words): Promise<string> {
  const given = pairs(words, ["if", "of", "bs", "count", "skip", "seek"]);
  const number = (name: string, otherwise: number) => wholeNumber(name, given.get(name) ?? String(otherwise));
  const from = openPlace(guest, "if", given.get("if"));
  const to = openPlace(guest, "of", given.get("of"));
  const block = sizeInBytes(given.get("bs") ?? "64k") ?? 0;
  if (block <= 0 || block % SECTOR_SIZE !== 0) {
    throw new UsageError(`expected bs to be a multiple of ${SECTOR_SIZE}, got ${given.get("bs")}`);
  }
  const skip = block * number("skip", 0);
  const seek = block * number("seek", 0);
  const room = Math.floor(Math.min(from.bytes - skip, to.bytes - seek) / block);
  if (room === Number.POSITIVE_INFINITY && !given.has("count"))
    throw new UsageError("expected count=N: neither end ends");
  const count = Math.max(0, number("count", room));
  const begun = performance.now();
  await inFlight(count, async (at) => {
    await to.write(seek + at * block, await from.read(skip + at * block, block));
    guest.progress("dd", at, count);
  });
  await to.flush();
  return summary(count, block, (performance.now() - begun) / 1000);
}

export async function sha256sum(guest: GuestContext, [name]: Words): Promise<string> {
  const place = openPlace(guest, "a disk", name);
  if (!Number.isFinite(place.bytes)) throw new UsageError(`${name} has no end`);
  const hash = createHash("sha256");
  for (let at = 0; at < place.bytes; at += HASH_BYTES * DEPTH) {
    const parts: Promise<Uint8Array>[] = [];
    for (let part = at; part < Math.min(place.bytes, at + HASH_BYTES * DEPTH); part += HASH_BYTES) {
      parts.push(place.read(part, Math.min(HASH_BYTES, place.bytes - part)));
    }
    for (const bytes of await Promise.all(parts)) hash.update(bytes);
  }
  return `${hash.digest("hex")}  ${name}`;
}

function openPlace(guest: GuestContext, what: string, name: string | undefined): Place {
  const nothing = async () => {};
  const endless = { bytes: Number.POSITIVE_INFINITY, write: nothing, flush: nothing };
  if (name === undefined) throw new UsageError(`expected ${what}: vda, /dev/zero, /dev/hwrng or /dev/null`);
  if (name === "/dev/zero" || name === "/dev/null")
    return { ...endless, read: async (_at, length) => new Uint8Array(length) };
  if (name === "/dev/hwrng") return { ...endless, read: (_at, length) => randomBytes(guest, length) };
  const disk = findDisk(guest, name);
  return {
    bytes: disk.capacitySectors * SECTOR_SIZE,
    read: (position, length) => disk.read(position / SECTOR_SIZE, length / SECTOR_SIZE),
    write: (position, data) => disk.write(position / SECTOR_SIZE, data),
    flush: () => disk.flush(),
  };
}

/** The device says how many bytes it gave; ask until there are enough. */
async function randomBytes(guest: GuestContext, length: number): Promise<Uint8Array> {
  const source = guest.virtio.find(rng);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const part = await source.read(length - done);
    bytes.set(part, done);
    done += part.length;
  }
  return bytes;
}

/** Workers that take the next block as soon as one is done. */
async function inFlight(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(DEPTH, count) }, worker));
}

function summary(count: number, block: number, seconds: number): string {
  const bytes = count * block;
  const rate = (bytes / 1e6 / Math.max(seconds, 1e-9)).toFixed(1);
  return `${count}+0 records in\n${count}+0 records out\n${bytes} bytes copied, ${seconds.toFixed(3)} s, ${rate} MB/s`;
}
