/** Suspend to D3hot and resume, with requests in flight. */
import { expect, test } from "vitest";
import { echoRig, present } from "./rig.ts";

const TIERS = ["msix", "msix-shared", "intx"] as const;

test.each(TIERS)("what the device finished while it slept is heard of when it wakes (%s)", (tiers) => {
  const { machine, first, driverAt, pciDevice } = echoRig({ tiers });
  const driver = present(driverAt());
  driver.send();
  machine.settle();
  machine.guest.pci.suspend(pciDevice(4));
  first.answer(5);
  machine.settle();
  expect(driver.results).toEqual(["in flight"]);
  machine.guest.pci.resume(pciDevice(4));
  machine.settle();
  expect(driver.results).toEqual(["answered 5"]);
  expect(machine.violations).toEqual([]);
});

test.each(TIERS)("a request made while the device slept is served when it wakes (%s)", (tiers) => {
  const { machine, first, driverAt, pciDevice } = echoRig({ tiers });
  const driver = present(driverAt());
  machine.guest.pci.suspend(pciDevice(4));
  driver.send();
  machine.settle();
  expect(first.held).toHaveLength(0);
  machine.guest.pci.resume(pciDevice(4));
  machine.settle();
  first.answer(6);
  machine.settle();
  expect(driver.results).toEqual(["answered 6"]);
});

test.each(TIERS)(
  "a driver that leaves a sleeping device wakes it, and every request ends once (%s)",
  (tiers) => {
    const { machine, first, driverAt, pciDevice } = echoRig({ tiers });
    const driver = present(driverAt());
    driver.send();
    machine.settle();
    machine.guest.pci.suspend(pciDevice(4));
    machine.guest.pci.unbind(pciDevice(4));
    first.answer();
    machine.settle();
    expect(driver.results).toEqual(["cancelled"]);
    expect(first.fn.pci.powered).toBe(true);
    expect(machine.guest.memory.allocatedBytes).toBe(0);
  },
);

test.each(["reset", "unload"] as const)("a driver's %s of a sleeping device reaches it", (how) => {
  const { machine, first, driver, driverAt, pciDevice } = echoRig();
  const before = present(driverAt());
  before.send();
  machine.settle();
  machine.guest.pci.suspend(pciDevice(4));
  if (how === "reset") machine.guest.virtio.reset(present(machine.guest.virtio.devices[0]));
  else machine.guest.virtio.unregisterDriver(driver);
  first.answer();
  machine.settle();
  expect(before.results).toEqual(["cancelled"]);
  expect(first.fn.device.queues[0] === undefined).toBe(how === "unload");
  expect(machine.violations).toEqual([]);
});

test("suspended twice and resumed twice is as once", () => {
  const { machine, first, driverAt, pciDevice } = echoRig();
  const { pci } = machine.guest;
  for (const step of ["suspend", "suspend", "resume", "resume"] as const) pci[step](pciDevice(4));
  present(driverAt()).send();
  machine.settle();
  first.answer(1);
  machine.settle();
  expect(driverAt()?.results).toEqual(["answered 1"]);
});

test("on a shared line a sleeping device does not take its neighbour's interrupt for its own", () => {
  const { machine, devices, drivers, pciDevice } = echoRig({ slots: [4, 8], tiers: "intx" });
  machine.guest.pci.suspend(pciDevice(4));
  const [asleep, awake] = drivers().map(present);
  present(awake).send();
  machine.settle();
  present(devices[1]).answer(2);
  machine.settle();
  expect(present(awake).results).toEqual(["answered 2"]);
  expect(present(asleep).configChanges).toBe(0);
});

test("what was masked, by vector or by function, stays masked over a suspend", () => {
  const { machine, first, pciDevice } = echoRig();
  const { pci } = machine.guest;
  pci.maskVector(pciDevice(4), 1, true);
  pci.maskFunction(pciDevice(4), true);
  pci.suspend(pciDevice(4));
  pci.resume(pciDevice(4));
  machine.settle();
  expect(first.fn.interrupts.describe().msix).toMatchObject({ masked: [1, 2, 3], functionMasked: true });
});
