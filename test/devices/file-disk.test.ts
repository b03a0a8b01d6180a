/** A disk in a file: what discards do to its blocks, and a file that shrinks behind the device's back. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Disk } from "../../src/devices/blk/disk.ts";
import { openFileDisk } from "../../src/devices/blk/file-disk.ts";

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
