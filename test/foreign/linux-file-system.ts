/** A file system filled in Linux, and read outside by e2fsprogs. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { LinuxMachine } from "../../src/foreign/linux/linux-machine.ts";
import { FULL } from "./matrix.ts";

const FILES = FULL ? 20 : 8;
/** Directories and what else the file system keeps for itself. */
const OTHER_INODES = 11;
const DROP = "echo 3 >/proc/sys/vm/drop_caches";

export function acceptFileSystem(device: string, machine: () => LinuxMachine, image: () => string): void {
  const sh = (script: string) => machine().check(script);
  const outside = (tool: string, ...args: string[]) =>
    execFileSync(tool, args, { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 64 << 20 });

  describe("a file system made by busybox", () => {
    it("is made in Linux", async () => {
      await sh(`mke2fs -F ${device} >/dev/null`);
    });
    acceptFilled();
  });

  describe.skipIf(!FULL || !hasE2fsprogs())("a file system made by e2fsprogs", () => {
    it("is made outside, with a journal and checksums", async () => {
      outside("mkfs.ext4", "-F", "-q", image());
      await sh(`blockdev --flushbufs ${device}; ${DROP}`);
    });
    acceptFilled();
  });

  function acceptFilled(): void {
    let sums = "";

    it("is filled, and has its files again when mounted anew", async () => {
      await sh(`mount -t ext4 ${device} /mnt`);
      await sh(
        `for i in $(seq ${FILES}); do dd if=/dev/urandom of=/mnt/f$i bs=$((i * 1000)) count=7 2>/dev/null; done`,
      );
      sums = await sh("cd /mnt && md5sum f*");
      expect(sums.split("\n")).toHaveLength(FILES);
      await sh(`cd /; umount /mnt; ${DROP}; mount -t ext4 -o ro ${device} /mnt`);
      expect(await sh("cd /mnt && md5sum f*; cd /; umount /mnt")).toBe(sums);
    });

    it("is read by e2fsck and debugfs the same way outside", (context) => {
      if (!hasE2fsprogs()) return context.skip("e2fsprogs is not here");
      expect(outside("e2fsck", "-fn", image()).toString()).toContain(`${FILES + OTHER_INODES}/`);
      const found = sums.split("\n").map((line) => {
        const name = line.split("  ")[1] ?? "";
        const input = outside("debugfs", "-R", `cat /${name}`, image());
        return `${execFileSync("md5sum", { input, encoding: "utf8" }).split(" ")[0]}  ${name}`;
      });
      expect(found.join("\n")).toBe(sums);
    });
  }
}

function hasE2fsprogs(): boolean {
  try {
    execFileSync("e2fsck", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
