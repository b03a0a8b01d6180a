/** The PCI core against the real host's root. */
import { expect, test } from "vitest";
import { PCI } from "../../src/wire/pci.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { echoModel } from "../support/models.ts";

test("enumeration finds the functions and gives them addresses and an irq", () => {
  const machine = new DirectMachine();
  machine.add({ model: echoModel(), slot: 3 });
  machine.add({ model: echoModel(), slot: 4, virtioId: 2 });
  machine.guest.pci.rescan();
  expect(machine.guest.pci.describe()).toMatchObject([
    { bdf: "00:00.0", vendor: 0x8086, driver: null, msix: { size: 0 } },
    {
      bdf: "00:03.0",
      vendor: 0x1af4,
      device: 0x1005,
      subsystemDevice: 4,
      irq: 18,
      msix: { enabled: false, size: 4 },
      bars: [
        { index: 0, kind: "io", address: 0xc000, bytes: 64 },
        { index: 1, kind: "memory", address: 0xe0000000, bytes: 4096 },
      ],
    },
    {
      bdf: "00:04.0",
      device: 0x1001,
      irq: 19,
      bars: [{ address: 0xc040 }, { address: 0xe0001000 }],
    },
  ]);
});

test("the interrupt line register says which irq it became", () => {
  const machine = new DirectMachine();
  machine.add({ model: echoModel(), slot: 5 });
  machine.guest.pci.rescan();
  expect(machine.guest.pci.devices[1]?.read8(PCI.interruptLine)).toBe(16);
});

test("addresses that firmware gave are kept, and nobody else gets them", () => {
  const machine = new DirectMachine();
  machine.add({ model: echoModel(), slot: 3 });
  const second = machine.add({ model: echoModel(), slot: 4 });
  second.pci.configWrite(PCI.bar0, 4, 0xc000);
  machine.guest.pci.rescan();
  const addresses = machine.guest.pci.devices.slice(1).map(({ bars }) => bars[0]?.address);
  expect(addresses).toEqual([0xc040, 0xc000]);
});

test("a device that is unplugged is unbound and its addresses are free for the next", async () => {
  const machine = new DirectMachine();
  const unplugged = machine.add({ model: echoModel(), slot: 3 });
  machine.guest.boot();
  const [, before] = machine.guest.pci.devices;
  await machine.host.removeDevice(unplugged);
  machine.guest.pci.rescan();
  expect(machine.guest.pci.devices).toHaveLength(1);
  expect(machine.guest.virtio.devices).toHaveLength(0);
  machine.add({ model: echoModel(), slot: 7 });
  machine.guest.pci.rescan();
  const [, after] = machine.guest.pci.devices;
  expect(after?.bars.map(({ address }) => address)).toEqual(before?.bars.map(({ address }) => address));
  expect(machine.guest.virtio.devices.map(({ name }) => name)).toEqual(["virtio0"]);
});

test("MSI-X on: entries unmasked with address and data, INTx off; off: everything as before", () => {
  const machine = new DirectMachine();
  const fn = machine.add({ model: echoModel() });
  machine.guest.boot();
  const [, device] = machine.guest.pci.devices;
  if (device === undefined) throw new Error("no device");
  const before = machine.footprint();
  expect(machine.guest.pci.enableMsix(device, 5)).toEqual({ ok: false, available: 4 });
  expect(machine.footprint()).toEqual(before);
  expect(machine.guest.pci.enableMsix(device, 3)).toEqual({ ok: true, irqs: [24, 25, 26] });
  expect(fn.interrupts.describe().msix).toMatchObject({ enabled: true, functionMasked: false, masked: [3] });
  expect(fn.pci.intxDisabled).toBe(true);
  machine.guest.pci.disableMsix(device);
  expect(machine.footprint()).toEqual(before);
});

test("a device swapped for another in the same slot is met anew", async () => {
  const machine = new DirectMachine();
  const old = machine.add({ model: echoModel(), slot: 3 });
  machine.guest.boot();
  await machine.host.removeDevice(old);
  machine.add({ model: echoModel(), slot: 3 });
  machine.guest.pci.rescan();
  const [, device] = machine.guest.pci.devices;
  expect(device?.bars[0]?.address).toBe(0xc000);
  expect(device?.driver?.name).toBe("virtio-pci");
  expect(machine.host.functions[0]?.device.status).toBe(1);
});

test("a description touches no register", () => {
  const machine = new DirectMachine();
  machine.add({ model: echoModel() });
  machine.guest.boot();
  expect(machine.bus.during(() => machine.guest.describe())).toEqual([]);
});
