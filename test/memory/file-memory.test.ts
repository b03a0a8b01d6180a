import { closeSync, mkdtempSync, openSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { FileMemory } from "../../src/memory/file-memory.ts";
import { sharedMemoryContract } from "./shared-memory.contract.ts";

const BASE = 4096;
const NOWHERE = 0;
const folder = mkdtempSync(join(tmpdir(), "virtlab-file-memory-"));
const descriptors: number[] = [];
let files = 0;

function fresh(bytes: number, storeWord?: (offset: number, value: number) => void): FileMemory {
  const path = join(folder, `ram${files++}`);
  const descriptor = openSync(path, "w+");
  descriptors.push(descriptor);
  truncateSync(path, BASE + bytes);
  const memory: FileMemory = new FileMemory({
    descriptor,
    base: BASE,
    byteLength: bytes,
    storeWord: storeWord ?? ((offset, value) => memory.write16(offset, value, NOWHERE)),
  });
  return memory;
}

afterAll(() => {
  for (const descriptor of descriptors) closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

sharedMemoryContract("FileMemory", fresh);

it("leaves a 16-bit store in which both bytes change to the peer, and no other", () => {
  const whole: number[] = [];
  const memory = fresh(64, (offset, value) => {
    whole.push(value);
    memory.write16(offset, value, NOWHERE);
  });
  const indices = [0x00fe, 0x00ff, 0x0100, 0x0101, 0x0201, 0xffff, 0x0000];
  for (const index of indices) {
    memory.store16(8, index, NOWHERE);
    expect(memory.load16(8, NOWHERE)).toBe(index);
  }
  expect(whole).toEqual([0x0100, 0xffff, 0x0000]);
});

it("shows what one view stored to another of the same file, and nothing of what lies before its base", () => {
  const memory = fresh(64);
  const other = new FileMemory({
    descriptor: descriptors.at(-1) ?? -1,
    base: 0,
    byteLength: BASE + 64,
    storeWord: () => undefined,
  });
  memory.store32(0, 0xcafe_f00d, NOWHERE);
  expect([other.load32(BASE, NOWHERE), other.load32(0, NOWHERE)]).toEqual([0xcafe_f00d, 0]);
});
