import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import definition from "../../src/devices/blk/definition.ts";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { devices } from "../../src/devices/index.ts";
import type { DeviceOptions } from "../../src/host/device.ts";
import { UsageError } from "../../src/host/device.ts";
import { Random } from "../../src/wire/random.ts";
import { platform } from "../support/host-rig.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "virtlab-options-"));
});
afterAll(() => rm(directory, { recursive: true }));

const create = async (options: DeviceOptions) => definition.create(options, platform);

async function refusal(options: DeviceOptions): Promise<string> {
  const error: unknown = await create(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof UsageError) return error.message;
  throw new Error(`expected a UsageError, got ${error}`);
}

describe("a bad disk image", () => {
  it("that is missing is named", async () => {
    const file = join(directory, "missing.img");
    expect(await refusal({ file })).toBe(`blk: expected a disk image at ${file}, found no such file`);
  });

  it("that is a directory is named", async () => {
    expect(await refusal({ file: directory })).toBe(
      `blk: expected a disk image at ${directory}, found a directory`,
    );
  });

  it("that is empty is named", async () => {
    const file = join(directory, "empty.img");
    await writeFile(file, "");
    expect(await refusal({ file })).toBe(`blk: expected a disk image at ${file}, found an empty file`);
  });

  it("whose size is not a multiple of 512 is named with its size", async () => {
    const file = join(directory, "odd.img");
    await writeFile(file, new Uint8Array(700));
    expect(await refusal({ file })).toBe(
      `blk: expected the size of ${file} to be a multiple of 512, found 700 bytes`,
    );
  });

  // The superuser may read and write whatever the mode says.
  it.skipIf(process.getuid?.() === 0)("that may not be written is named, and opens read-only", async () => {
    const file = join(directory, "protected.img");
    await writeFile(file, new Uint8Array(512));
    await chmod(file, 0o400);
    expect(await refusal({ file })).toBe(
      `blk: expected a readable and writable disk image at ${file}, found permission denied`,
    );
    const model = await create({ file, "read-only": true });
    await model.close?.();
  });
});

describe("a bad option", () => {
  it.each([
    [{ size: 700 }, "blk: expected size to be a positive multiple of 512, found 700"],
    [{ size: 0 }, "blk: expected size to be a positive multiple of 512, found 0"],
    [{ size: 512, serial: "x".repeat(21) }, "blk: expected serial to have at most 20 bytes, found 21"],
    [{ seed: 2 ** 32 }, "blk: expected seed to be a whole number from 0 to 4294967295, found 4294967296"],
    [{ file: "disk.img", seed: 1 }, "blk: expected either file or seed, found both"],
  ])("%j is refused with what was expected and found", async (options, message) => {
    expect(await refusal(options)).toBe(message);
  });

  it("of a size no memory holds is refused", async () => {
    expect(await refusal({ size: 2 ** 50 })).toBe(
      `blk: expected a size that fits in memory, found ${2 ** 50} bytes`,
    );
  });
});

describe("memory disk", () => {
  it("holds the bytes of its seed, and zeros without one", async () => {
    const expected = new Uint8Array(1024);
    new Random(3).fill(expected);
    const whole = (seed?: { seed: number }) =>
      memoryDisk({ bytes: 1024, readOnly: false, ...seed }).read(0, 1024, (bytes) => bytes.slice());
    expect(await whole({ seed: 3 })).toEqual(expected);
    expect(await whole()).toEqual(new Uint8Array(1024));
  });
});

describe("registry", () => {
  it("names each device as its definition does, each virtio id once", () => {
    const entries = Object.entries(devices);
    expect(entries.map(([name]) => name)).toEqual(entries.map(([, { name }]) => name));
    expect(new Set(entries.map(([, { virtioId }]) => virtioId)).size).toBe(entries.length);
    expect(devices).toMatchObject({ blk: { virtioId: 2 }, rng: { virtioId: 4 } });
  });
});
