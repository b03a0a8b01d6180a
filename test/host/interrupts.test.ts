import { describe, expect, it } from "vitest";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { COMMAND, PCI } from "../../src/wire/pci.ts";
import { MEMORY_BASE, MSIX_CONTROL, PM_CONTROL } from "../support/fake-driver.ts";
import { BUFFER_AT, hostRig, RING_AT } from "../support/host-rig.ts";

const DECODE = COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER;
/** Slot 4, pin A. */
const LINE = 3;

function enabledRig() {
  const rig = hostRig();
  rig.driver.enable();
  return rig;
}

/** MSI-X on with four vectors unmasked: 0 for configuration, 2 for queue 0. */
function msixRig() {
  const rig = enabledRig();
  rig.driver.enableMsix(4);
  rig.driver.write(LEGACY.configVector, 0);
  rig.driver.write(LEGACY.queueVector, 2);
  return rig;
}

describe("INTx", () => {
  it("raises the slot's line with the ISR, and the ISR read lowers it", () => {
    const { driver, fn, cpu, takeInterrupts } = enabledRig();
    fn.interrupts.queueInterrupt(0);
    expect(cpu.asserted(LINE)).toBe(true);
    expect(takeInterrupts()).toEqual({ vectors: [], lines: [LINE] });
    expect(driver.read(LEGACY.isr)).toBe(1);
    expect(cpu.asserted(LINE)).toBe(false);
    expect(driver.read(LEGACY.isr)).toBe(0);
  });

  it("tells queue and configuration apart in the ISR", () => {
    const { driver, fn } = enabledRig();
    fn.interrupts.configInterrupt();
    expect(driver.read(LEGACY.isr)).toBe(2);
    fn.interrupts.configInterrupt();
    fn.interrupts.queueInterrupt(1);
    expect(driver.read(LEGACY.isr)).toBe(3);
  });

  it("stays down while Command bit 10 is set, and comes up when it is cleared", () => {
    const { driver, fn, cpu } = enabledRig();
    driver.configWrite(PCI.command, 2, DECODE | COMMAND.INTX_DISABLE);
    fn.interrupts.queueInterrupt(0);
    expect(cpu.asserted(LINE)).toBe(false);
    expect(driver.configRead(PCI.status, 2) & 8).toBe(8);
    driver.configWrite(PCI.command, 2, DECODE);
    expect(cpu.asserted(LINE)).toBe(true);
  });

  it("follows a served request only if the driver wants an interrupt", () => {
    const { driver, cpu, pollAll } = enabledRig();
    const ring = driver.setUpQueue(0, RING_AT);
    ring.setAvailFlags(1);
    ring.offerChain(0, [{ address: BUFFER_AT, length: 8 }]);
    driver.kick(0);
    pollAll();
    expect([ring.takeUsed().length, cpu.asserted(LINE)]).toEqual([1, false]);
    ring.setAvailFlags(0);
    ring.offerChain(0, [{ address: BUFFER_AT, length: 8 }]);
    driver.kick(0);
    pollAll();
    expect([ring.takeUsed().length, cpu.asserted(LINE)]).toEqual([1, true]);
  });

  it("gives neighbouring slots neighbouring lines", () => {
    const lines = [1, 2, 3, 4, 5].map((slot) => hostRig({ slot }).fn.describe().line);
    expect(lines).toEqual([0, 1, 2, 3, 0]);
  });
});

