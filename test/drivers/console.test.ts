/** The console driver and device, end to end in one thread: one port, and many that come and go. */
import { expect, test, vi } from "vitest";
import { MemoryBackend } from "../../src/devices/console/memory-backend.ts";
import { ConsoleModel } from "../../src/devices/console/model.ts";
import { console as consoleDriver } from "../../src/drivers/console/driver.ts";
import { CancelledError } from "../../src/drivers/errors.ts";
import { CONSOLE_EVENT } from "../../src/wire/console.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { present } from "../life-cycle/rig.ts";
import { DirectMachine } from "../support/direct-machine.ts";

const CONSOLE_ID = 3;
const SIZE = { cols: 80, rows: 25 };
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

function consoleModel(maxPorts = 1, multiport = false) {
  const model = new ConsoleModel({ size: SIZE, maxPorts, multiport });
  const backend = new MemoryBackend();
  model.addPort({ backend, name: multiport ? "main" : "", isConsole: true });
  return { model, backend };
}

function boot(maxPorts = 1, multiport = false, transportFeatures = RING_FEATURES, ramBytes = 4 << 20) {
  const machine = new DirectMachine({ ramBytes });
  const { model, backend } = consoleModel(maxPorts, multiport);
  const fn = machine.add({ model, virtioId: CONSOLE_ID, transportFeatures });
  machine.guest.boot([consoleDriver]);
  const [console] = machine.guest.virtio.findAll(consoleDriver);
  if (console === undefined) throw new Error(`the console did not bind: ${machine.log.join()}`);
  machine.settle();
  return { machine, model, backend, fn, console };
}

/** Reads until as many bytes have come. */
async function readBytes(
  port: { read(): Promise<Uint8Array | undefined> },
  count: number,
): Promise<Uint8Array> {
  let found: Uint8Array = new Uint8Array(0);
  while (found.length < count) found = Buffer.concat([found, (await port.read()) ?? new Uint8Array(0)]);
  return new Uint8Array(found);
}

const pattern = (bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, index) => index * 13 + (index >>> 8));

test.each([0, RING_FEATURES])("one port: bytes go both ways (ring features %i)", async (features) => {
  const { machine, backend, console } = boot(1, false, features);
  const port = await console.port();
  await machine.run(port.write("hello host"));
  expect(text(backend.output)).toBe("hello host");
  backend.input.push(new TextEncoder().encode("hello guest"));
  expect(text(await machine.run(port.read()))).toBe("hello guest");
  expect(machine.violations).toEqual([]);
});

test("more than the rings and buffers hold goes through in order, both ways", async () => {
  const { machine, backend, console } = boot();
  const port = await console.port();
  const data = pattern(300_000);
  await machine.run(port.write(data));
  expect(Buffer.compare(backend.output, data)).toBe(0);
  backend.input.push(data);
  expect(Buffer.compare(await machine.run(readBytes(port, data.length)), data)).toBe(0);
});

test("input waits for a reader, and nothing is lost", async () => {
  const { machine, backend, model, console } = boot();
  const port = await console.port();
  backend.input.push(pattern(40_000));
  await machine.run(new Promise((resolve) => setTimeout(resolve, 10)));
  expect(model.ports[0]?.describe().waitingBytes).toBeGreaterThan(0);
  expect(await machine.run(readBytes(port, 40_000))).toEqual(pattern(40_000));
});

test("the size is read at probe and followed", async () => {
  const { machine, model, console } = boot();
  const port = await console.port();
  const seen: unknown[] = [];
  port.onResize = (size) => seen.push(size);
  expect(port.size).toEqual(SIZE);
  const [devicePort] = model.ports;
  if (devicePort !== undefined) model.resizePort(devicePort, { cols: 132, rows: 43 });
  machine.settle();
  expect(seen).toEqual([{ cols: 132, rows: 43 }]);
});

test("an emergency write needs no queue", async () => {
  const { machine, backend, console } = boot();
  console.emergencyWrite("oops");
  machine.settle();
  expect(text(backend.output)).toBe("oops");
  const port = await console.port();
  expect(port.size).toEqual(SIZE);
});

test("with MULTIPORT the ports are added, named and opened", async () => {
  const { machine, model, console } = boot(4, true);
  const log = new MemoryBackend();
  model.addPort({ backend: log, name: "log" });
  const port = await machine.run(console.port("log"));
  expect(port).toMatchObject({ id: 1, name: "log", isConsole: false });
  expect((await console.port("main")).isConsole).toBe(true);
  await machine.run(port.write("line"));
  expect(text(log.output)).toBe("line");
  expect(machine.violations).toEqual([]);
});

test("31 ports have 64 queues, and each its own bytes", async () => {
  const { machine, model, fn, console } = boot(31, true, RING_FEATURES, 8 << 20);
  const backends = Array.from({ length: 30 }, () => new MemoryBackend(true));
  for (const backend of backends) model.addPort({ backend });
  machine.settle();
  expect(console.ports).toHaveLength(31);
  expect(fn.device.queues.filter((queue) => queue !== undefined)).toHaveLength(64);
  const last = await console.port(30);
  await machine.run(Promise.all(console.ports.map((port) => port.write(`port ${port.id}`))));
  expect(text(await machine.run(last.read()))).toBe("port 30");
  expect(backends.map(({ output }) => text(output))).toEqual(backends.map((_, index) => `port ${index + 1}`));
});

