/** A file system made and filled in Linux, and read outside by e2fsprogs. */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import type { LinuxMachine } from "../../src/foreign/linux/linux-machine.ts";
import { FULL } from "./matrix.ts";

const FILES = FULL ? 20 : 8;

export function acceptFileSystem(device: string, machine: () => LinuxMachine, image: () => string): void {
  let sums = "";

  it("makes a file system, fills it, and finds the files again", async () => {
    const sh = (script: string) => machine().check(script);
    await sh(`mke2fs -F ${device} >/dev/null && mount -t ext4 ${device} /mnt`);
    await sh(
      `for i in $(seq ${FILES}); do dd if=/dev/urandom of=/mnt/f$i bs=$((i * 1000)) count=7 2>/dev/null; done`,
    );
    sums = await sh("cd /mnt && md5sum f*");
    expect(sums.split("\n")).toHaveLength(FILES);
    await sh(`cd /; umount /mnt; echo 3 >/proc/sys/vm/drop_caches; mount -t ext4 -o ro ${device} /mnt`);
    expect(await sh("cd /mnt && md5sum f*; cd /; umount /mnt")).toBe(sums);
  });

  it("leaves a file system that e2fsck and debugfs read the same way outside", (context) => {
    try {
      execFileSync("e2fsck", ["-V"], { stdio: "ignore" });
    } catch {
      return context.skip("e2fsprogs is not here");
    }
    expect(execFileSync("e2fsck", ["-fn", image()], { encoding: "utf8" })).toContain(`${FILES + 11}/`);
    const outside = sums.split("\n").map((line) => {
      const name = line.split("  ")[1] ?? "";
      const bytes = execFileSync("debugfs", ["-R", `cat /${name}`, image()], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      return `${execFileSync("md5sum", { input: bytes, encoding: "utf8" }).split(" ")[0]}  ${name}`;
    });
    expect(outside.join("\n")).toBe(sums);
  });
}
