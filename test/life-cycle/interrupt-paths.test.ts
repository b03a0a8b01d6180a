/** Which way an interrupt takes, and what masking, affinity and changes of vector do to it while it is on its way. */
import { expect, test } from "vitest";
import { LegacyRegisters } from "../../src/guest/virtio-pci/registers.ts";
import { NO_VECTOR } from "../../src/wire/legacy-registers.ts";
import { echoRig, present } from "./rig.ts";

test.each([
  { vectors: 3, tier: "msix", irqs: ["virtio0-config", "virtio0-q0", "virtio0-q1"] },
  { vectors: 2, tier: "msix-shared", irqs: ["virtio0-config", "virtio0-virtqueues"] },
  { vectors: 1, tier: "intx", irqs: ["virtio0"] },
  { vectors: 0, tier: "intx", irqs: ["virtio0"] },
])("two queues on $vectors vectors: $tier", ({ vectors, tier, irqs }) => {
  const { machine, first, driverAt } = echoRig({ queues: 2, vectors });
  expect(machine.guest.virtio.describe()[0]?.tier).toBe(tier);
  expect(machine.guest.irq.table().flatMap(({ names }) => names)).toEqual(["acpi", ...irqs]);
  const driver = present(driverAt());
  driver.send(0);
  driver.send(1);
  machine.settle();
  first.answer(4);
  machine.settle();
  expect(driver.results).toEqual(["answered 4", "answered 4"]);
});

test("four functions on one line: each is asked, and says whether it was its own", () => {
  const { machine, devices, drivers } = echoRig({ slots: [4, 8, 12, 16], tiers: "intx" });
  const line = () => machine.guest.irq.table().find(({ irq }) => irq === 19);
  expect(line()?.names).toEqual(["virtio0", "virtio1", "virtio2", "virtio3"]);
  for (const [index, driver] of drivers().entries()) {
    driver.send();
    machine.settle();
    present(devices[index]).answer(index);
    machine.settle();
    expect(driver.results).toEqual([`answered ${index}`]);
  }
  expect(line()?.counts).toEqual([4]);
  expect(drivers().map(({ configChanges }) => configChanges)).toEqual([0, 0, 0, 0]);
});

test.each(["msix", "msix-shared", "intx"] as const)("a configuration change is heard of (%s)", (tiers) => {
  const { machine, first, driverAt } = echoRig({ tiers });
  first.fn.device.updateConfig(0, Uint8Array.of(1));
  machine.settle();
  expect(present(driverAt()).configChanges).toBe(1);
});

test.each(["vector", "function"] as const)(
  "masked by %s an interrupt is pending; unmasked it arrives, once",
  (by) => {
    const { machine, first, driverAt, pciDevice } = echoRig({ tiers: "msix" });
    const { pci } = machine.guest;
    const mask = (masked: boolean) =>
      by === "vector" ? pci.maskVector(pciDevice(4), 1, masked) : pci.maskFunction(pciDevice(4), masked);
    const driver = present(driverAt());
    driver.send();
    machine.settle();
    mask(true);
    first.answer(8);
    machine.settle();
    expect(driver.results).toEqual(["in flight"]);
    expect(first.fn.interrupts.describe().msix.pending).toEqual([1]);
    mask(false);
    machine.settle();
    expect(driver.results).toEqual(["answered 8"]);
    expect(machine.guest.irq.table().find(({ names }) => names.includes("virtio0-q0"))?.counts).toEqual([1]);
  },
);

test("INTx disabled holds the line down; enabled, it rises for what came meanwhile", () => {
  const { machine, first, driverAt, pciDevice } = echoRig({ tiers: "intx" });
  const driver = present(driverAt());
  driver.send();
  machine.settle();
  pciDevice(4).setIntx(false);
  first.answer(9);
  machine.settle();
  expect(driver.results).toEqual(["in flight"]);
  pciDevice(4).setIntx(true);
  machine.settle();
  expect(driver.results).toEqual(["answered 9"]);
});

test("affinity: the message goes to the CPU that its address names, and back", () => {
  const { machine, first, driverAt, pciDevice } = echoRig({ tiers: "msix", cpus: 2, ringFeatures: 0 });
  const other = present(machine.controllers[1]);
  const driver = present(driverAt());
  machine.guest.pci.setAffinity(pciDevice(4), 1, 1);
  driver.send();
  machine.settle();
  first.answer(2);
  machine.settle();
  expect(other.pending()).toBe(true);
  expect(driver.results).toEqual(["in flight"]);
  machine.guest.pci.setAffinity(pciDevice(4), 1, 0);
  driver.send();
  machine.settle();
  first.answer(3);
  machine.settle();
  expect(driver.results).toEqual(["answered 2", "answered 3"]);
});

test("a queue's vector changes while requests are in flight: the next interrupt takes the new way", () => {
  const { machine, first, driverAt, pciDevice } = echoRig({ tiers: "msix", queues: 2, ringFeatures: 0 });
  const registers = new LegacyRegisters(machine.bus, present(pciDevice(4).bar(0)).address);
  const map = (queue: number, vector: number): number => {
    registers.write("queueSelect", queue);
    registers.write("queueVector", vector);
    return registers.read("queueVector");
  };
  const driver = present(driverAt());
  driver.send(0);
  machine.settle();
  expect(map(0, NO_VECTOR)).toBe(NO_VECTOR);
  first.answer(1);
  machine.settle();
  expect(driver.results).toEqual(["in flight"]);
  // Without a vector nobody was told; the next answer's interrupt brings both.
  expect(map(0, 1)).toBe(1);
  driver.send(0);
  machine.settle();
  first.answer(2);
  machine.settle();
  expect(driver.results).toEqual(["answered 1", "answered 2"]);
  expect(map(0, 200)).toBe(NO_VECTOR);
});

test("a reset with requests in flight: each is cancelled once, and what the device says later is not heard", () => {
  const { machine, first, driverAt } = echoRig();
  const before = present(driverAt());
  for (let count = 0; count < 8; count++) before.send();
  machine.settle();
  machine.guest.virtio.reset(present(machine.guest.virtio.devices[0]));
  first.answer();
  machine.settle();
  const after = present(driverAt());
  after.send();
  machine.settle();
  first.answer(1);
  machine.settle();
  expect(new Set(before.results)).toEqual(new Set(["cancelled"]));
  expect(after.results).toEqual(["answered 1"]);
  expect(machine.violations).toEqual([]);
});
