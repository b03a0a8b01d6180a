/** Capture files: reading every format, refusing bad ones, and writing what others read. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CaptureReader } from "../../src/devices/net/capture-reader.ts";
import { CaptureWriter } from "../../src/devices/net/capture-writer.ts";
import { frameOf } from "../drivers/net-rig.ts";
import { pcap, pcapng, tempDir, tempFile } from "./net-captures.ts";

const FRAMES = [60, 1514, 0, 61, 62, 63, 14, 65_549, 1].map((length, seed) => frameOf(length, seed));

async function readAll(path: string) {
  const reader = await CaptureReader.open(path);
  const frames: Uint8Array[] = [];
  try {
    for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
      frames.push(Uint8Array.from(frame));
    }
  } catch (error) {
    return { frames, error: (error as Error).message, reader };
  } finally {
    await reader.close();
  }
  return { frames, error: undefined, reader };
}

test.each([
  ["pcap, microseconds, little-endian", pcap(FRAMES)],
  ["pcap, microseconds, big-endian", pcap(FRAMES, { bigEndian: true })],
  ["pcap, nanoseconds, little-endian", pcap(FRAMES, { nano: true })],
  ["pcap, nanoseconds, big-endian", pcap(FRAMES, { nano: true, bigEndian: true })],
  ["pcapng, little-endian", pcapng(FRAMES)],
  ["pcapng, big-endian", pcapng(FRAMES, { bigEndian: true })],
  ["pcapng, two interfaces", pcapng(FRAMES, { linkTypes: [1, 1] })],
  ["pcapng, sections of either byte order", Buffer.concat([pcapng([]), pcapng(FRAMES, { bigEndian: true })])],
])("every frame is read in order and unchanged: %s", async (_name, bytes) => {
  const { frames, error } = await readAll(tempFile(bytes));
  expect(error).toBeUndefined();
  expect(frames).toEqual(FRAMES);
});

test("a capture longer than any buffer is read to its end", async () => {
  const many = Array.from({ length: 2000 }, (_, seed) => frameOf(1000, seed));
  const { frames } = await readAll(tempFile(pcap(many)));
  expect(frames.length).toBe(2000);
  expect(frames[1999]).toEqual(frameOf(1000, 1999));
});

test.each([
  ["an empty file", Buffer.alloc(0), "an empty file"],
  ["two bytes", Buffer.from([1, 2]), "2 bytes, too few"],
  ["something else", Buffer.from("hello, world"), "neither pcap nor pcapng"],
  ["half a header", pcap([]).subarray(0, 10), "ends inside the file header"],
  ["another link type", pcap([], { linkType: 113 }), "link type 113, expected Ethernet (1)"],
  ["another link type in pcapng", pcapng([], { linkTypes: [276] }), "link type 276"],
  ["half a section header", pcapng([]).subarray(0, 14), "ends inside the section header"],
])("%s is refused at once", async (_name, bytes, message) => {
  await expect(CaptureReader.open(tempFile(bytes))).rejects.toThrow(message);
});

test.each([
  ["in a record", pcap(FRAMES).subarray(0, -10), "ends inside the record"],
  ["in a record's header", pcap([frameOf(60), frameOf(60)]).subarray(0, 24 + 76 + 8), "record header"],
  ["in a block", pcapng(FRAMES).subarray(0, -10), "ends inside the block"],
])("a file cut off %s gives the frames before, then says where", async (_name, bytes, message) => {
  const { frames, error } = await readAll(tempFile(bytes));
  expect(error).toContain(message);
  expect(frames).toEqual(FRAMES.slice(0, frames.length));
  expect(frames.length).toBeGreaterThan(0);
});

test("impossible lengths end the reading with their place", async () => {
  const long = pcap([frameOf(60)]);
  long.writeUInt32LE(300_000, 24 + 8);
  expect((await readAll(tempFile(long))).error).toBe("a record of 300000 bytes at byte 24");
  const odd = pcapng([frameOf(60)]);
  odd.writeUInt32LE(33, odd.length - 32 - 60 + 4);
  expect((await readAll(tempFile(odd))).error).toContain("a block of 33 bytes");
});

test("frames of interfaces that are not Ethernet are counted, those cut short too", async () => {
  const mixed = await readAll(tempFile(pcapng(FRAMES.slice(0, 4), { linkTypes: [1, 113] })));
  expect(mixed.frames).toEqual([FRAMES[0], FRAMES[2]]);
  expect(mixed.reader.skipped).toBe(2);
  const cut = pcap([frameOf(60)]);
  cut.writeUInt32LE(1500, 24 + 12);
  expect((await readAll(tempFile(cut))).reader.cutShort).toBe(1);
});

/** Frames recorded in turn in both directions, the first inbound. */
function record(frames: readonly Uint8Array[]): string {
  const path = join(tempDir(), "out.pcapng");
  let time = 1_700_000_000_000_000_000n;
  const writer = new CaptureWriter(path, "nic", () => time++);
  frames.forEach((frame, i) => {
    writer.record(frame, i % 2 === 0 ? "inbound" : "outbound");
  });
  writer.close();
  expect(writer.frames).toBe(frames.length);
  return path;
}

test("what is recorded is read back", async () => {
  expect((await readAll(record(FRAMES))).frames).toEqual(FRAMES);
});

const tshark = spawnSync("tshark", ["--version"]).status === 0;

test.skipIf(!tshark)("tshark reads a recording: frames, time stamps, directions (needs tshark)", () => {
  const path = record(FRAMES.filter(({ length }) => length >= 14));
  const fields = ["frame.len", "frame.time_epoch", "frame.packet_flags_direction", "frame.interface_name"];
  const args = ["-r", path, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const rows = execFileSync("tshark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  const lengths = FRAMES.map(({ length }) => length).filter((length) => length >= 14);
  expect(rows.map(([length]) => Number(length))).toEqual(lengths);
  expect(rows[2]?.[1]).toBe("1700000000.000000002");
  expect(rows.map(([, , direction]) => Number(direction))).toEqual(
    lengths.map((_, i) => (i % 2 === 0 ? 1 : 2)),
  );
  expect(rows[0]?.[3]).toBe("nic");
});

test.skipIf(!existsSync("/dev/full"))(
  "a full disk ends the recording, once and with a reason, and counts what is lost",
  () => {
    const reasons: string[] = [];
    const writer = new CaptureWriter("/dev/full", "nic", () => 0n);
    writer.onFailure = (message) => reasons.push(message);
    for (let i = 0; i < 1000; i++) writer.record(frameOf(1500, i), "inbound");
    writer.close();
    expect(reasons.length).toBe(1);
    expect(reasons[0]).toContain("ENOSPC");
    expect({ frames: writer.frames, lost: writer.lost }).toEqual({ frames: 0, lost: 1000 });
  },
);

test("blocks are padded and closed by their length", () => {
  const bytes = readFileSync(record([frameOf(61)]));
  expect(bytes.length % 4).toBe(0);
  const last = bytes.readUInt32LE(bytes.length - 4);
  expect(bytes.readUInt32LE(bytes.length - last)).toBe(6);
  expect(bytes.readUInt32LE(bytes.length - last + 4)).toBe(last);
});
