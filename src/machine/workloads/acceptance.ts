/**
 * The acceptance workload, a guest program like any other: read the whole disk through the driver at depth and hash
 * it, write a pattern, flush and read it back where that is allowed, read entropy, move frames over the network
 * interfaces that are there, and write to the consoles.
 */
import { createHash } from "node:crypto";
import { blk, type Disk, type Entropy, rng as rngDriver } from "../../drivers/index.ts";
import { defineGuest, type GuestContext } from "../../guest/define.ts";
import { LatencyHistogram, type LatencySummary } from "../../observe/record/histogram.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { type ConsoleResult, type ConsoleTask, exerciseConsoles } from "./consoles.ts";
import { exerciseNics, type NicResult, type NicTask } from "./nics.ts";

export interface AcceptanceArgs {
  /** Requests in flight, and bytes of each. */
  readonly depth: number;
  readonly chunkBytes: number;
  /** Overwrite, flush, read back and restore the beginning of the disk. */
  readonly write: boolean;
  /** For each network interface, in their order. */
  readonly nics: readonly NicTask[];
  readonly consoles: readonly ConsoleTask[];
}

export interface AcceptanceResult {
  readonly disk: { sha256: string; bytes: number; seconds: number; requests: number } | null;
  /** Bytes written and found again, or null where writing was not allowed. */
  readonly pattern: { bytes: number; verified: boolean } | null;
  readonly entropy: { bytes: number; verified: boolean } | null;
  readonly nics: readonly NicResult[];
  readonly consoles: readonly ConsoleResult[];
  readonly latencyUs: LatencySummary;
}

const PATTERN_BYTES = 1 << 20;
const ENTROPY_BYTES = 64;

export default defineGuest(async (guest): Promise<AcceptanceResult> => {
  const args = guest.args as AcceptanceArgs;
  const latency = new LatencyHistogram();
  const disk = guest.virtio.findAll(blk)[0];
  const rng = guest.virtio.findAll(rngDriver)[0];
  return {
    disk: disk === undefined ? null : await readWhole(guest, disk, args, latency),
    pattern:
      disk === undefined || disk.readOnly || !args.write ? null : await checkPattern(disk, args.chunkBytes),
    entropy: rng === undefined ? null : await checkEntropy(rng),
    nics: await exerciseNics(guest, args.nics),
    consoles: await exerciseConsoles(guest, args.consoles),
    latencyUs: latency.summary(),
  };
});

async function readWhole(guest: GuestContext, disk: Disk, args: AcceptanceArgs, latency: LatencyHistogram) {
  const hash = createHash("sha256");
  const bytes = disk.capacitySectors * SECTOR_SIZE;
  const chunks = Math.ceil(bytes / args.chunkBytes);
  const depth = Math.min(args.depth, chunks);
  const slots = Array.from({ length: depth }, () => guest.memory.allocate(args.chunkBytes));
  const begun = performance.now();
  const readChunk = async (chunk: number): Promise<number> => {
    const address = slots[chunk % depth];
    if (address === undefined)
      throw new Error(`guest memory has no room for ${depth} x ${args.chunkBytes} bytes`);
    const length = Math.min(args.chunkBytes, bytes - chunk * args.chunkBytes);
    const submitted = performance.now();
    await disk.readInto((chunk * args.chunkBytes) / SECTOR_SIZE, length / SECTOR_SIZE, address);
    latency.record(performance.now() - submitted);
    return length;
  };
  const read = (chunk: number): Promise<number> => {
    const reading = readChunk(chunk);
    // The first failure ends the program; those behind it are not news.
    reading.catch(() => undefined);
    return reading;
  };
  const pending = Array.from({ length: depth }, (_, chunk) => read(chunk));
  const scratch = new Uint8Array(args.chunkBytes);
  for (let chunk = 0; chunk < chunks; chunk++) {
    const length = (await pending[chunk % depth]) ?? 0;
    const data = scratch.subarray(0, length);
    guest.memory.read(slots[chunk % depth] ?? 0, data);
    if (chunk + depth < chunks) pending[chunk % depth] = read(chunk + depth);
    hash.update(data);
    guest.progress("read", (chunk + 1) * args.chunkBytes, bytes);
  }
  for (const address of slots) if (address !== undefined) guest.memory.free(address, args.chunkBytes);
  const seconds = (performance.now() - begun) / 1000;
  return { sha256: hash.digest("hex"), bytes, seconds, requests: chunks };
}

/** The bytes that were there come back afterwards, whatever happens. */
async function checkPattern(disk: Disk, chunkBytes: number) {
  const bytes = Math.min(disk.capacitySectors * SECTOR_SIZE, PATTERN_BYTES);
  const before = await readBytes(disk, bytes, chunkBytes);
  const pattern = Uint8Array.from(before, (byte, index) => byte ^ (0x5a + (index >>> 9)));
  try {
    await writeBytes(disk, pattern, chunkBytes);
    await disk.flush();
    const found = await readBytes(disk, bytes, chunkBytes);
    return { bytes, verified: Buffer.compare(found, pattern) === 0 };
  } finally {
    await writeBytes(disk, before, chunkBytes);
    await disk.flush();
  }
}

async function readBytes(disk: Disk, bytes: number, chunkBytes: number): Promise<Uint8Array> {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += chunkBytes) {
    const length = Math.min(chunkBytes, bytes - at);
    all.set(await disk.read(at / SECTOR_SIZE, length / SECTOR_SIZE), at);
  }
  return all;
}

async function writeBytes(disk: Disk, data: Uint8Array, chunkBytes: number): Promise<void> {
  for (let at = 0; at < data.length; at += chunkBytes) {
    await disk.write(at / SECTOR_SIZE, data.subarray(at, at + chunkBytes));
  }
}

/** Two reads of 64 random bytes are never equal, nor all zero. */
async function checkEntropy(rng: Entropy) {
  const first = await rng.read(ENTROPY_BYTES);
  const second = await rng.read(ENTROPY_BYTES);
  const verified = Buffer.compare(first, second) !== 0 && first.some((byte) => byte !== 0);
  return { bytes: first.length + second.length, verified };
}