describe("MSI-X", () => {
  it("sends the queue's and the configuration's own message, and leaves the line down", () => {
    const { driver, fn, cpu, takeInterrupts } = msixRig();
    fn.interrupts.queueInterrupt(0);
    expect(takeInterrupts()).toEqual({ vectors: [66], lines: [] });
    fn.interrupts.configInterrupt();
    expect(takeInterrupts()).toEqual({ vectors: [64], lines: [] });
    expect(cpu.asserted(LINE)).toBe(false);
    expect(driver.read(LEGACY.isr)).toBe(3);
  });

  it("sends nothing for vector 0xFFFF", () => {
    const { fn, takeInterrupts } = msixRig();
    fn.interrupts.queueInterrupt(1);
    expect(takeInterrupts()).toEqual({ vectors: [], lines: [] });
  });

  it("holds a masked vector as pending and sends it once on unmask", () => {
    const { driver, fn, takeInterrupts } = msixRig();
    driver.maskVector(2, true);
    fn.interrupts.queueInterrupt(0);
    fn.interrupts.queueInterrupt(0);
    expect(takeInterrupts().vectors).toEqual([]);
    expect(driver.pendingVectors()).toBe(1 << 2);
    driver.maskVector(2, false);
    expect(takeInterrupts().vectors).toEqual([66]);
    expect(driver.pendingVectors()).toBe(0);
  });

  it("holds every vector while the function is masked", () => {
    const { driver, fn, takeInterrupts } = msixRig();
    driver.configWrite(MSIX_CONTROL, 2, 0xc000);
    fn.interrupts.queueInterrupt(0);
    fn.interrupts.configInterrupt();
    expect(takeInterrupts().vectors).toEqual([]);
    expect(driver.pendingVectors()).toBe(0b101);
    driver.configWrite(MSIX_CONTROL, 2, 0x8000);
    expect(takeInterrupts().vectors).toEqual([64, 66]);
  });

  it("reads and writes its table at every width", () => {
    const { bus } = enabledRig();
    bus.mmioWrite(MEMORY_BASE + 16, 4, 0xfee0_1234);
    bus.mmioWrite(MEMORY_BASE + 17, 1, 0xab);
    bus.mmioWrite(MEMORY_BASE + 18, 2, 0xfee1);
    expect(bus.mmioRead(MEMORY_BASE + 16, 4)).toBe(0xfee1_ab34);
    expect(bus.mmioRead(MEMORY_BASE + 18, 2)).toBe(0xfee1);
    expect(bus.mmioRead(MEMORY_BASE + 17, 1)).toBe(0xab);
    expect(bus.mmioRead(MEMORY_BASE + 28, 1)).toBe(1);
  });

  it("leaves everything beside the table unwritable and reading 0, and refuses unaligned words", () => {
    const { bus, driver } = enabledRig();
    for (const offset of [64, 0x7fc, 0x800, 0xffc]) {
      bus.mmioWrite(MEMORY_BASE + offset, 4, 0xffff_ffff);
      expect(bus.mmioRead(MEMORY_BASE + offset, 4)).toBe(0);
    }
    expect(bus.mmioRead(MEMORY_BASE + 2, 4)).toBe(0xffff_ffff);
    expect(driver.pendingVectors()).toBe(0);
  });

  it("keeps table and enable bit across a device reset, and loses the mapping", () => {
    const { driver, fn, takeInterrupts } = msixRig();
    driver.write(LEGACY.status, 0);
    expect(fn.interrupts.msixEnabled).toBe(true);
    fn.interrupts.queueInterrupt(0);
    expect(takeInterrupts().vectors).toEqual([]);
    driver.write(LEGACY.queueVector, 2);
    fn.interrupts.queueInterrupt(0);
    expect(takeInterrupts().vectors).toEqual([66]);
  });

  it("switched off raises the line for an ISR that was never read", () => {
    const { driver, fn, cpu } = msixRig();
    fn.interrupts.queueInterrupt(0);
    driver.configWrite(MSIX_CONTROL, 2, 0);
    expect(cpu.asserted(LINE)).toBe(true);
  });
});

describe("D3hot", () => {
  it("lowers the line and raises it again in D0", () => {
    const { driver, fn, cpu } = enabledRig();
    fn.interrupts.queueInterrupt(0);
    driver.configWrite(PM_CONTROL, 2, 3);
    expect(cpu.asserted(LINE)).toBe(false);
    fn.interrupts.configInterrupt();
    expect(cpu.asserted(LINE)).toBe(false);
    driver.configWrite(PM_CONTROL, 2, 0);
    expect(cpu.asserted(LINE)).toBe(true);
    expect(driver.read(LEGACY.isr)).toBe(3);
  });

  it("keeps messages back until D0", () => {
    const { driver, fn, takeInterrupts } = msixRig();
    driver.configWrite(PM_CONTROL, 2, 3);
    fn.interrupts.queueInterrupt(0);
    expect(takeInterrupts().vectors).toEqual([]);
    driver.configWrite(PM_CONTROL, 2, 0);
    expect(takeInterrupts().vectors).toEqual([66]);
  });
});
