import { describe, expect, it } from "vitest";
import { PciFunction } from "../../src/host/pci-function.ts";
import { PciRoot } from "../../src/host/pci-root.ts";
import { configAddress } from "../../src/wire/pci.ts";

const identity = {
  vendorId: 0x1af4,
  deviceId: 0x1000,
  revision: 0,
  classCode: 0,
  subsystemVendorId: 0,
  subsystemId: 0,
};

/** A function with 32 ports and 4096 memory bytes in slot 3 that records what reaches it. */
function rootWithFunction() {
  const seen: string[] = [];
  const answer = (access: string, value: number): number => {
    seen.push(access);
    return value;
  };
  const pci = new PciFunction({
    identity,
    bars: [
      { kind: "io", bytes: 32 },
      { kind: "memory", bytes: 4096 },
    ],
    hooks: {
      ioRead: (bar, offset, width) => answer(`io read ${bar} ${offset} ${width}`, 0x11),
      ioWrite: (bar, offset, width, value) => seen.push(`io write ${bar} ${offset} ${width} ${value}`),
      mmioRead: (bar, offset, width) => answer(`mmio read ${bar} ${offset} ${width}`, 0x22),
      mmioWrite: (bar, offset, width, value) => seen.push(`mmio write ${bar} ${offset} ${width} ${value}`),
      configChanged() {},
      interruptPending: () => false,
    },
  });
  const root = new PciRoot();
  root.addFunction(3, pci);
  const select = (slot: number, offset: number, bus = 0, fn = 0) =>
    root.portWrite(0xcf8, 4, configAddress({ bus, slot, function: fn }, offset));
  const config = (slot: number, offset: number) => {
    select(slot, offset);
    return root.portRead(0xcfc, 4);
  };
  const assign = (io: number, memory: number) => {
    for (const [offset, value] of [
      [0x10, io],
      [0x14, memory],
      [0x04, 3],
    ] as const) {
      select(3, offset);
      root.portWrite(0xcfc, 4, value);
    }
  };
  return { root, pci, seen, select, config, assign };
}

describe("configuration mechanism 1", () => {
  it("finds the host bridge at 00:00.0 and functions in their slots", () => {
    const { config } = rootWithFunction();
    expect(config(0, 0)).toBe(0x1237_8086);
    expect(config(3, 0)).toBe(0x1000_1af4);
  });

  it("reads all ones where there is no function, bus or enable bit", () => {
    const { root, config, select } = rootWithFunction();
    expect(config(5, 0)).toBe(0xffff_ffff);
    select(3, 0, 1);
    expect(root.portRead(0xcfc, 2)).toBe(0xffff);
    select(3, 0, 0, 1);
    expect(root.portRead(0xcfc, 1)).toBe(0xff);
    root.portWrite(0xcf8, 4, 3 << 11);
    expect(root.portRead(0xcfc, 4)).toBe(0xffff_ffff);
  });

  it("has an address register of 32 bits only", () => {
    const { root, select } = rootWithFunction();
    select(3, 0x10);
    root.portWrite(0xcf8, 1, 0);
    root.portWrite(0xcfa, 2, 0);
    expect(root.portRead(0xcf8, 4)).toBe(0x8000_1810);
    expect(root.portRead(0xcf8, 2)).toBe(0xffff);
    expect(root.portRead(0xcfb, 1)).toBe(0xff);
  });

  it("reaches bytes and words of the selected dword, and nothing across its end", () => {
    const { root, select } = rootWithFunction();
    select(3, 0);
    expect(root.portRead(0xcfe, 2)).toBe(0x1000);
    expect(root.portRead(0xcff, 1)).toBe(0x10);
    expect(root.portRead(0xcfe, 4)).toBe(0xffff_ffff);
    expect(() => root.portWrite(0xcff, 2, 1)).not.toThrow();
  });
});

describe("decode", () => {
  it("gives ports and memory to the BAR's owner with offsets from the BAR", () => {
    const { root, seen, assign } = rootWithFunction();
    assign(0xc000, 0xfe00_0000);
    expect(root.portRead(0xc012, 1)).toBe(0x11);
    root.portWrite(0xc010, 2, 0x1_0005);
    expect(root.mmioRead(0xfe00_0800, 4)).toBe(0x22);
    root.mmioWrite(0xfe00_0004, 4, 7);
    expect(seen).toEqual(["io read 0 18 1", "io write 0 16 2 5", "mmio read 1 2048 4", "mmio write 1 4 4 7"]);
  });

  it("follows a relocated BAR", () => {
    const { root, seen, assign } = rootWithFunction();
    assign(0xc000, 0xfe00_0000);
    assign(0xd000, 0xfe10_0000);
    expect(root.portRead(0xc000, 4)).toBe(0xffff_ffff);
    expect(root.portRead(0xd000, 4)).toBe(0x11);
    expect(seen).toEqual(["io read 0 0 4"]);
  });

  it("drops accesses that reach over a BAR's end", () => {
    const { root, seen, assign } = rootWithFunction();
    assign(0xc000, 0xfe00_0000);
    expect(root.portRead(0xc01e, 4)).toBe(0xffff_ffff);
    root.portWrite(0xc01f, 2, 1);
    root.mmioWrite(0xfe00_0fff, 4, 1);
    expect(seen).toEqual([]);
  });

  it("reads all ones and drops writes where nobody is", () => {
    const { root } = rootWithFunction();
    expect([root.portRead(0x3f8, 1), root.portRead(0x3f8, 2), root.mmioRead(0, 4)]).toEqual([
      0xff, 0xffff, 0xffff_ffff,
    ]);
    expect(() => root.mmioWrite(0, 4, 1)).not.toThrow();
  });
});

describe("hot plug", () => {
  it("takes a removed function off the bus at once", () => {
    const { root, config, assign, pci } = rootWithFunction();
    assign(0xc000, 0xfe00_0000);
    expect(root.removeFunction(3)).toBe(pci);
    expect(config(3, 0)).toBe(0xffff_ffff);
    expect(root.portRead(0xc000, 1)).toBe(0xff);
    root.addFunction(3, pci);
    expect(root.portRead(0xc000, 1)).toBe(0x11);
  });

  it("refuses a slot that is taken or does not exist", () => {
    const { root, pci } = rootWithFunction();
    expect(() => root.addFunction(3, pci)).toThrow("slot 3 is taken");
    expect(() => root.addFunction(32, pci)).toThrow("0..31, not 32");
  });
});
