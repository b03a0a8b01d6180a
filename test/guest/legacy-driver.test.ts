/** The virtio-pci driver, operation by operation: what it does at the device's registers, and in which order. */
import { describe, expect, test } from "vitest";
import { defineDriver } from "../../src/guest/define.ts";
import type { QueueRequest, VirtioDevice } from "../../src/guest/virtio/types.ts";
import type { DriverQueue } from "../../src/guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import type { DeviceModel } from "../../src/host/device.ts";
import type { AddDeviceOptions } from "../../src/host/virtio-function.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { COMMAND, PCI } from "../../src/wire/pci.ts";
import { DirectMachine, type DirectMachineOptions } from "../support/direct-machine.ts";
import { echoModel } from "../support/models.ts";

const DEVICE_ID = 4;
const UNKNOWN_RING_BIT = 1 << 24;

interface Setup extends DirectMachineOptions {
  readonly model?: DeviceModel;
  readonly device?: Partial<AddDeviceOptions>;
}

/** A booted machine whose device no driver has taken yet, for calling the transport's operations one by one. */
function bareDevice({ model = echoModel(), device = {}, ...options }: Setup = {}) {
  const machine = new DirectMachine(options);
  const fn = machine.add({ model, ...device });
  machine.guest.boot();
  const [bus] = machine.guest.virtio.devices;
  if (bus === undefined) throw new Error("virtio-pci did not take the device");
  return { machine, fn, device: bus, transport: bus.transport };
}

const queues = (...names: string[]): QueueRequest[] => names.map((name) => ({ name, callback: () => {} }));
const irqNames = (machine: DirectMachine) => machine.guest.irq.table().map(({ names }) => names.join(","));
const pciDevice = (machine: DirectMachine) => {
  const device = machine.guest.pci.devices.find(({ vendor }) => vendor === 0x1af4);
  if (device === undefined) throw new Error("no virtio function");
  return device;
};

describe("module init and exit", () => {
  test("init registers the PCI driver, exit unregisters it and leaves nothing behind", () => {
    const { machine } = bareDevice();
    expect(pciDevice(machine).driver?.name).toBe("virtio-pci");
    machine.guest.shutdown();
    expect(pciDevice(machine).driver).toBeUndefined();
    expect(machine.footprint()).toMatchObject({ allocatedBytes: 0, handlers: 0, claims: 0 });
  });
});

describe("probe", () => {
  test("enables the device, claims its regions, sets bus master, registers it by its subsystem ids", () => {
    const { machine, device } = bareDevice();
    const wanted = COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER;
    expect(pciDevice(machine).read16(PCI.command) & wanted).toBe(wanted);
    expect(machine.guest.pci.resources.claims.map(({ owner }) => owner)).toEqual([
      "virtio-pci",
      "virtio-pci",
    ]);
    expect(device.id).toEqual({ vendor: 0x1af4, device: DEVICE_ID });
    expect(device.name).toBe("virtio0");
  });

  test.each([0x0fff, 0x1040])("refuses device id %i without a word and without a trace", (deviceId) => {
    const machine = new DirectMachine();
    machine.add({ model: echoModel(), deviceId });
    machine.guest.pci.rescan();
    const before = machine.footprint();
    machine.guest.boot();
    expect(machine.footprint()).toEqual(before);
    expect(machine.guest.virtio.devices).toEqual([]);
    expect(machine.log).toEqual([]);
  });

  test("refuses revision 1, and says which ABI version it expected and found", () => {
    const machine = new DirectMachine();
    machine.add({ model: echoModel(), revision: 1 });
    machine.guest.pci.rescan();
    const before = machine.footprint();
    machine.guest.boot();
    expect(machine.footprint()).toEqual(before);
    expect(machine.log).toEqual(["virtio_pci: expected ABI version 0, got 1"]);
  });

  test("regions that somebody else has claimed: unwinds what was done, in reverse", () => {
    const machine = new DirectMachine();
    machine.add({ model: echoModel() });
    machine.guest.pci.rescan();
    machine.guest.pci.requestRegions(pciDevice(machine), "squatter");
    const before = machine.footprint();
    machine.guest.boot();
    expect(machine.footprint()).toEqual(before);
    expect(machine.log.join()).toContain("claimed by squatter (EBUSY)");
  });

  test("a device that does not complete its reset: unwinds everything", () => {
    const machine = new DirectMachine();
    machine.add({ model: echoModel() });
    machine.guest.pci.rescan();
    const before = machine.footprint();
    machine.bus.alter = (register, value) => (register === "device status" ? 4 : value);
    machine.guest.boot();
    expect(machine.footprint()).toEqual(before);
    expect(machine.log.join()).toContain("does not complete its reset (EIO)");
  });
});

