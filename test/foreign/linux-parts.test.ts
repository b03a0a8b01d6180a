import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyOf } from "../../src/foreign/linux/cache.ts";
import { characterDevice, cpioArchive, directory, executable } from "../../src/foreign/linux/cpio.ts";
import { loadSnapshot, saveSnapshot } from "../../src/foreign/linux/snapshot.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "virtlab-linux-parts-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the archive", () => {
  const entries = [
    directory("bin"),
    executable("bin/odd", Buffer.from("12345")),
    executable("empty", new Uint8Array()),
    characterDevice("console", 5, 1),
  ];

  it("is one that cpio reads", (context) => {
    try {
      execFileSync("cpio", ["--version"]);
    } catch {
      return context.skip("no cpio here");
    }
    const listing = execFileSync("cpio", ["-tv"], { input: cpioArchive(entries), encoding: "utf8" });
    expect(listing).toMatch(/^drwxr-xr-x .* bin\n/);
    expect(listing).toMatch(/^-rwxr-xr-x .* 5 .* bin\/odd$/m);
    expect(listing).toMatch(/^crw------- .* 5, +1 .* console$/m);
  });

  it("has headers of 110 characters, everything at multiples of four, and an end", () => {
    const archive = Buffer.from(cpioArchive(entries)).toString("latin1");
    const headers = [...archive.matchAll(/070701[0-9a-f]{104}/g)].map(({ index }) => index);
    expect(headers).toHaveLength(entries.length + 1);
    expect(headers.filter((at) => at % 4 !== 0)).toEqual([]);
    expect(archive).toContain("TRAILER!!!\0");
    expect(archive.length % 4).toBe(0);
  });

  it("is the same for the same files", () => {
    expect(cpioArchive(entries)).toEqual(cpioArchive(entries));
  });
});

describe("a snapshot", () => {
  const state = Uint8Array.from({ length: 5000 }, (_, at) => at).buffer;

  it("comes back as it was", async () => {
    const file = join(folder, "snapshots", "a.state");
    await saveSnapshot(file, state);
    expect(await loadSnapshot(file)).toEqual({ state });
  });

  it("that is not there is none", async () => {
    expect(await loadSnapshot(join(folder, "nothing"))).toBe("none");
  });

  it.each([
    ["a byte changed", (bytes: Buffer) => bytes.fill(bytes.readUInt8(1000) ^ 1, 1000, 1001)],
    ["its end missing", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["nothing in it", (bytes: Buffer) => bytes.subarray(0, 0)],
    ["another beginning", (bytes: Buffer) => bytes.fill(0, 0, 4)],
  ])("with %s is damaged", async (_name, damage) => {
    const file = join(folder, "a.state");
    await saveSnapshot(file, state);
    writeFileSync(file, damage(readFileSync(file)));
    expect(await loadSnapshot(file)).toBe("damaged");
  });

  it("makes room for itself: a few are kept", async () => {
    for (const name of "abcdefg") await saveSnapshot(join(folder, `${name}.state`), state);
    const left = execFileSync("ls", [folder], { encoding: "utf8" }).trim().split("\n");
    expect(left).toContain("g.state");
    expect(left).toHaveLength(4);
  });
});

describe("a key", () => {
  it("differs when any part does, or where one part ends and the next begins", () => {
    const keys = [keyOf("ab", "c"), keyOf("a", "bc"), keyOf("ab", "d"), keyOf("ab", "c", true)];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOf("ab", Uint8Array.of(99))).toBe(keyOf("ab", "c"));
  });
});
