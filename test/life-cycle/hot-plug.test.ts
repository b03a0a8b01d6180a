/** Devices that come and go while the machine runs. */
import { expect, test } from "vitest";
import { HOT_PLUG } from "../../src/wire/hot-plug.ts";
import { PCI } from "../../src/wire/pci.ts";
import { echoRig, present } from "./rig.ts";

const TIERS = ["msix", "msix-shared", "intx"] as const;

test.each(TIERS)("a device that is plugged in is met, bound and works (%s)", (tiers) => {
  const { machine, drivers, plug } = echoRig({ tiers });
  const { echo } = plug(9);
  machine.settle();
  expect(drivers()).toHaveLength(2);
  const driver = present(drivers()[1]);
  driver.send();
  machine.settle();
  echo.answer(7);
  machine.settle();
  expect(driver.results).toEqual(["answered 7"]);
  expect(machine.violations).toEqual([]);
});

test.each(TIERS)(
  "a device pulled out: all ones from it, requests in flight cancelled once (%s)",
  async (tiers) => {
    const { machine, first, driverAt, pciDevice } = echoRig({ tiers });
    const { irq } = machine.guest;
    const driver = present(driverAt());
    const messages = irq.availableMsi + pciDevice(4).msixMessages.length;
    driver.send();
    driver.send();
    machine.settle();
    const before = pciDevice(4);
    await machine.host.unplug(first.fn);
    expect(before.read32(PCI.vendorId)).toBe(0xffff_ffff);
    driver.send();
    machine.settle();
    first.answer();
    machine.settle();
    expect(driver.results).toEqual(["cancelled", "cancelled", "cancelled"]);
    expect(machine.guest.pci.devices.map(({ name }) => name)).toEqual(["00:00.0"]);
    expect(machine.log.join()).toContain("echo left a device that is gone");
    expect(machine.guest.memory.allocatedBytes).toBe(0);
    expect(irq.handlerCount).toBe(1);
    expect(irq.availableMsi).toBe(messages);
  },
);

test("asked for a device, the guest cancels, lets go, and only then is it taken out", async () => {
  const { machine, first, driverAt } = echoRig();
  const driver = present(driverAt());
  driver.send();
  machine.settle();
  const unplugged = machine.host.requestUnplug(first.fn);
  expect(machine.host.functions).toHaveLength(1);
  await machine.run(unplugged);
  expect(driver.results).toEqual(["cancelled"]);
  expect(machine.host.functions).toHaveLength(0);
  expect(machine.guest.memory.allocatedBytes).toBe(0);
  expect(machine.log).toEqual(["00:04.0: let go of on request"]);
  expect(machine.violations).toEqual([]);
});

test("pulled out and replaced before the guest looked: the old one's requests are cancelled, the new one works", async () => {
  const { machine, first, driverAt, plug } = echoRig();
  const old = present(driverAt());
  old.send();
  machine.settle();
  await machine.host.unplug(first.fn);
  const { echo } = plug(4);
  machine.settle();
  const fresh = present(driverAt());
  expect(fresh).not.toBe(old);
  fresh.send();
  machine.settle();
  echo.answer(3);
  machine.settle();
  expect([old.results, fresh.results]).toEqual([["cancelled"], ["answered 3"]]);
});

test("swapped while it slept: a resume does not give its addresses to the new one, which is met", async () => {
  const { machine, first, driverAt, pciDevice, plug } = echoRig();
  const { pci } = machine.guest;
  const old = present(driverAt());
  old.send();
  machine.settle();
  const device = pciDevice(4);
  pci.suspend(device);
  await machine.host.unplug(first.fn);
  const { echo } = plug(4);
  pci.resume(device);
  machine.settle();
  const fresh = present(driverAt());
  fresh.send();
  machine.settle();
  echo.answer(3);
  machine.settle();
  expect([old.results, fresh.results]).toEqual([["cancelled"], ["answered 3"]]);
});

test("pulled out while the guest is asked for it: the request ends too", async () => {
  const { machine, first } = echoRig();
  const unplugged = machine.host.requestUnplug(first.fn);
  await machine.host.unplug(first.fn);
  await machine.run(unplugged);
  expect(machine.guest.pci.devices).toHaveLength(1);
});

test("a kick that was on its way when its function left does not reach the next one as a breach", async () => {
  const { machine, first, driverAt, plug } = echoRig({ queues: 2, tiers: "intx" });
  present(driverAt()).send(1);
  await machine.host.unplug(first.fn);
  plug(4);
  machine.settle();
  expect(machine.violations).toEqual([]);
});

test("the registers read and clear, and answer 32-bit accesses only", () => {
  const { machine, plug } = echoRig();
  plug(9);
  expect(machine.bus.in(HOT_PLUG.changed, 1)).toBe(0xff);
  expect(machine.bus.in(HOT_PLUG.changed, 4)).toBe(1 << 9);
  expect(machine.bus.in(HOT_PLUG.changed, 4)).toBe(0);
});

test.each(TIERS)("kicks and interrupts are counted over all lives of a queue (%s)", async (tiers) => {
  const { machine, first, driverAt, plug } = echoRig({ tiers, ringFeatures: 0 });
  const { guest } = machine;
  const before = guest.irq.taken;
  const round = ({ answer }: { answer: () => void }): void => {
    present(driverAt()).send();
    machine.settle();
    answer();
    machine.settle();
  };
  round(first);
  guest.virtio.reset(present(guest.virtio.devices[0]));
  round(first);
  await machine.host.unplug(first.fn);
  const { echo } = plug(4);
  machine.settle();
  round(echo);
  guest.shutdown();
  expect(guest.retired).toMatchObject({ kicksSent: 3, requests: 3 });
  expect(guest.irq.taken - before).toBe(3);
});
