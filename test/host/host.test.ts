import { describe, expect, it } from "vitest";
import { KickSender } from "../../src/bus/kick.ts";
import { MailboxBus } from "../../src/bus/mailbox.ts";
import type { DeviceModel } from "../../src/host/device.ts";
import { HostLoop } from "../../src/host/loop.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { COMMAND, PCI } from "../../src/wire/pci.ts";
import { IO_BASE, PM_CONTROL } from "../support/fake-driver.ts";
import { BUFFER_AT, echoModel, hostRig, RING_AT } from "../support/host-rig.ts";

const OK = { address: BUFFER_AT, length: 16 };
const published = ({ control, plan }: ReturnType<typeof hostRig>) =>
  control.load32(plan.functions[0]?.notifyPort ?? 0, 0);

describe("kick fast path", () => {
  it("publishes the notify port while the I/O BAR decodes, and withdraws it otherwise", () => {
    const rig = hostRig({ kickFastPath: true });
    expect(published(rig)).toBe(0);
    rig.driver.enable();
    expect(published(rig)).toBe((3 << 16) | (IO_BASE + 16));
    rig.driver.configWrite(PCI.bar0, 4, 0xd000);
    expect(published(rig)).toBe((3 << 16) | 0xd010);
    rig.driver.configWrite(PM_CONTROL, 2, 3);
    expect(published(rig)).toBe(0);
    rig.driver.configWrite(PM_CONTROL, 2, 0);
    rig.driver.configWrite(PCI.command, 2, 0);
    expect(published(rig)).toBe(0);
  });

  it("publishes nothing when it is switched off", () => {
    const rig = hostRig({ kickFastPath: false });
    rig.driver.enable();
    expect(published(rig)).toBe(0);
  });

  it("serves a kick after the register write that was posted before it", () => {
    const rig = hostRig({ kickFastPath: true });
    rig.driver.enable();
    const kicks = new KickSender(rig.control, rig.plan, rig.hostBell);
    const [cpu] = rig.plan.cpus;
    if (cpu === undefined) throw new Error("the plan has one CPU");
    const bells = { host: rig.hostBell, cpu: new Doorbell(rig.control, cpu.doorbell) };
    const mailbox = new MailboxBus(rig.control, cpu, bells, kicks);
    const ring = rig.driver.setUpQueue(0, RING_AT);
    ring.offerChain(0, [OK]);
    mailbox.out(IO_BASE + LEGACY.queuePfn.offset, 4, 0);
    mailbox.out(IO_BASE + LEGACY.queuePfn.offset, 4, RING_AT / 4096);
    mailbox.out(IO_BASE + LEGACY.queueNotify.offset, 2, 0);
    expect(rig.host.hasWork()).toBe(true);
    expect(rig.host.poll()).toBe(true);
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 0 }]);
    expect(rig.host.poll()).toBe(false);
    expect(rig.host.hasWork()).toBe(false);
  });
});

describe("bus mastering", () => {
  it("off keeps the device from RAM and remembers the kick until it is on", () => {
    const { driver, host, fn } = hostRigWithKick(COMMAND.IO);
    expect(host.poll()).toBe(false);
    expect(fn.device.hasKicks).toBe(true);
    driver.configWrite(PCI.command, 2, COMMAND.IO | COMMAND.BUS_MASTER);
    expect(host.hasWork()).toBe(true);
    expect(host.poll()).toBe(true);
    expect(fn.device.queueConfigs[0]?.counters.requests).toBe(1);
  });

  it("off forgets the kick when the device is reset", () => {
    const { driver, host, fn } = hostRigWithKick(COMMAND.IO);
    driver.write(LEGACY.status, 0);
    driver.configWrite(PCI.command, 2, COMMAND.IO | COMMAND.BUS_MASTER);
    expect(host.poll()).toBe(false);
    expect(fn.device.queueConfigs[0]?.counters.requests).toBe(0);
  });
});

function hostRigWithKick(command: number) {
  const rig = hostRig();
  rig.driver.enable();
  rig.driver.configWrite(PCI.command, 2, command);
  rig.driver.setUpQueue(0, RING_AT).offerChain(0, [OK]);
  rig.driver.kick(0);
  return rig;
}