describe("remove and release", () => {
  test("unregisters the virtio device, releases regions and disables the device", () => {
    const machine = new DirectMachine();
    machine.add({ model: echoModel() });
    machine.guest.pci.rescan();
    const before = machine.footprint();
    machine.guest.boot();
    machine.guest.pci.unbind(pciDevice(machine));
    expect(machine.footprint()).toEqual(before);
    expect(machine.guest.virtio.devices).toEqual([]);
  });
});

describe("features", () => {
  test("get features is one 32-bit read", () => {
    const { machine, transport } = bareDevice({ model: echoModel({ features: 0x21 }) });
    const trace = machine.bus.during(() => transport.getFeatures());
    expect(trace).toEqual(["read device features = 0x30000021"]);
  });

  test("finalize drops transport bits that the ring does not know, and writes once", () => {
    const { machine, transport } = bareDevice({ model: echoModel({ features: 0x21 }) });
    const trace = machine.bus.during(() =>
      transport.finalizeFeatures((0x21 | UNKNOWN_RING_BIT | RING_FEATURES) >>> 0),
    );
    expect(trace).toEqual(["write driver features 0x30000021"]);
  });
});

describe("configuration", () => {
  test("get reads byte by byte, ascending, at 20 with MSI-X off", () => {
    const { machine, transport } = bareDevice();
    const target = new Uint8Array(3);
    const trace = machine.bus.during(() => transport.getConfig(1, target));
    expect([...target]).toEqual([2, 3, 4]);
    expect(trace).toEqual([
      "read device config +1 = 0x2",
      "read device config +2 = 0x3",
      "read device config +3 = 0x4",
    ]);
  });

  test("set writes byte by byte, ascending, at 24 with MSI-X on", () => {
    const { machine, fn, transport } = bareDevice();
    transport.findQueues(queues("first"));
    const trace = machine.bus.during(() => transport.setConfig(2, Uint8Array.of(9, 8)));
    expect(trace).toEqual(["write device config +2 0x9", "write device config +3 0x8"]);
    expect([...fn.device.config.subarray(0, 4)]).toEqual([1, 2, 9, 8]);
  });
});

describe("status", () => {
  test("is read and written with 8 bits; writing 0 is a bug in the caller", () => {
    const { machine, transport } = bareDevice();
    const trace = machine.bus.during(() => transport.setStatus(transport.getStatus() | 2));
    expect(trace).toEqual(["read device status = 0x1", "write device status 0x3"]);
    expect(() => transport.setStatus(0)).toThrow("reset");
  });

  test("reset writes 0 and reads it back", () => {
    const { machine, transport } = bareDevice();
    const trace = machine.bus.during(() => transport.reset());
    expect(trace).toEqual(["write device status 0x0", "read device status = 0x0"]);
  });
});

test("notify is a 16-bit write of the queue's index", () => {
  const { machine, device, transport } = bareDevice();
  const [, second] = transport.findQueues(queues("first", "second"));
  second?.add(new ScatterList().addWritable(device.memory.allocate(8) ?? 0, 8), undefined as never);
  const trace = machine.bus.during(() => second?.kick());
  expect(trace).toEqual(["write queue notify 0x1"]);
});

