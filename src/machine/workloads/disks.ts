/** What the acceptance workload does with a disk: read all of it, and try a pattern. */
import { createHash } from "node:crypto";
import type { Disk } from "../../drivers/index.ts";
import type { GuestContext } from "../../guest/define.ts";
import type { LatencyHistogram } from "../../observe/record/histogram.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";

export interface WholeDisk {
  readonly sha256: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly requests: number;
}

/** Bytes written and found again. */
export interface Pattern {
  readonly bytes: number;
  readonly verified: boolean;
}

const PATTERN_BYTES = 1 << 20;

export async function readWhole(
  guest: GuestContext,
  disk: Disk,
  args: { readonly depth: number; readonly chunkBytes: number },
  latency: LatencyHistogram,
): Promise<WholeDisk> {
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

/** Writes a pattern, flushes and reads it back. The bytes that were there come back afterwards, whatever happens. */
export async function checkPattern(
  disk: Disk,
  chunkBytes: number,
  { cpu, cpus }: { readonly cpu: number; readonly cpus: number },
): Promise<Pattern> {
  const area = Math.min(disk.capacitySectors * SECTOR_SIZE, PATTERN_BYTES, areaOf(disk, cpus));
  const first = (cpu * area) / SECTOR_SIZE;
  const before = await readBytes(disk, first, area, chunkBytes);
  const pattern = Uint8Array.from(before, (byte, index) => byte ^ (0x5a + 16 * cpu + (index >>> 9)));
  try {
    await writeBytes(disk, first, pattern, chunkBytes);
    await disk.flush();
    const found = await readBytes(disk, first, area, chunkBytes);
    return { bytes: area, verified: Buffer.compare(found, pattern) === 0 };
  } finally {
    await writeBytes(disk, first, before, chunkBytes);
    await disk.flush();
  }
}

/** Each CPU has an area of its own. */
const areaOf = (disk: Disk, cpus: number): number => Math.floor(disk.capacitySectors / cpus) * SECTOR_SIZE;

async function readBytes(disk: Disk, first: number, bytes: number, chunkBytes: number): Promise<Uint8Array> {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += chunkBytes) {
    const length = Math.min(chunkBytes, bytes - at);
    all.set(await disk.read(first + at / SECTOR_SIZE, length / SECTOR_SIZE), at);
  }
  return all;
}

async function writeBytes(disk: Disk, first: number, data: Uint8Array, chunkBytes: number): Promise<void> {
  for (let at = 0; at < data.length; at += chunkBytes) {
    await disk.write(first + at / SECTOR_SIZE, data.subarray(at, at + chunkBytes));
  }
}
