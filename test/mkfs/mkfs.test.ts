/** A file system made by e2fsprogs, carried through the driver to another disk: that one's fsck finds nothing. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Machine } from "../../src/machine/machine.ts";
import { Random } from "../../src/wire/random.ts";

const MIB = 1024 * 1024;
const IMAGE_BYTES = 16 * MIB;
const FILES = 40;
/** Debian keeps them where an ordinary user's path does not look. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const missing = ["mke2fs", "e2fsck", "debugfs"].filter((tool) => spawnSync(tool, ["-V"], { env }).error);

const without = missing.length > 0 ? ` (needs ${missing.join(", ")})` : "";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "virtlab-mkfs-"));
});
afterEach(() => rm(folder, { recursive: true }));

test.skipIf(missing.length > 0)(
  `an ext4 image written block by block is clean, and its files are whole${without}`,
  async () => {
    const files = join(folder, "files");
    const image = join(folder, "image");
    const disk = join(folder, "disk");
    await mkdir(files);
    for (let number = 0; number < FILES; number++) {
      await writeFile(join(files, `file-${number}`), content(number));
    }
    await writeFile(image, "");
    await truncate(image, IMAGE_BYTES);
    execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", files, image], { env });
    await writeFile(disk, "");
    await truncate(disk, IMAGE_BYTES);

    const machine = await Machine.start({ devices: [{ type: "blk", options: { file: disk, queues: 2 } }] });
    const report = await machine.run(new URL("./copy.guest.ts", import.meta.url), image);
    await machine.stop();

    expect(report).toMatchObject({ verdict: "completed", result: { blocks: 4096, equal: 4096 } });
    const fsck = spawnSync("e2fsck", ["-f", "-n", disk], { env, encoding: "utf8" });
    process.stdout.write(`e2fsck -f -n: ${fsck.stdout.trim().split("\n").at(-1)}\n`);
    expect({ status: fsck.status, errors: fsck.stdout.match(/FIXED|CLEARED|error/gi) }).toEqual({
      status: 0,
      errors: null,
    });
    for (let number = 0; number < FILES; number++) {
      const found = spawnSync("debugfs", ["-R", `cat file-${number}`, disk], { env });
      expect(found.stdout.equals(content(number)), `file-${number}`).toBe(true);
    }
  },
);

function content(number: number): Buffer {
  const bytes = Buffer.alloc(1000 + 5000 * number);
  new Random(number + 1).fill(bytes);
  return bytes;
}
