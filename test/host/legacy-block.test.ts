import { describe, expect, it } from "vitest";
import type { DeviceModel } from "../../src/host/device.ts";
import { legacyBarBytes } from "../../src/host/legacy-block.ts";
import { LEGACY, NO_VECTOR } from "../../src/wire/legacy-registers.ts";
import { PCI } from "../../src/wire/pci.ts";
import { IO_BASE, MSIX_CONTROL } from "../support/fake-driver.ts";
import { echoModel, hostRig, RAM_BYTES, RING_AT } from "../support/host-rig.ts";

/** Offers bits 1 and 9 of its own, and bit 24, which is not a model's to offer. */
const model = (over: Partial<DeviceModel> = {}): DeviceModel => ({
  ...echoModel(),
  features: 0x0100_0202,
  config: Uint8Array.of(1, 2, 3, 4, 5, 6),
  ...over,
});

function enabledRig(over: Partial<DeviceModel> = {}) {
  const rig = hostRig({ model: model(over) });
  rig.driver.enable();
  return rig;
}

describe("features", () => {
  it("offered are the model's device bits and the machine's ring bits", () => {
    expect(enabledRig().driver.read(LEGACY.hostFeatures)).toBe(0x3000_0202);
    const none = hostRig({ model: model(), transportFeatures: 0 });
    none.driver.enable();
    expect(none.driver.read(LEGACY.hostFeatures)).toBe(0x0202);
  });

  it("accepted are latched, and a bit not offered is masked and reported", () => {
    const { driver, kinds } = enabledRig();
    driver.write(LEGACY.guestFeatures, 0x1000_0002);
    expect(driver.read(LEGACY.guestFeatures)).toBe(0x1000_0002);
    driver.write(LEGACY.guestFeatures, 0x4000_0002);
    expect(driver.read(LEGACY.guestFeatures)).toBe(2);
    expect(kinds()).toEqual(["feature-not-offered"]);
  });
});

describe("queue registers", () => {
  it("show the selected queue's size, and 0 for one that does not exist", () => {
    const { driver } = enabledRig();
    const sizes = [0, 1, 2, 3, 0xffff].map((index) => {
      driver.write(LEGACY.queueSelect, index);
      expect(driver.read(LEGACY.queueSelect)).toBe(index);
      return driver.read(LEGACY.queueSize);
    });
    expect(sizes).toEqual([8, 8, 0, 0, 0]);
  });

  it("keep each queue's page, and take a queue down with page 0", () => {
    const { driver, fn } = enabledRig();
    driver.setUpQueue(1, RING_AT);
    expect(driver.read(LEGACY.queuePfn)).toBe(RING_AT / 4096);
    const queue = fn.device.queues[1];
    driver.write(LEGACY.queueSelect, 0);
    expect(driver.read(LEGACY.queuePfn)).toBe(0);
    driver.write(LEGACY.queueSelect, 1);
    driver.write(LEGACY.queuePfn, 0);
    expect(fn.device.queues[1]).toBeUndefined();
    expect(queue?.detached).toBe(true);
  });

  it.each([
    ["past the end of RAM", (0x10_0000 + RAM_BYTES) / 4096 - 1],
    ["below RAM", 1],
    ["beyond 32-bit addresses", 0xffff_ffff],
  ])("refuse a ring %s with a violation and no queue", (_where, pfn) => {
    const { driver, fn, kinds } = enabledRig();
    driver.write(LEGACY.queuePfn, pfn);
    expect(fn.device.queues[0]).toBeUndefined();
    expect(driver.read(LEGACY.queuePfn)).toBe(0);
    expect(kinds()).toEqual(["queue-address"]);
  });

  it("ignore a page for a queue that does not exist", () => {
    const { driver, kinds } = enabledRig();
    driver.write(LEGACY.queueSelect, 2);
    driver.write(LEGACY.queuePfn, RING_AT / 4096);
    expect(driver.read(LEGACY.queuePfn)).toBe(0);
    expect(kinds()).toEqual([]);
  });

  it("serve what is already available only after a kick", () => {
    const { driver, host, pollAll } = enabledRig();
    const ring = driver.setUpQueue(0, RING_AT);
    driver.write(LEGACY.queuePfn, 0);
    ring.offerChain(0, [{ address: 0x18_0000, length: 16 }]);
    driver.write(LEGACY.queuePfn, RING_AT / 4096);
    expect(host.poll()).toBe(false);
    driver.kick(0);
    pollAll();
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 0 }]);
  });

  it("report a kick of a queue out of range and ignore one of a queue not set up", () => {
    const { driver, kinds, pollAll } = enabledRig();
    driver.kick(1);
    pollAll();
    expect(kinds()).toEqual([]);
    driver.kick(3);
    expect(kinds()).toEqual(["notify-range"]);
  });
});

describe("status", () => {
  it("accumulates bits, and reports DRIVER_OK to the model once", () => {
    let started = 0;
    const { driver, kinds } = enabledRig({ started: () => started++ });
    for (const status of [1, 3, 7, 7]) driver.write(LEGACY.status, status);
    expect(driver.read(LEGACY.status)).toBe(7);
    expect(started).toBe(1);
    expect(kinds()).toEqual([]);
  });

  it("stores a step backwards as written and reports it", () => {
    const { driver, kinds } = enabledRig();
    driver.write(LEGACY.status, 3);
    driver.write(LEGACY.status, 1);
    expect(driver.read(LEGACY.status)).toBe(1);
    expect(kinds()).toEqual(["status-step"]);
  });

  it("0 resets every register, queue and interrupt, and tells the model", () => {
    let resets = 0;
    const { driver, fn, cpu } = enabledRig({ reset: () => resets++ });
    driver.setUpQueue(1, RING_AT);
    driver.write(LEGACY.guestFeatures, 2);
    driver.write(LEGACY.status, 7);
    fn.interrupts.configInterrupt();
    expect(cpu.asserted(3)).toBe(true);
    driver.write(LEGACY.status, 0);
    const registers = ["status", "guestFeatures", "queueSelect", "queuePfn", "isr"] as const;
    expect(registers.map((name) => driver.read(LEGACY[name]))).toEqual([0, 0, 0, 0, 0]);
    expect(fn.device.queues).toEqual([undefined, undefined, undefined]);
    expect([fn.device.epoch, resets, cpu.asserted(3)]).toEqual([1, 1, false]);
  });
});

