import { describe, expect, it } from "vitest";
import { PciFunction } from "../../src/host/pci-function.ts";

const identity = {
  vendorId: 0x1af4,
  deviceId: 0x1001,
  revision: 0,
  classCode: 0x010203,
  subsystemVendorId: 0x1af4,
  subsystemId: 2,
};
const make = (hooks?: ConstructorParameters<typeof PciFunction>[0]["hooks"]) =>
  new PciFunction({
    identity,
    bars: [
      { kind: "io", bytes: 128 },
      { kind: "memory", bytes: 4096 },
    ],
    interruptPin: 1,
    msixVectors: 5,
    powerManagement: true,
    ...(hooks === undefined ? {} : { hooks }),
  });

describe("type-0 header", () => {
  it("reads the same bytes at every width", () => {
    const pci = make();
    expect(pci.configRead(0, 4)).toBe(0x1001_1af4);
    expect(pci.configRead(2, 2)).toBe(0x1001);
    expect(pci.configRead(3, 1)).toBe(0x10);
    expect(pci.configRead(8, 4)).toBe(0x0102_0300);
    expect(pci.configRead(0x2c, 4)).toBe(0x0002_1af4);
    expect(pci.configRead(0x3d, 1)).toBe(1);
  });

  it("keeps identity bits against writes and lets command and interrupt line change", () => {
    const pci = make();
    pci.configWrite(0, 4, 0xffff_ffff);
    pci.configWrite(4, 2, 0xffff);
    pci.configWrite(0x3c, 1, 11);
    expect(pci.configRead(0, 4)).toBe(0x1001_1af4);
    expect(pci.configRead(4, 2)).toBe(0x0407);
    expect(pci.configRead(0x3c, 2)).toBe(0x010b);
  });

  it("reads all ones past its end", () => {
    expect(make().configRead(255, 2)).toBe(0xffff);
  });

  it("shows a pending interrupt in Status bit 3, and the capability list in bit 4", () => {
    let pending = false;
    const nothing = { ioRead: () => 0, ioWrite() {}, mmioRead: () => 0, mmioWrite() {}, configChanged() {} };
    const pci = make({ ...nothing, interruptPending: () => pending });
    expect(pci.configRead(6, 2)).toBe(0x10);
    pending = true;
    expect(pci.configRead(4, 4)).toBe(0x0018_0000);
  });
});

describe("BARs", () => {
  it("answer all ones with their size and kind", () => {
    const pci = make();
    pci.configWrite(0x10, 4, 0xffff_ffff);
    pci.configWrite(0x14, 4, 0xffff_ffff);
    pci.configWrite(0x18, 4, 0xffff_ffff);
    expect(pci.configRead(0x10, 4)).toBe(0xffff_ff81);
    expect(pci.configRead(0x14, 4)).toBe(0xffff_f000);
    expect(pci.configRead(0x18, 4)).toBe(0);
  });

  it("decode nothing while sizing, unassigned or switched off", () => {
    const pci = make();
    pci.configWrite(4, 2, 3);
    expect([pci.decodedAt(0), pci.decodedAt(1)]).toEqual([undefined, undefined]);
    pci.configWrite(0x10, 4, 0xffff_ffff);
    pci.configWrite(0x14, 4, 0xffff_ffff);
    expect([pci.decodedAt(0), pci.decodedAt(1)]).toEqual([undefined, undefined]);
    pci.configWrite(0x10, 4, 0xc000);
    pci.configWrite(0x14, 4, 0xfe00_0000);
    expect([pci.decodedAt(0), pci.decodedAt(1)]).toEqual([0xc000, 0xfe00_0000]);
    pci.configWrite(4, 2, 2);
    expect([pci.decodedAt(0), pci.decodedAt(1)]).toEqual([undefined, 0xfe00_0000]);
  });

  it("can be written byte by byte", () => {
    const pci = make();
    pci.configWrite(4, 2, 1);
    pci.configWrite(0x11, 1, 0xd0);
    expect(pci.decodedAt(0)).toBe(0xd000);
  });
});

describe("capabilities", () => {
  it("list power management, then MSI-X, then the end", () => {
    const pci = make();
    const first = pci.configRead(0x34, 1);
    const second = pci.configRead(first + 1, 1);
    expect(pci.configRead(first, 1)).toBe(0x01);
    expect(pci.configRead(second, 1)).toBe(0x11);
    expect(pci.configRead(second + 1, 1)).toBe(0);
  });

  it("state MSI-X table size - 1, table and PBA in BAR 1, and let only enable and mask change", () => {
    const pci = make();
    const at = pci.configRead(pci.configRead(0x34, 1) + 1, 1);
    pci.configWrite(at + 2, 2, 0xffff);
    expect(pci.configRead(at + 2, 2)).toBe(0xc004);
    expect(pci.configRead(at + 4, 4)).toBe(1);
    expect(pci.configRead(at + 8, 4)).toBe(0x801);
  });

  it("stop decode in D3hot and keep every register for D0", () => {
    const pci = make();
    const at = pci.configRead(0x34, 1) + 4;
    pci.configWrite(4, 2, 7);
    pci.configWrite(0x10, 4, 0xc000);
    pci.configWrite(at, 2, 3);
    expect(pci.powered).toBe(false);
    expect(pci.decodedAt(0)).toBeUndefined();
    expect(pci.configRead(at, 2)).toBe(0x000b);
    pci.configWrite(at, 2, 0);
    expect(pci.decodedAt(0)).toBe(0xc000);
    expect(pci.command).toBe(7);
  });

  it("ignore the power states D1 and D2, which do not exist", () => {
    const pci = make();
    const at = pci.configRead(0x34, 1) + 4;
    pci.configWrite(at, 2, 1);
    expect(pci.configRead(at, 2) & 3).toBe(0);
  });
});
