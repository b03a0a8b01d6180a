import { expect, it } from "vitest";
import { EmulatorMemory } from "../../src/memory/emulator-memory.ts";
import { sharedMemoryContract } from "./shared-memory.contract.ts";

const BASE = 4096;
const PAGE = 65_536;
const NOWHERE = 0;

function fresh(byteLength: number) {
  const emulator = { buffer: new ArrayBuffer(PAGE) };
  // As WebAssembly's memory does when it grows: a new buffer with the old one's bytes, which is gone.
  const grow = () => {
    emulator.buffer = structuredClone(emulator.buffer, { transfer: [emulator.buffer] });
  };
  const changes: [number, number][] = [];
  const memory = new EmulatorMemory({
    buffer: () => emulator.buffer,
    base: BASE,
    byteLength,
    changing: (start, end) => changes.push([start, end]),
  });
  return { memory, emulator, grow, changes };
}

sharedMemoryContract("EmulatorMemory", (bytes) => fresh(bytes).memory);

it("follows the emulator's memory when it grows", () => {
  const { memory, emulator, grow } = fresh(PAGE - BASE);
  memory.write32(8, 0x1234_5678, NOWHERE);
  grow();
  expect(memory.read32(8, NOWHERE)).toBe(0x1234_5678);
  memory.writeBytes(8, Uint8Array.of(1), NOWHERE);
  expect(new Uint8Array(emulator.buffer)[BASE + 8]).toBe(1);
});

it("tells the emulator of every byte before it changes", () => {
  const { memory, changes } = fresh(256);
  memory.write8(1, 0, NOWHERE);
  memory.store16(2, 0, NOWHERE);
  memory.or32(4, 0, NOWHERE);
  memory.writeBytes(8, new Uint8Array(5), NOWHERE);
  memory.fill(16, 3, 0, NOWHERE);
  memory.copyWithin(32, 8, 4, NOWHERE);
  memory.window(40, 7, "write", NOWHERE);
  memory.window(60, 7, "read", NOWHERE);
  memory.readBytes(8, new Uint8Array(5), NOWHERE);
  expect(changes).toEqual([
    [1, 2],
    [2, 4],
    [4, 8],
    [8, 13],
    [16, 19],
    [32, 36],
    [40, 47],
  ]);
});

it("gives copies to read from: an I/O call may outlive the buffer", () => {
  const { memory, grow } = fresh(256);
  memory.write8(4, 7, NOWHERE);
  const window = memory.window(4, 1, "read", NOWHERE);
  grow();
  expect([...window]).toEqual([7]);
});
