/** `virtlab linux` as users call it, and what it says when something is wrong. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheFolder } from "../../src/foreign/linux/cache.ts";
import { characterDevice, cpioArchive, directory, executable } from "../../src/foreign/linux/cpio.ts";
import { findSystemFiles } from "../../src/foreign/linux/system-files.ts";
import { ofProcess } from "../../src/machine/temporary-folder.ts";
import { cliHere, VIRTLAB } from "../support/cli.ts";
import { LINUX_MS, linuxHere } from "./linux-rig.ts";
import { FULL } from "./matrix.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const linux = linuxHere();
const title = typeof linux === "string" ? `virtlab linux (skipped: ${linux})` : "virtlab linux";
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "virtlab-linux-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function virtlab(args: readonly string[], env: Record<string, string> = {}, input = "") {
  const { status, stdout, stderr, pid } = spawnSync(process.execPath, [...VIRTLAB, "linux", ...args], {
    cwd: ROOT,
    encoding: "utf8",
    input,
    timeout: LINUX_MS,
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr, left: leftBehind(pid) };
}

/** What a process left in temporary folders: copies of disks. */
const leftBehind = (pid: number): string[] =>
  ["/dev/shm", tmpdir()].flatMap((parent) =>
    readdirSync(parent).filter((name) => name.startsWith(ofProcess("virtlab-qemu", pid))),
  );

describe("virtlab linux says what is wrong", { timeout: LINUX_MS }, () => {
  it("when it was never set up", () => {
    expect(virtlab(["--run", "true"], { XDG_CACHE_HOME: folder })).toMatchObject({
      status: 2,
      stderr: "virtlab: there is no Linux here yet: run virtlab linux --setup first\n",
    });
  });

  it.skipIf(!FULL).each([
    [["--write"], "--write goes with --disk"],
    [["--json"], "--json goes with --run"],
    [["--initrd", "x", "--run", "true"], "no --run"],
    [["--no-acpi", "--snapshot"], "it needs ACPI"],
    [["--run", "true", "--deadline", "soon"], "--deadline: expected seconds"],
    [["--kernel", "/nowhere/vmlinuz"], "--kernel /nowhere/vmlinuz: cannot be read"],
  ])("for %j", (args, message) => {
    const result = virtlab(args);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain(message);
  });

  it.skipIf(typeof linux === "string").each(["3", "64M", "3G"])("for %s of memory", async (size) => {
    const { code, stderr } = await cliHere("linux", "--memory", size, "--run", "true");
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^virtlab: memory: expected \d+M to 2048M, got/),
    ]);
  });
});

/** Those of set-up, named one by one as a user names files of his own; the cache is somebody else's. */
function ownFiles(...leftOut: string[]): { args: string[]; env: Record<string, string> } {
  const { kernel, modules, busybox, bios } = findSystemFiles({});
  const named = Object.entries({ kernel, modules, busybox, bios }).filter(
    ([name]) => !leftOut.includes(name),
  );
  return {
    args: named.flatMap(([name, path]) => (path === undefined ? [] : [`--${name}`, path])),
    env: { XDG_CACHE_HOME: folder },
  };
}

