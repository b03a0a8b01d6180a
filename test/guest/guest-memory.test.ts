import { expect, test } from "vitest";
import { DirectMachine } from "../support/direct-machine.ts";

test("takes words where words lie, and says what is none", () => {
  const { memory } = new DirectMachine().guest;
  const address = memory.allocate(64);
  if (address === undefined) throw new Error("no memory");
  memory.write32(address, 0x1122_3344);
  expect(memory.read32(address)).toBe(0x1122_3344);
  memory.write64(address + 8, 0x1_0000_0002);
  expect([memory.read32(address + 8), memory.read32(address + 12)]).toEqual([2, 1]);
  const misplaced = `a multiple of 4, found 0x${(address + 2).toString(16)}`;
  expect(() => memory.write32(address + 2, 1)).toThrow(misplaced);
  expect(() => memory.read32(address + 2)).toThrow(misplaced);
  const { base, size } = memory.ram;
  expect(() => memory.read32(base + size)).toThrow("lie outside guest RAM");
  expect(() => memory.write8(base - 1, 0)).toThrow("lie outside guest RAM");
});
