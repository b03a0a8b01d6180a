/** A disk in a file: what discards do to its blocks, and a file that shrinks behind the device's back. */
import { spawnSync } from "node:child_process";
import { mkdtemp, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Disk } from "../../src/devices/blk/disk.ts";
import { openFileDisk } from "../../src/devices/blk/file-disk.ts";
import { WarmReads } from "../../src/devices/blk/warm-reads.ts";

const MIB = 1024 * 1024;
let folder: string;
let path: string;
let disk: Disk;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "virtlab-disk-"));
  path = join(folder, "disk.img");
});
afterEach(async () => {
  await disk.close();
  await rm(folder, { recursive: true });
});

async function openFilled(bytes: number): Promise<void> {
  await writeFile(path, Buffer.alloc(bytes, 0xab));
  disk = await openFileDisk(path, false);
}
const storedBytes = async () => 512 * (await stat(path)).blocks;
/** Whether a range holds nothing but one byte value. */
const holds = async (position: number, length: number, value: number) =>
  disk.read(position, length, (bytes) => Buffer.alloc(length, value).equals(bytes));

test("a discarded range reads as zeros, what is around it stays, and the file keeps its size", async () => {
  await openFilled(4 * MIB);
  await disk.zero(MIB, 2 * MIB, true);
  expect(await holds(MIB, 2 * MIB, 0)).toBe(true);
  expect(await holds(0, MIB, 0xab)).toBe(true);
  expect(await holds(3 * MIB, MIB, 0xab)).toBe(true);
  expect((await stat(path)).size).toBe(4 * MIB);
});

test("zeroing a hole leaves it a hole, and less than a block of it is zeroed too", async () => {
  await writeFile(path, "");
  await truncate(path, 8 * MIB);
  disk = await openFileDisk(path, false);
  await disk.write(512, [Buffer.alloc(1024, 1)]);
  await disk.zero(0, 8 * MIB, false);
  expect(await holds(0, 8 * MIB, 0)).toBe(true);
  expect(await storedBytes()).toBeLessThanOrEqual(MIB);
});

test("a file that shrinks behind the device is an error of the reads past its end, and of no others", async () => {
  await openFilled(MIB);
  await truncate(path, MIB / 2);
  await expect(disk.read(MIB / 2, 512, () => {})).rejects.toThrow("end of file");
  expect(await holds(0, 512, 0xab)).toBe(true);
});

test("a write stores what was there when it was asked for, whatever becomes of the memory", async () => {
  await openFilled(MIB);
  const memory = Buffer.alloc(4096, 0x11);
  const written = disk.write(8192, [memory.subarray(0, 512), memory.subarray(512)]);
  memory.fill(0x22);
  await written;
  expect(await holds(8192, 4096, 0x11)).toBe(true);
});

test("a file that does less than it was asked for is asked again, from where it stopped", async () => {
  await writeFile(path, Buffer.alloc(MIB, 0xab));
  const less = (length: number) => Math.ceil(length / 3);
  disk = await openFileDisk(path, false, (file) => ({
    ...{ fd: file.fd, datasync: () => file.datasync(), truncate: (bytes) => file.truncate(bytes) },
    read: (buffer, offset, length, position) => file.read(buffer, offset, less(length), position),
    write: (buffer, offset, length, position) => file.write(buffer, offset, less(length), position),
    close: () => file.close(),
  }));
  await disk.write(4096, [Buffer.alloc(512, 1), Buffer.alloc(1024, 1)]);
  expect(await holds(4096, 1536, 1)).toBe(true);
  expect(await holds(4096 + 1536, 4096, 0xab)).toBe(true);
});

test("a resize changes file and size together", async () => {
  await openFilled(MIB);
  await disk.resize(2 * MIB);
  expect([disk.bytes, (await stat(path)).size]).toEqual([2 * MIB, 2 * MIB]);
  expect(await holds(MIB, 512, 0)).toBe(true);
});

const canPunch = process.platform === "linux" && spawnSync("fallocate", ["--version"]).status === 0;

test.skipIf(!canPunch)("a discard gives storage back (needs fallocate of util-linux)", async () => {
  await openFilled(4 * MIB);
  await disk.zero(MIB, 2 * MIB, true);
  expect(await storedBytes()).toBeLessThanOrEqual(2 * MIB + 65_536);
});

test("what the system has in memory is read at once, into as many windows as there are", async () => {
  await writeFile(path, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]));
  await truncate(path, MIB);
  disk = await openFileDisk(path, false);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  expect(disk.readNow?.(2, [shared.subarray(0, 2), shared.subarray(4, 8)])).toBe(true);
  expect([...shared]).toEqual([3, 4, 0, 0, 5, 6, 7, 8]);
  expect(disk.readNow?.(MIB - 2, [shared.subarray(0, 4)])).toBe(false);
});

test("after a read that had to wait, the next ones go to the I/O threads, for a while", async () => {
  await openFilled(MIB);
  let now = 0;
  let slow = 0;
  const file = await open(path);
  const reads = new WarmReads(file.fd, () => {
    now += slow;
    return now;
  });
  const window = new Uint8Array(512);
  const tries = (count: number) => Array.from({ length: count }, () => reads.read(0, [window]));
  expect(tries(3)).toEqual([true, true, true]);
  slow = 2;
  expect(tries(2)).toEqual([true, false]);
  slow = 0;
  expect(tries(64).filter((done) => !done)).toHaveLength(63);
  await file.close();
  // A file that cannot be read any more is told by whoever reads it in a thread.
  expect(tries(1)).toEqual([false]);
});