describe.skipIf(typeof linux === "string")(title, { timeout: LINUX_MS }, () => {
  it("runs commands on a copy of the user's disk, and their status is its own", () => {
    const disk = join(folder, "disk.img");
    const bytes = randomBytes(1 << 20);
    writeFileSync(disk, bytes);
    const { status, stdout, left } = virtlab([
      "--snapshot",
      "--disk",
      disk,
      "--run",
      "md5sum /dev/vda; echo changed | dd of=/dev/vda conv=fsync 2>/dev/null; exit 7",
    ]);
    expect(status).toBe(7);
    expect(stdout).toBe(`${createHash("md5").update(bytes).digest("hex")}  /dev/vda\n`);
    expect(readFileSync(disk).equals(bytes)).toBe(true);
    expect(left).toEqual([]);
  });

  describe.skipIf(!FULL)("in full", () => {
    it("writes to the disk itself when told, and tells in JSON", () => {
      const disk = join(folder, "disk.img");
      writeFileSync(disk, new Uint8Array(1 << 20));
      const run = "echo changed | dd of=/dev/vda conv=fsync 2>/dev/null";
      const { status, stdout } = virtlab(["--snapshot", "--disk", disk, "--write", "--json", "--run", run]);
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ status: 0, output: "", restored: true, violations: [] });
      expect(readFileSync(disk).subarray(0, 8).toString()).toBe("changed\n");
    });

    it.each(["exit", "poweroff -f", "reboot -f"])("gives a shell, until %s", (leave) => {
      const { status, stdout } = virtlab(["--snapshot"], {}, `echo $((6 * 7)) in $(uname)\n${leave}\n`);
      expect(status).toBe(0);
      expect(stdout).toContain("42 in Linux");
    });

    it.each([
      ["sleep 1000", 3, "the command has not ended after 3 s: sleep 1000"],
      ["poweroff -f", 100, "Linux has ended: reboot: Power down"],
      [
        "echo c >/proc/sysrq-trigger",
        100,
        "Linux has ended: Kernel panic - not syncing: sysrq triggered crash",
      ],
    ])("ends with %s, with nothing left behind", (run, deadline, message) => {
      const disk = join(folder, "disk.img");
      writeFileSync(disk, new Uint8Array(1 << 20));
      const result = virtlab(["--snapshot", "--disk", disk, "--deadline", String(deadline), "--run", run]);
      expect(result).toMatchObject({ status: 1, stderr: `virtlab: ${message}\n`, left: [] });
    });

    it("boots anew where the snapshot is damaged, and says so", () => {
      const [theirs, ours] = [cacheFolder("linux"), join(folder, "damaged", "virtlab", "linux")];
      mkdirSync(join(ours, "snapshots"), { recursive: true });
      symlinkSync(join(theirs, "debian-12-i386"), join(ours, "debian-12-i386"));
      for (const name of readdirSync(join(theirs, "snapshots"))) {
        const bytes = readFileSync(join(theirs, "snapshots", name));
        writeFileSync(join(ours, "snapshots", name), bytes.subarray(0, bytes.length >>> 1));
      }
      const { status, stderr } = virtlab(["--snapshot", "--run", "true"], {
        XDG_CACHE_HOME: join(folder, "damaged"),
      });
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^virtlab: the snapshot .* is damaged: booting anew\nvirtlab: snapshot made: .*\n$/,
      );
    });

    it("runs a kernel, modules, busybox and BIOS of the user's", () => {
      const { args, env } = ownFiles();
      const result = virtlab([...args, "--device", "blk,size=1M", "--run", "uname -s; ls /dev/vda"], env);
      expect(result).toMatchObject({ status: 0, stdout: "Linux\n/dev/vda\n" });
    });

    it("says that a kernel has no virtio driver", () => {
      const { args, env } = ownFiles("modules");
      const result = virtlab([...args, "--run", "true"], env);
      expect(result).toMatchObject({
        status: 1,
        stderr: "virtlab: this kernel has no virtio-pci driver\n",
      });
    });

    it("runs a first file system of the user's", () => {
      const { args, env } = ownFiles();
      const init = "#!/bin/busybox sh\n/bin/busybox echo in a system of mine\n/bin/busybox poweroff -f\n";
      const initrd = join(folder, "initrd");
      const busybox = readFileSync(findSystemFiles({}).busybox);
      const entries = [
        directory("dev"),
        characterDevice("dev/console", 5, 1),
        directory("bin"),
        executable("bin/busybox", busybox),
        executable("init", Buffer.from(init)),
      ];
      writeFileSync(initrd, cpioArchive(entries));
      const { status, stdout } = virtlab([...args, "--initrd", initrd], env);
      expect(status).toBe(0);
      expect(stdout).toContain("in a system of mine");
      writeFileSync(initrd, "nothing of the kind");
      const { status: refused, stderr } = virtlab([...args, "--initrd", initrd], env);
      expect(refused).toBe(1);
      expect(stderr).toMatch(/^virtlab: Linux has ended: Kernel panic - not syncing: /);
    });
  });
});