test("input is held until the guest opens the port", async () => {
  const { machine, model, console } = boot(2, true);
  const backend = new MemoryBackend();
  const devicePort = model.addPort({ backend, name: "agent" });
  const port = await machine.run(console.port("agent"));
  backend.input.push(pattern(10));
  await machine.run(new Promise((resolve) => setTimeout(resolve, 5)));
  expect(devicePort.describe().waitingBytes).toBe(10);
  expect(await machine.run(port.read())).toEqual(pattern(10));
});

test("input and control messages wait while the device sleeps", async () => {
  const { machine, model, backend, fn, console } = boot(4, true);
  const port = await console.port("main");
  port.open();
  machine.settle();
  const device = present(machine.guest.pci.devices.find(({ bdf }) => bdf.slot === fn.slot));
  const served = () => fn.device.queueConfigs.map(({ counters }) => counters.requests);
  const before = served();
  machine.guest.pci.suspend(device);
  backend.input.push(pattern(10));
  model.addPort({ backend: new MemoryBackend(), name: "log" });
  await machine.run(new Promise((resolve) => setTimeout(resolve, 5)));
  expect(served()).toEqual(before);
  machine.guest.pci.resume(device);
  expect(await machine.run(port.read())).toEqual(pattern(10));
  expect(await machine.run(console.port("log"))).toMatchObject({ id: 1 });
});

test("while nobody is at the host's end, writes wait", async () => {
  const { machine, model, console } = boot(2, true);
  const backend = new MemoryBackend();
  backend.connected = false;
  model.addPort({ backend, name: "agent" });
  const port = await machine.run(console.port("agent"));
  const written = port.write("waited");
  machine.settle();
  expect(text(backend.output)).toBe("");
  expect(console.awaitsInput).toBe(true);
  backend.setConnected(true);
  await machine.run(written);
  expect(text(backend.output)).toBe("waited");
});

test("a port that goes away keeps its buffers in the ring; the next of its number uses them", async () => {
  const { machine, model, console } = boot(2, true);
  const added = model.addPort({ backend: new MemoryBackend(), name: "first" });
  const port = await machine.run(console.port("first"));
  port.open();
  machine.settle();
  const reading = port.read();
  const queue = machine.guest.virtio.devices[0]?.transport.queues[4];
  const before = queue?.inFlight;
  await machine.run(model.removePort(added));
  machine.settle();
  expect(await reading).toBeUndefined();
  await expect(port.write("late")).rejects.toThrow(CancelledError);
  expect(queue?.inFlight).toBe(before);
  const second = new MemoryBackend(true);
  model.addPort({ backend: second, name: "second" });
  const next = await machine.run(console.port("second"));
  expect(next.id).toBe(1);
  await machine.run(next.write("again"));
  expect(text(await machine.run(next.read()))).toBe("again");
  expect(machine.violations).toEqual([]);
});

test.each([false, true])(
  "removal cancels what waits and leaves nothing allocated (MULTIPORT %s)",
  async (multiport) => {
    const { machine, console } = boot(2, multiport);
    const port = await console.port(0);
    const reading = port.read();
    machine.guest.virtio.unregisterDriver(consoleDriver);
    expect(await reading).toBeUndefined();
    await expect(port.write("x")).rejects.toThrow(CancelledError);
    await expect(console.port("never")).rejects.toThrow(CancelledError);
    expect(machine.footprint()).toMatchObject({ allocatedBytes: 0, handlers: 0 });
  },
);

test("input that came before the driver is still there for it, also after a rebind", async () => {
  const { machine, backend, console } = boot(2, true);
  backend.input.push(pattern(5));
  expect(await machine.run((await console.port(0)).read())).toEqual(pattern(5));
  machine.guest.virtio.unregisterDriver(consoleDriver);
  backend.input.push(pattern(7));
  machine.guest.virtio.registerDriver(consoleDriver);
  const again = await machine.run(machine.guest.virtio.find(consoleDriver).port("main"));
  expect(await machine.run(again.read())).toEqual(pattern(7));
  expect(machine.violations).toEqual([]);
});

test("without memory for its buffers the driver leaves nothing behind", () => {
  const machine = new DirectMachine();
  machine.add({ model: consoleModel().model, virtioId: CONSOLE_ID });
  machine.guest.boot();
  const { memory } = machine.guest;
  memory.allocatePages(memory.freeBytes - 20_000);
  const before = machine.footprint();
  machine.guest.virtio.registerDriver(consoleDriver);
  expect(machine.guest.virtio.findAll(consoleDriver)).toEqual([]);
  expect(machine.log.join()).toContain("ENOMEM");
  expect(machine.footprint()).toEqual(before);
});

test("CONSOLE_PORT is answered also when the port is open already", async () => {
  const { console } = boot(2, true);
  (await console.port(0)).open();
  const told = vi.spyOn(console, "tellOpen");
  console.handle({ id: 0, event: CONSOLE_EVENT.CONSOLE_PORT, value: 1, payload: new Uint8Array(0) });
  expect(told.mock.calls).toEqual([[0, true]]);
});
