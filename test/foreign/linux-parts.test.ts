import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyOf } from "../../src/foreign/linux/cache.ts";
import { characterDevice, cpioArchive, directory, executable } from "../../src/foreign/linux/cpio.ts";
import { setUp } from "../../src/foreign/linux/debian.ts";
import { loadSnapshot, saveSnapshot } from "../../src/foreign/linux/snapshot.ts";
import { findSystemFiles } from "../../src/foreign/linux/system-files.ts";
import { UsageError } from "../../src/host/device.ts";

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

  it("that the cache has no place for is said not to be there", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await saveSnapshot(join(folder, "file", "a.state"), state)).toMatch(/^EEXIST|^ENOTDIR/);
  });

  it("makes room for itself: a few are kept", async () => {
    for (const name of "abcdefg") await saveSnapshot(join(folder, `${name}.state`), state);
    const left = execFileSync("ls", [folder], { encoding: "utf8" }).trim().split("\n");
    expect(left).toContain("g.state");
    expect(left).toHaveLength(4);
  });
});

describe("a file of the user's", () => {
  const header = (...fields: [at: number, ...bytes: number[]][]) => {
    const bytes = Buffer.alloc(8192);
    for (const [at, ...values] of fields) bytes.set(values, at);
    return bytes;
  };
  const bzImage: [number, ...number[]][] = [
    [0x1fe, 0x55, 0xaa],
    [0x202, ...Buffer.from("HdrS")],
  ];
  const elf: [number, ...number[]][] = [
    [0, ...Buffer.from("\x7fELF"), 1, 1],
    [18, 3],
    [28, 52],
    [42, 32, 0, 2],
  ];
  const bios = (kib: number, jump: number) => {
    const bytes = Buffer.alloc(kib << 10);
    bytes[bytes.length - 16] = jump;
    return bytes;
  };

  it.each<[name: "kernel" | "busybox" | "bios", bytes: Buffer, complaint: string | undefined]>([
    ["kernel", header(...bzImage), undefined],
    ["kernel", header(...bzImage, [0x236, 1]), "is a 64-bit kernel, and the emulated PC a 32-bit one"],
    ["kernel", header(), "is not a bzImage"],
    ["kernel", Buffer.from("root:x:0:0:root"), "is not a bzImage"],
    ["busybox", header(...elf), undefined],
    ["busybox", header(...elf, [52 + 32, 3]), "is not a static 32-bit x86 program"],
    ["busybox", header(...elf, [4, 2]), "is not a static 32-bit x86 program"],
    ["busybox", Buffer.alloc(0), "is not a static 32-bit x86 program"],
    ["bios", bios(128, 0xea), undefined],
    ["bios", bios(128, 0), "is not a PC's BIOS"],
    ["bios", bios(100, 0xea), "is not a PC's BIOS"],
    ["bios", Buffer.alloc(0), "is not a PC's BIOS"],
  ])("named as %s: %#", (name, bytes, complaint) => {
    const all = {
      kernel: header(...bzImage),
      busybox: header(...elf),
      bios: bios(64, 0xea),
      [name]: bytes,
    };
    const given = Object.fromEntries(
      Object.entries(all).map(([each, content]) => {
        writeFileSync(join(folder, each), content);
        return [each, join(folder, each)];
      }),
    );
    const find = () => findSystemFiles(given);
    if (complaint === undefined) expect(find().modules).toBeUndefined();
    else expect(find).toThrow(new UsageError(`--${name} ${join(folder, name)}: ${complaint}`));
  });
});

describe("set-up", () => {
  const before = process.env.PATH;
  afterEach(() => {
    process.env.PATH = before;
  });

  it("needs Debian's tools, and says what will do without them", async () => {
    process.env.PATH = folder;
    await expect(setUp({ progress: () => {} })).rejects.toThrow(/^apt-get is not here.*--kernel, --modules/);
  });
});

describe("a key", () => {
  it("differs when any part does, or where one part ends and the next begins", () => {
    const keys = [keyOf("ab", "c"), keyOf("a", "bc"), keyOf("ab", "d"), keyOf("ab", "c", true)];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOf("ab", Uint8Array.of(99))).toBe(keyOf("ab", "c"));
  });
});