describe("interrupts", () => {
  const watch = () => {
    const seen: string[] = [];
    const driver = defineDriver<object>({
      name: "watch",
      deviceId: DEVICE_ID,
      features: 0,
      probe: (device) => device.transport.findQueues([watched("first"), watched("second")]),
      remove: () => {},
      configChanged: () => void seen.push("config"),
    });
    const watched = (name: string): QueueRequest => ({
      name,
      callback: (queue) => {
        seen.push(name);
        while (queue.get() !== undefined);
      },
    });
    return { seen, driver };
  };

  function watchedMachine(interruptTiers: "msix" | "msix-shared" | "intx") {
    const { machine, fn, device } = bareDevice({ interruptTiers });
    const { seen, driver } = watch();
    machine.guest.virtio.registerDriver(driver);
    const [first, second] = device.transport.queues;
    if (first === undefined || second === undefined) throw new Error("two queues were expected");
    const submit = (queue: DriverQueue<string>) => {
      queue.add(new ScatterList().addWritable(device.memory.allocate(8) ?? 0, 8), "token");
      queue.kick();
    };
    return { machine, fn, seen, first, second, submit };
  }

  test("a config interrupt calls the bound driver, and nobody where there is none", () => {
    const { machine, fn, seen } = watchedMachine("msix");
    fn.device.updateConfig(0, Uint8Array.of(7));
    machine.settle();
    expect(seen).toEqual(["config"]);
  });

  test("with the shared vector every queue is offered the interrupt", () => {
    const { machine, seen, first, second, submit } = watchedMachine("msix-shared");
    submit(first);
    submit(second);
    machine.settle();
    expect(seen).toEqual(["first", "second"]);
  });

  test("INTx reads ISR once and before the rings; the config bit comes first, the queues in any case", () => {
    const { machine, fn, seen, second, submit } = watchedMachine("intx");
    submit(second);
    machine.host.poll();
    fn.device.updateConfig(0, Uint8Array.of(7));
    const trace = machine.bus.during(() => machine.guest.poll());
    expect(trace).toEqual(["read ISR status = 0x3"]);
    expect(seen).toEqual(["config", "second"]);
  });

  test("INTx with ISR 0 is not ours: the other sharer of the line gets it", () => {
    const { machine, fn } = bareDevice({ interruptTiers: "intx" });
    const other = machine.add({ model: echoModel(), slot: 8 });
    machine.guest.pci.rescan();
    const { seen, driver } = watch();
    machine.guest.virtio.registerDriver(driver);
    expect(machine.guest.irq.table()).toMatchObject([{ irq: 19, names: ["virtio0", "virtio1"] }]);
    other.device.updateConfig(0, Uint8Array.of(7));
    const trace = machine.bus.during(() => machine.guest.poll());
    expect(trace).toEqual(["read ISR status = 0x0", "read ISR status = 0x2"]);
    expect(seen).toEqual(["config"]);
    expect(fn.interrupts.pending).toBe(false);
  });
});

describe("request vectors", () => {
  test("MSI-X: config vector written and read back", () => {
    const { machine, transport } = bareDevice({ interruptTiers: "msix-shared" });
    const trace = machine.bus.registersDuring(() => transport.findQueues(queues("first")));
    expect(trace.slice(0, 2)).toEqual(["write config vector 0x0", "read config vector = 0x0"]);
    expect(irqNames(machine)).toEqual(["virtio0-config", "virtio0-virtqueues"]);
  });

  test("INTx: the function's line, shared, named after the device", () => {
    const { machine, transport } = bareDevice({ interruptTiers: "intx" });
    transport.findQueues(queues("first"));
    expect(machine.guest.irq.table()).toMatchObject([
      { irq: 19, names: ["virtio0"], chip: "IO-APIC-fasteoi" },
    ]);
  });
});

describe("find queues", () => {
  test.each([
    { msixVectors: 3, tier: "msix", names: ["virtio0-config", "virtio0-first", "virtio0-second"] },
    { msixVectors: 2, tier: "msix-shared", names: ["virtio0-config", "virtio0-virtqueues"] },
    { msixVectors: 1, tier: "intx", names: ["virtio0"] },
    { msixVectors: 0, tier: "intx", names: ["virtio0"] },
  ])("with $msixVectors vectors: tier $tier", ({ msixVectors, tier, names }) => {
    const { machine, transport } = bareDevice({ device: { msixVectors } });
    transport.findQueues(queues("first", "second"));
    expect(transport.tier).toBe(tier);
    expect(irqNames(machine)).toEqual(names);
  });

  test("each tier undoes itself before the next is tried", () => {
    const { machine, transport } = bareDevice();
    machine.bus.alter = (register, value) => (register === "queue vector" ? 0xffff : value);
    transport.findQueues(queues("first"));
    expect(transport.tier).toBe("intx");
    expect(machine.footprint().devices[0]?.msix.enabled).toBe(false);
    expect(machine.footprint().devices[0]?.msix.configVector).toBe(0xffff);
    expect(irqNames(machine)).toEqual(["virtio0"]);
  });

  test("a queue without callback gets no vector, in any tier", () => {
    const { fn, transport } = bareDevice();
    transport.findQueues([{ name: "first" }, ...queues("second")]);
    expect(fn.interrupts.queueVector(0)).toBe(0xffff);
    expect(fn.interrupts.queueVector(1)).toBe(1);
  });

  test("the shared vector of all queues is 1", () => {
    const { fn, transport } = bareDevice({ interruptTiers: "msix-shared" });
    transport.findQueues(queues("first", "second"));
    expect([fn.interrupts.queueVector(0), fn.interrupts.queueVector(1)]).toEqual([1, 1]);
  });
});

