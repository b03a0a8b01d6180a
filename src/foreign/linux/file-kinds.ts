/** Whether a file of the user's is what it is named as: an emulated PC would just hang over another. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Why the file will not do. Throws when it cannot be read. */
type Complaint = (file: FileEnds) => string | undefined;

interface FileEnds {
  readonly bytes: number;
  readonly head: Buffer;
  readonly tail: Buffer;
}

const HEAD_BYTES = 4096;
const TAIL_BYTES = 16;

export const COMPLAINTS: Readonly<Record<string, Complaint>> = { kernel, busybox, bios };

export function complaintOf(path: string, complain: Complaint): string | undefined {
  const descriptor = openSync(path, "r");
  try {
    const bytes = fstatSync(descriptor).size;
    const read = (length: number, position: number) => {
      const buffer = Buffer.alloc(length);
      readSync(descriptor, buffer, 0, length, Math.max(0, position));
      return buffer;
    };
    return complain({ bytes, head: read(HEAD_BYTES, 0), tail: read(TAIL_BYTES, bytes - TAIL_BYTES) });
  } finally {
    closeSync(descriptor);
  }
}

/** The boot protocol's header, version 2.12 or later for the last field [Linux: x86/boot.rst]. */
function kernel({ head }: FileEnds): string | undefined {
  const [bootFlag, magic, loadFlags] = [0x1fe, 0x202, 0x236];
  if (head.readUInt16LE(bootFlag) !== 0xaa55 || head.toString("latin1", magic, magic + 4) !== "HdrS") {
    return "is not a bzImage";
  }
  const has64BitEntry = (head.readUInt16LE(loadFlags) & 1) !== 0;
  return has64BitEntry ? "is a 64-bit kernel, and the emulated PC a 32-bit one" : undefined;
}

/** Linked statically: its program headers name no interpreter [elf(5)]. */
function busybox({ head }: FileEnds): string | undefined {
  const [elf32, machine386, interpreter] = ["\x7fELF\x01\x01", 3, 3];
  const others = "is not a static 32-bit x86 program";
  if (head.toString("latin1", 0, elf32.length) !== elf32 || head.readUInt16LE(18) !== machine386)
    return others;
  const [table, entryBytes, entries] = [head.readUInt32LE(28), head.readUInt16LE(42), head.readUInt16LE(44)];
  for (let at = table; at < table + entries * entryBytes && at + 4 <= HEAD_BYTES; at += entryBytes) {
    if (head.readUInt32LE(at) === interpreter) return others;
  }
  return undefined;
}

/** It ends in a far jump, where the processor begins. */
function bios({ bytes, tail }: FileEnds): string | undefined {
  const whole = bytes > 0 && bytes <= 256 << 10 && bytes % (64 << 10) === 0;
  return whole && tail.readUInt8(0) === 0xea ? undefined : "is not a PC's BIOS";
}