describe("vectors", () => {
  it("exist only while MSI-X is enabled, and push the configuration from 20 to 24", () => {
    const { driver, bus } = enabledRig();
    expect(bus.in(IO_BASE + 20, 1)).toBe(1);
    driver.configWrite(MSIX_CONTROL, 2, 0x8000);
    expect(driver.read(LEGACY.configVector)).toBe(NO_VECTOR);
    expect(bus.in(IO_BASE + 24, 1)).toBe(1);
    driver.configWrite(MSIX_CONTROL, 2, 0);
    expect(bus.in(IO_BASE + 20, 1)).toBe(1);
  });

  it("are kept per queue, read back, and go to 0xFFFF on reset", () => {
    const { driver } = enabledRig();
    driver.configWrite(MSIX_CONTROL, 2, 0x8000);
    driver.write(LEGACY.configVector, 0);
    driver.write(LEGACY.queueSelect, 1);
    driver.write(LEGACY.queueVector, 3);
    expect([driver.read(LEGACY.configVector), driver.read(LEGACY.queueVector)]).toEqual([0, 3]);
    driver.write(LEGACY.queueSelect, 0);
    expect(driver.read(LEGACY.queueVector)).toBe(NO_VECTOR);
    driver.write(LEGACY.status, 0);
    driver.write(LEGACY.queueSelect, 1);
    expect([driver.read(LEGACY.configVector), driver.read(LEGACY.queueVector)]).toEqual([
      NO_VECTOR,
      NO_VECTOR,
    ]);
  });

  it("beyond the table read back as 0xFFFF", () => {
    const { driver, kinds } = enabledRig();
    driver.configWrite(MSIX_CONTROL, 2, 0x8000);
    driver.write(LEGACY.queueVector, 4);
    driver.write(LEGACY.configVector, 4);
    expect([driver.read(LEGACY.configVector), driver.read(LEGACY.queueVector)]).toEqual([
      NO_VECTOR,
      NO_VECTOR,
    ]);
    expect(kinds()).toEqual(["vector-range", "vector-range"]);
    driver.write(LEGACY.queueVector, NO_VECTOR);
    expect(kinds()).toHaveLength(2);
  });
});

describe("access rules", () => {
  it("report a register accessed with another width, and read all ones", () => {
    const { bus, kinds } = enabledRig();
    expect(bus.in(IO_BASE, 1)).toBe(0xff);
    expect(bus.in(IO_BASE + 18, 2)).toBe(0xffff);
    bus.out(IO_BASE + 15, 1, 1);
    expect(kinds()).toEqual(["register-width", "register-width", "register-width"]);
  });

  it("report writes to read-only registers and drop them", () => {
    const { driver, kinds } = enabledRig();
    driver.write(LEGACY.hostFeatures, 0);
    driver.write(LEGACY.queueSize, 4);
    driver.write(LEGACY.isr, 1);
    expect(driver.read(LEGACY.hostFeatures)).toBe(0x3000_0202);
    expect(driver.read(LEGACY.queueSize)).toBe(8);
    expect(kinds()).toEqual(["register-read-only", "register-read-only", "register-read-only"]);
  });
});

describe("device configuration", () => {
  it("reads the same bytes at every width and all ones past its end", () => {
    const { bus } = enabledRig();
    expect(bus.in(IO_BASE + 20, 4)).toBe(0x0403_0201);
    expect(bus.in(IO_BASE + 21, 2)).toBe(0x0302);
    expect(bus.in(IO_BASE + 24, 4)).toBe(0xffff_0605);
  });

  it("takes writes only for a model that listens, and tells it where", () => {
    const deaf = enabledRig();
    deaf.bus.out(IO_BASE + 20, 1, 9);
    expect(deaf.bus.in(IO_BASE + 20, 1)).toBe(1);
    const writes: [number, number][] = [];
    const { bus } = enabledRig({ configWritten: (offset, length) => writes.push([offset, length]) });
    bus.out(IO_BASE + 24, 4, 0x0807_0a09);
    expect(bus.in(IO_BASE + 24, 2)).toBe(0x0a09);
    expect(writes).toEqual([[4, 2]]);
  });

  it.each([
    [0, 64],
    [40, 64],
    [41, 128],
    [104, 128],
    [105, 256],
  ])("of %i bytes needs a BAR of %i ports", (configBytes, barBytes) => {
    expect(legacyBarBytes(configBytes)).toBe(barBytes);
  });
});

describe("identity", () => {
  it("is virtio's vendor, the type's transitional id, revision 0 and the type as subsystem", () => {
    const { driver } = enabledRig();
    expect(driver.configRead(PCI.vendorId, 4)).toBe(0x1001_1af4);
    expect(driver.configRead(PCI.revisionId, 1)).toBe(0);
    expect(driver.configRead(PCI.subsystemVendorId, 4)).toBe(0x0002_1af4);
  });
});