describe("set up a queue", () => {
  test("select, size, PFN, ring, vector, in this order", () => {
    const { machine, transport } = bareDevice();
    const trace = machine.bus.registersDuring(() => transport.findQueues(queues("first")));
    expect(trace).toEqual([
      "write config vector 0x0",
      "read config vector = 0x0",
      "write queue select 0x0",
      "read queue size = 0x8",
      "read queue PFN = 0x0",
      "write queue PFN 0x100",
      "write queue vector 0x1",
      "read queue vector = 0x1",
    ]);
  });

  test("without a callback the ring starts with interrupts off", () => {
    const { machine, transport } = bareDevice();
    transport.findQueues([{ name: "first" }]);
    const availFlags = machine.guest.memory.ram.base + 8 * 16;
    expect(machine.guest.memory.read8(availFlags)).toBe(1);
  });
});

describe("failures unwind", () => {
  /** findQueues fails; afterwards everything is as before. */
  function expectUnwound(setup: Setup, prepare: (machine: DirectMachine) => void, code: string) {
    const { machine, transport } = bareDevice(setup);
    prepare(machine);
    const before = machine.footprint();
    expect(() => transport.findQueues(queues("first", "second"))).toThrow(expect.objectContaining({ code }));
    expect(machine.footprint()).toEqual(before);
    expect(transport.tier).toBe("none");
  }
  const nothing = () => {};

  test.each([
    { interruptTiers: "msix", msixVectors: 2 },
    { interruptTiers: "msix-shared", msixVectors: 1 },
  ] as const)("$interruptTiers with $msixVectors vectors: too few", ({ interruptTiers, msixVectors }) => {
    expectUnwound({ interruptTiers, device: { msixVectors } }, nothing, "ENOSPC");
  });

  test.each(["config vector", "queue vector"])(
    "the device refuses a vector: %s reads NO_VECTOR",
    (refused) => {
      const refuse = (machine: DirectMachine) => {
        machine.bus.dropped = refused;
      };
      expectUnwound({ interruptTiers: "msix" }, refuse, "EBUSY");
      expectUnwound({ interruptTiers: "msix-shared" }, refuse, "EBUSY");
    },
  );

  test("a queue of size 0 is not available", () => {
    const model = echoModel({ queues: [{ name: "first" }, { name: "second", size: 0 }] });
    expectUnwound({ model }, nothing, "ENOENT");
  });

  test("a queue whose size is no power of two", () => {
    const odd = (machine: DirectMachine) => {
      machine.bus.alter = (register, value) => (register === "queue size" ? 7 : value);
    };
    expectUnwound({}, odd, "EINVAL");
  });

  test("a queue that is active already (PFN not 0) is not available", () => {
    const active = (machine: DirectMachine) => {
      machine.bus.alter = (register, value) => (register === "queue PFN" ? 0x123 : value);
    };
    expectUnwound({}, active, "ENOENT");
  });

  test("no memory for the ring", () => {
    expectUnwound(
      {},
      (machine) => {
        const { memory } = machine.guest;
        memory.allocatePages(memory.freeBytes - 8192);
      },
      "ENOMEM",
    );
  });
});

