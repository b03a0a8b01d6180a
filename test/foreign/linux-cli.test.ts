/** `virtlab linux` as users call it, and what it says when something is wrong. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheFolder } from "../../src/foreign/linux/cache.ts";
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
  const { status, stdout, stderr, pid } = spawnSync(
    process.execPath,
    ["--import", "tsx", join(ROOT, "src/cli/main.ts"), "linux", ...args],
    { cwd: ROOT, encoding: "utf8", input, timeout: LINUX_MS, env: { ...process.env, ...env } },
  );
  return { status, stdout, stderr, left: leftBehind(pid) };
}

/** What a process left in temporary folders: copies of disks. */
const leftBehind = (pid: number): string[] =>
  ["/dev/shm", tmpdir()].flatMap((parent) =>
    readdirSync(parent).filter((name) => name.startsWith(`virtlab-qemu-${pid}-`)),
  );

describe("virtlab linux says what is wrong", { timeout: LINUX_MS }, () => {
  it("when it was never set up", () => {
    expect(virtlab(["--run", "true"], { XDG_CACHE_HOME: folder })).toMatchObject({
      status: 2,
      stderr: "virtlab: there is no Linux here yet: run virtlab linux --setup first\n",
    });
  });

  it("when there are no Debian tools to set it up with", () => {
    const result = virtlab(["--setup"], { PATH: folder, XDG_CACHE_HOME: folder });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("apt-get is not here");
    expect(result.stderr).toContain("--kernel");
  });

  it.skipIf(!FULL).each([
    [["--write"], "--write goes with --disk"],
    [["--json"], "--json goes with --run"],
    [["--initrd", "x", "--run", "true"], "no --run"],
    [["--no-acpi", "--snapshot"], "it needs ACPI"],
    [["--run", "true", "--deadline", "soon"], "--deadline: expected a whole number"],
    [["--kernel", "/nowhere/vmlinuz"], "--kernel /nowhere/vmlinuz: cannot be read"],
  ])("for %j", (args, message) => {
    const result = virtlab(args);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain(message);
  });
});

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

  it("writes to the disk itself when told, and tells in JSON", () => {
    const disk = join(folder, "disk.img");
    writeFileSync(disk, new Uint8Array(1 << 20));
    const run = "echo changed | dd of=/dev/vda conv=fsync 2>/dev/null";
    const { status, stdout } = virtlab(["--snapshot", "--disk", disk, "--write", "--json", "--run", run]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 0, output: "", restored: true, violations: [] });
    expect(readFileSync(disk).subarray(0, 8).toString()).toBe("changed\n");
  });

  it("gives a shell: what is typed is run, and its end is the machine's", () => {
    const { status, stdout } = virtlab(["--snapshot"], {}, "echo $((6 * 7)) in $(uname)\nexit\n");
    expect(status).toBe(0);
    expect(stdout).toContain("42 in Linux");
  });

  it("ends a command that hangs, with nothing left behind", () => {
    const disk = join(folder, "disk.img");
    const result = virtlab(["--snapshot", "--disk", disk, "--deadline", "3", "--run", "sleep 1000"]);
    expect(result).toMatchObject({
      status: 1,
      stderr: "virtlab: the command has not ended after 3 s: sleep 1000\n",
      left: [],
    });
  });

  it.skipIf(!FULL)("boots anew where the snapshot is damaged, and says so", () => {
    const snapshots = cacheFolder("linux", "snapshots");
    for (const name of readdirSync(snapshots)) {
      const bytes = readFileSync(join(snapshots, name));
      writeFileSync(join(snapshots, name), bytes.subarray(0, bytes.length >>> 1));
    }
    const { status, stderr } = virtlab(["--snapshot", "--run", "true"]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/the snapshot .* is damaged: booting anew\n.*snapshot made/);
  });

  it.skipIf(!FULL)("says that a kernel has no virtio driver", () => {
    const kernel = join(cacheFolder("linux", "debian-12-i386"), "vmlinuz");
    const result = virtlab(["--kernel", kernel, "--run", "true"]);
    expect(result).toMatchObject({ status: 1 });
    expect(result.stderr).toContain("this kernel has no virtio-pci driver");
  });
});
