import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli, cliHere, startCli } from "../support/cli.ts";

let folder = "";
const file = (name: string) => join(folder, name);
const program = (name: string) => fileURLToPath(new URL(`../support/programs/${name}.ts`, import.meta.url));
const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "virtlab-test-"));
  writeFileSync(file("disk.img"), randomBytes(3 << 20));
  writeFileSync(file("empty.img"), "");
  writeFileSync(file("odd.img"), Buffer.alloc(1000));
  writeFileSync(file("throws-at-load.mjs"), 'throw new Error("boom at load");\n');
  writeFileSync(file("no-default.mjs"), "export const nothing = 1;\n");
  writeFileSync(file("broken.json"), "{ not json");
  writeFileSync(file("unknown.json"), '{ "cpu": 1 }');
  writeFileSync(file("list.json"), "[]");
  writeFileSync(file("devices.json"), '{ "devices": 5 }');
  writeFileSync(file("bigint.mjs"), "export default async () => ({ big: 10n });\n");
  writeFileSync(file("function.mjs"), "export default async () => () => 1;\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("virtlab run", () => {
  it("verifies a file in each interrupt mode and leaves it as it was", async () => {
    const before = sha256(file("disk.img"));
    for (const mode of ["auto", "msix", "msix-shared", "intx"]) {
      const { code, stdout } = await cliHere(
        ...["run", "--disk", file("disk.img"), "--json", "--interrupts", mode],
      );
      const result = JSON.parse(stdout);
      expect(result).toMatchObject({
        verdict: "completed",
        verified: true,
        disk: { sha256: before, bytes: 3 << 20 },
      });
      expect(result.interrupts.tier).toBe(mode === "auto" ? "msix" : mode);
      expect(code).toBe(0);
    }
    expect(sha256(file("disk.img"))).toBe(before);
  });

  it("ends with a verdict line, and with --write puts back what was there", async () => {
    const before = sha256(file("disk.img"));
    const { code, stdout } = await cli("run", "--disk", file("disk.img"), "--write", "--queue-size", "8");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("verdict: completed, verified (msix interrupts)");
    expect(stdout).toContain("1048576 bytes written, flushed, read back");
    expect([code, sha256(file("disk.img"))]).toEqual([0, before]);
  });

  it("takes machine and devices from a description, with options on top", async () => {
    writeFileSync(file("machine.json"), JSON.stringify({ memory: "8M", queueSize: 16, eventIndex: false }));
    const { code, stdout } = await cliHere(
      ...["run", "--config", file("machine.json"), "--disk-size", "1M", "--io-threads", "1", "--json"],
    );
    expect(JSON.parse(stdout).queues).toMatchObject([
      { device: "virtio0", size: 16, ioThread: 1 },
      { device: "virtio1", ioThread: 0 },
    ]);
    expect(code).toBe(0);
  });

  it("says whose queues I/O threads may serve", async () => {
    const { stdout } = await cliHere("list", "devices", "--json");
    const rows = JSON.parse(stdout).devices as { name: string; ioThreads: boolean }[];
    expect(rows.filter(({ ioThreads }) => ioThreads).map(({ name }) => name)).toEqual(["blk"]);
  });

  it.each([
    ["a missing file", () => ["--disk", file("none.img")], "found no such file"],
    ["an empty file", () => ["--disk", file("empty.img")], "found an empty file"],
    ["a directory", () => ["--disk", folder], "found a directory"],
    [
      "a size that is no multiple of 512",
      () => ["--disk", file("odd.img")],
      "multiple of 512, found 1000 bytes",
    ],
    [
      "a queue size that is no power of two",
      () => ["--queue-size", "12"],
      "power of two from 1 to 32768, got 12",
    ],
    ["a queue size too large", () => ["--queue-size", "65536"], "power of two from 1 to 32768, got 65536"],
    ["a queue size that is no number", () => ["--queue-size", "many"], 'expected a whole number, got "many"'],
    [
      "too little memory",
      () => ["--memory", "64k"],
      'expected 1M to 4G, in whole pages of 4096 bytes, got "64k"',
    ],
    [
      "memory that the queues do not fit in",
      () => ["--memory", "1M", "--queue-size", "32768"],
      "expected at least",
    ],
    ["too many I/O threads", () => ["--io-threads", "99"], "ioThreads: expected a whole number from 0 to 16"],
    ["an unknown option", () => ["--dsik", "x"], "unknown option '--dsik'"],
    ["an unknown mode", () => ["--interrupts", "msi"], "Allowed choices are auto, msix, msix-shared, intx"],
    ["an unknown device", () => ["--device", "blc"], 'unknown device "blc" (did you mean blk?)'],
    ["an unknown device option", () => ["--device", "rng,speed=1"], 'unknown option "speed"'],
    ["an option that all objects have", () => ["--device", "blk,toString=5"], 'unknown option "toString"'],
    ["a device that all objects have", () => ["--device", "toString"], 'unknown device "toString"'],
    [
      "a guest module without default export",
      () => ["--guest", file("no-default.mjs")],
      "got no default export",
    ],
    ["a guest module that is not there", () => ["--guest", file("none.mjs")], "there is no such file"],
    ["a guest module that is a folder", () => ["--guest", folder], "there is no such file"],
    ["a device module that is not there", () => ["--device", file("none.mjs")], "there is no such file"],
    ["a description that is no JSON", () => ["--config", file("broken.json")], "expected JSON"],
    ["a description that is a list", () => ["--config", file("list.json")], "expected an object, got []"],
    [
      "a description whose devices are no list",
      () => ["--config", file("devices.json")],
      "devices: expected a list, got 5",
    ],
    ["a description with an unknown key", () => ["--config", file("unknown.json")], 'unknown key "cpu"'],
    ["--write without --disk", () => ["--write"], "--write goes with --disk"],
  ])("refuses %s: one line, exit code 2", async (_name, args, message) => {
    const { code, stderr } = await cliHere("run", ...args());
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
  });

  it.each([
    ["at load", () => file("throws-at-load.mjs"), "boom at load"],
    ["when it runs", () => program("throw"), "this program has a bug"],
  ])(
    "a guest program that throws %s: its stack, verdict crashed, exit code 3",
    async (_name, module, message) => {
      const { code, stdout, stderr } = await cliHere("run", "--guest", module());
      expect(stdout).toContain(`verdict: crashed: ${message}`);
      expect(stderr).toMatch(/\n {4}at /);
      expect(code).toBe(3);
    },
  );

  it("prints a result that JSON has no words for, as text and with --json", async () => {
    const { code, stdout } = await cliHere("run", "--guest", file("bigint.mjs"), "--json");
    expect([code, JSON.parse(stdout).result]).toEqual([0, "{ big: 10n }"]);
    expect((await cliHere("run", "--guest", file("bigint.mjs"))).stdout).toContain('result: "{ big: 10n }"');
  });

  it("a result that cannot be handed over is the program's fault: exit code 3, with the report", async () => {
    const { code, stdout } = await cliHere("run", "--guest", file("function.mjs"));
    expect(stdout).toContain("verdict: crashed: the program's result cannot be handed over: () => 1");
    expect(code).toBe(3);
  });

  it("runs modules that import the package by its name, here from the sources", async () => {
    const packed = (name: string) => fileURLToPath(new URL(`../packed/${name}`, import.meta.url));
    const names = ["counter-device.js", "counter-program.js"];
    // Outside of the project nothing else would find it.
    for (const name of names) copyFileSync(packed(name), file(name));
    const [device = "", guest = ""] = names.map(file);
    const { code, stdout } = await cli("run", "--device", device, "--guest", guest, "--arg", "3", "--json");
    expect([code, JSON.parse(stdout).result]).toEqual([0, [1, 2, 3]]);
  });

  it("ends quietly when nobody reads its output, and in one line when it cannot be written", async () => {
    const { child, done } = startCli(["list", "devices"]);
    child.stdout?.destroy();
    expect(await done).toMatchObject({ code: 141, stderr: "" });
    const full = openSync("/dev/full", "w");
    const { code, stderr } = await startCli(["list", "devices"], undefined, {}, full).done;
    closeSync(full);
    expect(stderr).toMatch(/^virtlab: the output cannot be written: ENOSPC[^\n]*\n$/);
    expect(code).toBe(3);
  });

  it("ends within a second on Ctrl-C, with exit code 130", async () => {
    const marker = file("running");
    const { child, done } = startCli([
      "run",
      "--device",
      "rng",
      "--guest",
      program("touch-and-wait"),
      "--arg",
      marker,
    ]);
    while (!existsSync(marker)) await new Promise((resolve) => setTimeout(resolve, 20));
    const asked = performance.now();
    child.kill("SIGINT");
    expect((await done).code).toBe(130);
    expect(performance.now() - asked).toBeLessThan(1000);
  });
});