describe("delete queues", () => {
  test("select, vector off, ISR as a flush, PFN 0; then the config vector off, with a flush", () => {
    const { machine, transport } = bareDevice();
    const before = machine.footprint();
    transport.findQueues(queues("first"));
    const trace = machine.bus.registersDuring(() => transport.deleteQueues());
    expect(trace).toEqual([
      "write queue select 0x0",
      "write queue vector 0xffff",
      "read ISR status = 0x0",
      "write queue PFN 0x0",
      "write config vector 0xffff",
      "read config vector = 0xffff",
    ]);
    expect(machine.footprint()).toEqual(before);
  });

  test("with INTx neither vectors nor ISR are touched, and the line is freed", () => {
    const { machine, transport } = bareDevice({ interruptTiers: "intx" });
    transport.findQueues(queues("first", "second"));
    const trace = machine.bus.registersDuring(() => transport.deleteQueues());
    expect(trace).toEqual([
      "write queue select 0x0",
      "write queue PFN 0x0",
      "write queue select 0x1",
      "write queue PFN 0x0",
    ]);
    expect(machine.guest.irq.handlerCount).toBe(0);
  });

  test("queues can be found again afterwards", () => {
    const { transport } = bareDevice();
    transport.findQueues(queues("first", "second"));
    transport.deleteQueues();
    expect(transport.findQueues(queues("first", "second")).map(({ size }) => size)).toEqual([8, 8]);
  });
});

describe("suspend and resume", () => {
  test("saves configuration and goes to D3hot; restores it and goes to D0, MSI-X included", () => {
    const { machine, fn, transport } = bareDevice();
    transport.findQueues(queues("first"));
    const device = pciDevice(machine);
    const before = machine.footprint();
    device.driver?.suspend?.(device);
    expect(fn.pci.powered).toBe(false);
    device.write16(PCI.command, 0);
    device.driver?.resume?.(device);
    expect(fn.pci.powered).toBe(true);
    expect(machine.footprint()).toEqual(before);
  });
});

describe("the virtio core around it", () => {
  const driver = (probe: (device: VirtioDevice) => object) =>
    defineDriver({
      name: "any",
      deviceId: DEVICE_ID,
      features: 1,
      probe,
      remove: (d) => d.transport.reset(),
    });

  test("status steps and feature negotiation, in order", () => {
    const { machine } = bareDevice({ model: echoModel({ features: 3 }) });
    const trace = machine.bus.registersDuring(() => machine.guest.virtio.registerDriver(driver(() => ({}))));
    expect(trace).toEqual([
      "read device status = 0x1",
      "read device status = 0x1",
      "write device status 0x3",
      "read device features = 0x30000003",
      "write driver features 0x30000001",
      "read device status = 0x3",
      "write device status 0x7",
    ]);
  });

  test("a device is reset, then acknowledged", () => {
    const machine = new DirectMachine();
    machine.add({ model: echoModel() });
    expect(machine.bus.registersDuring(() => machine.guest.boot()).slice(-4)).toEqual([
      "write device status 0x0",
      "read device status = 0x0",
      "read device status = 0x0",
      "write device status 0x1",
    ]);
  });

  test("a failing probe sets FAILED and leaves the device unbound; the next driver starts over", () => {
    const { machine, fn } = bareDevice();
    const refusing = driver(() => {
      throw new Error("no thanks");
    });
    machine.guest.virtio.registerDriver(refusing);
    expect(fn.device.status).toBe(0x83);
    expect(machine.log.join()).toContain("no thanks");
    machine.guest.virtio.registerDriver(driver(() => ({})));
    expect(fn.device.status).toBe(7);
  });

  test("after remove the status is 0, then ACKNOWLEDGE again, and another driver may bind", () => {
    const { machine, fn } = bareDevice();
    const first = driver(() => ({}));
    machine.guest.virtio.registerDriver(first);
    machine.guest.virtio.unregisterDriver(first);
    expect(fn.device.status).toBe(1);
    expect(machine.log).toEqual([]);
    machine.guest.virtio.registerDriver(driver(() => ({})));
    expect(fn.device.status).toBe(7);
  });

  test("leaving the bus without having joined it takes nobody else off", () => {
    const { machine } = bareDevice();
    const { virtio, pci } = machine.guest;
    const joined = driver(() => ({}));
    virtio.registerDriver(joined);
    expect(() => virtio.unregisterDriver(driver(() => ({})))).toThrow("not registered");
    expect(() => pci.unregisterDriver({ name: "stranger", idTable: [], probe() {}, remove() {} })).toThrow(
      "not registered",
    );
    virtio.unregisterDriver(joined);
    expect(() => virtio.unregisterDriver(joined)).toThrow("not registered");
  });

  test("ring features can be left out by an option", () => {
    const { machine, fn } = bareDevice({ ringFeatures: 0 });
    machine.guest.virtio.registerDriver(driver(() => ({})));
    expect(fn.device.features).toBe(0);
  });
});
