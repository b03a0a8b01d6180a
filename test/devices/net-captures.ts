/** Capture files made by hand, byte by byte, and a directory of the test's own for them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "virtlab-net-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function tempFile(bytes: Uint8Array, name = "in.pcap"): string {
  const path = join(tempDir(), name);
  writeFileSync(path, bytes);
  return path;
}

/** Numbers of so many bytes. */
const number = (bytes: 2 | 4, bigEndian: boolean) => (value: number) => {
  const buffer = Buffer.alloc(bytes);
  if (bigEndian) buffer.writeUIntBE(value, 0, bytes);
  else buffer.writeUIntLE(value, 0, bytes);
  return buffer;
};

export interface PcapOptions {
  readonly bigEndian?: boolean;
  readonly nano?: boolean;
  readonly linkType?: number;
}

/** Classic pcap. */
export function pcap(frames: readonly Uint8Array[], options: PcapOptions = {}): Buffer {
  const { bigEndian = false, nano = false, linkType = 1 } = options;
  const u32 = number(4, bigEndian);
  const version = bigEndian ? Buffer.from([0, 2, 0, 4]) : Buffer.from([2, 0, 4, 0]);
  const header = [u32(nano ? 0xa1b23c4d : 0xa1b2c3d4), version, u32(0), u32(0), u32(262144), u32(linkType)];
  const records = frames.flatMap((frame, i) => [u32(i), u32(1), u32(frame.length), u32(frame.length), frame]);
  return Buffer.concat([...header, ...records]);
}

export interface PcapngOptions {
  readonly bigEndian?: boolean;
  readonly linkTypes?: readonly number[];
}

/** pcapng: frame i belongs to interface i modulo their number; every third is a simple packet block. */
export function pcapng(frames: readonly Uint8Array[], options: PcapngOptions = {}): Buffer {
  const { bigEndian = false, linkTypes = [1] } = options;
  const u16 = number(2, bigEndian);
  const u32 = number(4, bigEndian);
  const block = (type: number, ...parts: Uint8Array[]) => {
    const body = Buffer.concat(parts);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    return Buffer.concat([u32(type), u32(padded.length + 12), padded, u32(padded.length + 12)]);
  };
  const section = block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), Buffer.alloc(8, 0xff));
  const interfaces = linkTypes.map((linkType) => block(1, u16(linkType), u16(0), u32(0)));
  const packets = frames.map((frame, i) =>
    i % 3 === 2 && linkTypes.length === 1
      ? block(3, u32(frame.length), frame)
      : block(6, u32(i % linkTypes.length), u32(0), u32(i), u32(frame.length), u32(frame.length), frame),
  );
  // A block of a type that nobody knows is passed over.
  return Buffer.concat([section, ...interfaces, block(0x1234, u32(5)), ...packets]);
}
