import { describe, expect, it } from "vitest";
import { featureMask, hasFeature, RING_FEATURES } from "../../src/wire/features.ts";
import { LEGACY, legacyConfigOffset, legacyRegisterName } from "../../src/wire/legacy-registers.ts";
import { configAddress, formatBdf, isMsiAddress, msiAddress, msiCpu } from "../../src/wire/pci.ts";
import { SITE_COUNT, site, siteLabel } from "../../src/wire/sites.ts";
import { describeStatus, isStatusStep } from "../../src/wire/status.ts";
import { VIRTIO_TYPE, virtioType } from "../../src/wire/virtio-ids.ts";

describe("legacy registers", () => {
  it("cover the block without gaps, the vectors only with MSI-X", () => {
    const covered = Object.values(LEGACY).flatMap(({ offset, bytes }) =>
      Array.from({ length: bytes }, (_, byte) => offset + byte),
    );
    expect(covered).toEqual(Array.from({ length: 24 }, (_, offset) => offset));
  });

  it.each([
    [0, false, "device features"],
    [3, false, "device features +3"],
    [8, false, "queue PFN"],
    [16, false, "queue notify"],
    [18, true, "device status"],
    [19, true, "ISR status"],
    [20, true, "config vector"],
    [22, true, "queue vector"],
    [20, false, "device config +0"],
    [24, true, "device config +0"],
    [24, false, "device config +4"],
  ] as const)("offset %i, MSI-X %s: %s", (offset, msix, name) => {
    expect(legacyRegisterName(offset, msix)).toBe(name);
  });

  it("put device configuration at 20, or at 24 with MSI-X on", () => {
    expect([legacyConfigOffset(false), legacyConfigOffset(true)]).toEqual([20, 24]);
  });
});

describe("PCI", () => {
  it("packs and prints bus, device and function", () => {
    const bdf = { bus: 1, slot: 0x1f, function: 7 };
    expect(configAddress(bdf, 0x3e)).toBe(0x8001_ff3c);
    expect(configAddress({ bus: 0, slot: 4, function: 0 }, 0)).toBe(0x8000_2000);
    expect([formatBdf(bdf), formatBdf({ bus: 0, slot: 4, function: 0 })]).toEqual(["01:1f.7", "00:04.0"]);
  });

  it("carries a CPU in a message address", () => {
    for (const cpu of [0, 1, 7, 255]) {
      expect(isMsiAddress(msiAddress(cpu))).toBe(true);
      expect(msiCpu(msiAddress(cpu))).toBe(cpu);
    }
    expect(isMsiAddress(0x1000)).toBe(false);
  });

  it("go to the first CPU of the set that a logical destination is, as Linux writes it", () => {
    expect(msiCpu(0xfee0_1004)).toBe(0);
    expect(msiCpu(0xfee0_c00c)).toBe(2);
    expect(msiCpu(0xfee0_0004)).toBe(-1);
  });
});

describe("features and status", () => {
  it("name bits 0 to 31 without sign trouble", () => {
    expect(featureMask(31, 0)).toBe(0x8000_0001);
    expect(hasFeature(0x8000_0000, 31)).toBe(true);
    expect(RING_FEATURES).toBe(0x3000_0000);
  });

  it("describe a status in the specification's words", () => {
    expect([describeStatus(0), describeStatus(7), describeStatus(0x83)]).toEqual([
      "RESET",
      "ACKNOWLEDGE|DRIVER|DRIVER_OK",
      "ACKNOWLEDGE|DRIVER|FAILED",
    ]);
  });

  it("let status bits only accumulate, or all go", () => {
    expect([isStatusStep(0, 1), isStatusStep(1, 3), isStatusStep(7, 0), isStatusStep(3, 7)]).not.toContain(
      false,
    );
    expect([isStatusStep(3, 1), isStatusStep(7, 4)]).not.toContain(true);
  });

  it("give a type for ids with facts and for ids without", () => {
    expect(virtioType(2)).toBe(VIRTIO_TYPE.blk);
    expect(virtioType(5).pciDevice).toBe(0x1002);
    expect(virtioType(42)).toMatchObject({ id: 42, pciDevice: 0x102a });
  });
});

describe("sites", () => {
  it("have one number per label and one label per number", () => {
    const labels = Array.from({ length: SITE_COUNT }, (_, number) => siteLabel(number));
    expect(new Set(labels).size).toBe(SITE_COUNT);
    expect(labels.map((label) => site(label as Parameters<typeof site>[0]))).toEqual(
      labels.map((_, at) => at),
    );
  });
});
