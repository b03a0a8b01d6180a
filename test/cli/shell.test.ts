/** `virtlab shell` with scripts: the tour of the documentation, failures, and what completion offers. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDevice } from "../../src/cli/device-argument.ts";
import { Machine } from "../../src/machine/machine.ts";
import { COMMANDS } from "../../src/machine/shell/commands.ts";
import { Shell } from "../../src/machine/shell/shell.ts";
import { cli, cliHere, VIRTLAB } from "../support/cli.ts";

const doc = (name: string) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
const PROMPT = "virtlab> ";
const promptLines = (text: string) => text.split("\n").filter((line) => line.startsWith(PROMPT.trim()));

describe("the tour", () => {
  const script = readFileSync(doc("shell-tour.txt"), "utf8").trimEnd().split("\n");

  it("uses every command", () => {
    const used = new Set(script.map((line) => line.replace(/^! /, "").split(" ")[0]));
    expect(Object.keys(COMMANDS).filter((name) => !used.has(name))).toEqual([]);
  });

  it("runs to its end, and its transcript in the documentation has the same commands", async () => {
    const { code, stdout, stderr } = await cli("shell", doc("shell-tour.txt"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(promptLines(stdout)).toEqual(script.map((line) => PROMPT + line));
    expect(promptLines(readFileSync(doc("shell.md"), "utf8"))).toEqual(promptLines(stdout));
  });
});

describe("a script", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "virtlab-shell-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = async (...lines: string[]) => {
    const path = join(folder, "script");
    await writeFile(path, lines.join("\n"));
    return cliHere("shell", "--device", "blk,size=1M", path);
  };

  it("ends at the first command that fails, and the line is named", async () => {
    const { code, stdout, stderr } = await run("lsblk", "dd if=vda of=vdz", "lspci");
    expect(code).toBe(1);
    expect(stdout).toContain("dd: no disk vdz; there are vda");
    expect(stdout).not.toContain("lspci");
    expect(stderr).toBe("virtlab: line 2 failed: dd if=vda of=vdz\n");
  });

  it("comes through a pipe as well", async () => {
    const child = spawn(process.execPath, [...VIRTLAB, "shell", "--device", "blk,size=1M"]);
    let stdout = "";
    child.stdout.on("data", (data) => (stdout += data));
    child.stdin.end("lsblk\n! nonsense\n");
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(0);
    expect(stdout).toContain("vda   1048576");
    expect(stdout).toContain("nonsense: no such command; try help");
  });

  it("that cannot be read is wrong usage", async () => {
    const { code, stderr } = await cliHere("shell", join(folder, "nowhere"));
    expect(code).toBe(2);
    expect(stderr).toContain("nowhere: cannot be read");
  });
});

describe("a prompt", () => {
  let machine: Machine;
  let shell: Shell;
  beforeAll(async () => {
    machine = await Machine.start({
      devices: [{ type: "blk", options: { size: "1M" } }],
      deadlines: { stallMs: 400 },
    });
    shell = new Shell(machine, parseDevice);
    await shell.execute("lsblk");
  });
  afterAll(() => machine.stop());

  it.each([
    ["sus", ["suspend"]],
    ["cat /proc/io", ["/proc/ioports", "/proc/iomem"]],
    ["unbind 00:04", ["00:04.0"]],
    ["dd if=vda o", ["of="]],
    ["dd if=/dev/z", ["if=/dev/zero"]],
    ["nonsense ", []],
  ])("completes %s", (line, candidates) => {
    expect(shell.complete(line).candidates).toEqual(candidates);
  });

  it.each([
    ["lspcy", "lspcy: no such command (did you mean lspci?); try help"],
    ["unbind 9", "unbind: no device 9; there are 00:00.0, 00:04.0"],
    ["dd if=/dev/zero of=/dev/null", "dd: expected count=N: neither end ends"],
    ["dd if=vda of=vda bs=100", "dd: expected bs to be a multiple of 512, got 100"],
    ["cat /etc/passwd", 'cat: no file "/etc/passwd"; there are /proc/interrupts'],
    ["mask 4 9", "mask: 00:04.0 has 2 MSI-X vectors in use, no 9"],
    ["plug nothing", 'plug: unknown device "nothing"'],
    ["plug blk,slot=4", "plug: device.slot: slot 4 is taken already"],
    ["device blk shrink", 'device: 00:04.0 blk: unknown command "shrink"; known are resize'],
    ["ping 10.0.2.2", "ping: no device 0 for driver virtio_net"],
  ])("says what is wrong with %s", async (line, reason) => {
    const { ok, text } = await shell.execute(line);
    expect({ ok, text: text.slice(0, reason.length) }).toEqual({ ok: false, text: reason });
  });

  it("reports a copy from a sleeping disk as stalled, and goes on when the disk wakes", async () => {
    await shell.execute("suspend 4");
    expect(await shell.execute("dd if=vda of=/dev/null")).toMatchObject({ ok: false });
    await shell.execute("resume 4");
    expect(await shell.execute("dd if=vda of=/dev/null")).toMatchObject({ ok: true });
  });
});