describe("hot unplug", () => {
  it("takes the function off bus, line and fast path, and closes its model", async () => {
    let closed = 0;
    const model: DeviceModel = { ...echoModel(), close: () => void closed++ };
    const rig = hostRig({ model, kickFastPath: true });
    rig.driver.enable();
    rig.driver.setUpQueue(0, RING_AT);
    const queue = rig.fn.device.queues[0];
    rig.fn.interrupts.queueInterrupt(0);
    await rig.host.removeDevice(rig.fn);
    expect(rig.driver.configRead(0, 4)).toBe(0xffff_ffff);
    expect(rig.driver.read(LEGACY.isr)).toBe(0xff);
    expect([queue?.detached, rig.cpu.asserted(3), published(rig), closed]).toEqual([true, false, 0, 1]);
    await rig.host.close();
    expect(closed).toBe(1);
  });

  it("frees the slot and its place in the memory plan for another device", async () => {
    const rig = hostRig();
    await rig.host.removeDevice(rig.fn);
    const options = { name: "again", virtioId: 4, queueSize: 8, msixVectors: 0, transportFeatures: 0 };
    const added = rig.host.addDevice({ ...options, slot: 4, model: echoModel() });
    expect(added.index).toBe(0);
    expect(rig.driver.configRead(0, 4)).toBe(0x1005_1af4);
    expect(added.describe().msix.vectors).toBe(0);
  });
});

describe("configuration changes", () => {
  it("made by the device are readable and raise a configuration interrupt", () => {
    const rig = hostRig({ model: { ...echoModel(), config: new Uint8Array(8) } });
    rig.driver.enable();
    rig.driver.write(LEGACY.status, 1);
    rig.fn.device.updateConfig(2, Uint8Array.of(7, 8));
    expect(rig.bus.in(IO_BASE + 20, 4)).toBe(0x0807_0000);
    expect(rig.driver.read(LEGACY.isr)).toBe(2);
  });
});

describe("describe", () => {
  it("is plain data with every function's queues, registers and interrupts", () => {
    const rig = hostRig();
    rig.driver.enable();
    rig.driver.setUpQueue(1, RING_AT);
    const state = JSON.parse(JSON.stringify(rig.host.describe()));
    expect(state.functions[0].name).toBe("00:04.0 fake");
    expect(state.functions[0].queues[1].active.size).toBe(8);
    expect(state.functions[0].queues[0].active).toBeNull();
    expect(state.functions[0].msix.masked).toEqual([0, 1, 2, 3]);
    expect(state.mailboxesPending).toEqual([false]);
  });
});

describe("host loop", () => {
  it("serves a kick that rings while it sleeps, and ends when stopped", async () => {
    const rig = hostRig({ kickFastPath: true });
    rig.driver.enable();
    const ring = rig.driver.setUpQueue(0, RING_AT);
    const loop = new HostLoop(rig.host, rig.hostBell, { spinUsMax: 0 });
    const running = loop.run();
    while (loop.sleeps === 0) await new Promise(setImmediate);
    ring.offerChain(0, [OK]);
    rig.driver.kick(0);
    while (ring.usedIndex === 0) await new Promise(setImmediate);
    loop.stop();
    await running;
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 0 }]);
    expect(rig.hostBell.describe().sleepers).toBe(0);
  });

  it("is woken from its sleep by back-end I/O that ends", async () => {
    const rig = hostRig();
    const loop = new HostLoop(rig.host, rig.hostBell, { spinUsMax: 0 });
    const ended = rig.fn.device.ioStarted();
    const running = loop.run();
    while (loop.sleeps === 0) await new Promise(setImmediate);
    ended();
    while (loop.sleeps === 1) await new Promise(setImmediate);
    expect([rig.host.work.outstanding, rig.host.work.ended]).toEqual([0, 1]);
    loop.stop();
    await running;
  });

  it("rejects when a device throws: that is our own bug", async () => {
    const model: DeviceModel = {
      ...echoModel(),
      queueNotified: () => {
        throw new Error("a bug in the device");
      },
    };
    const rig = hostRig({ model });
    rig.driver.enable();
    rig.driver.setUpQueue(0, RING_AT).offerChain(0, [OK]);
    rig.driver.kick(0);
    await expect(new HostLoop(rig.host, rig.hostBell).run()).rejects.toThrow("a bug in the device");
  });
});
