/** The console device against a driver written by hand: control messages, order, bad requests. */
import { expect, test } from "vitest";
import definition from "../../src/devices/console/definition.ts";
import { MemoryBackend } from "../../src/devices/console/memory-backend.ts";
import { ConsoleModel } from "../../src/devices/console/model.ts";
import { UsageError } from "../../src/host/device.ts";
import {
  CONSOLE_CONFIG,
  CONSOLE_EVENT,
  type ControlMessage,
  decodeControl,
  encodeControl,
} from "../../src/wire/console.ts";
import { featureMask } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { STATUS } from "../../src/wire/status.ts";
import { IO_BASE } from "../support/fake-driver.ts";
import { BUFFER_AT, hostRig, platform, RING_AT } from "../support/host-rig.ts";

const SIZE = { cols: 80, rows: 25 };
const MULTIPORT = featureMask(1);
const { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME } =
  CONSOLE_EVENT;
const CONTROL_BUFFERS = 6;
const CONTROL_BYTES = 64;

function multiportRig() {
  const model = new ConsoleModel({ size: SIZE, maxPorts: 3, multiport: true });
  const backend = new MemoryBackend();
  model.addPort({ backend, name: "main", isConsole: true });
  const rig = hostRig({ model, virtioId: definition.virtioId });
  const { driver } = rig;
  driver.enable();
  driver.write(LEGACY.guestFeatures, MULTIPORT);
  const rings = [0, 1, 2, 3].map((index) => driver.setUpQueue(index, RING_AT + 0x2000 * index));
  const [rx, tx, toGuest, toHost] = rings;
  if (rx === undefined || tx === undefined || toGuest === undefined || toHost === undefined)
    throw new Error("rings");
  const bufferAt = (head: number) => BUFFER_AT + 0x1000 + CONTROL_BYTES * head;
  const stock = (heads: readonly number[]) => {
    for (const head of heads) {
      toGuest.offerChain(head, [{ address: bufferAt(head), length: CONTROL_BYTES, write: true }]);
    }
    driver.kick(2);
    rig.pollAll();
  };
  const send = (message: Partial<ControlMessage> | Uint8Array) => {
    const bytes =
      message instanceof Uint8Array ? message : encodeControl({ id: 0, event: 0, value: 1, ...message });
    driver.put(BUFFER_AT, bytes);
    toHost.offerChain(0, [{ address: BUFFER_AT, length: bytes.length }]);
    driver.kick(3);
    rig.pollAll();
  };
  const received = () =>
    toGuest.takeUsed().map(({ id, length }) => {
      const message = decodeControl(driver.get(bufferAt(id), length));
      return (
        message && { id: message.id, event: message.event, value: message.value, text: [...message.payload] }
      );
    });
  const heads = Array.from({ length: CONTROL_BUFFERS }, (_, head) => head);
  return { ...rig, model, backend, rx, tx, stock, send, received, heads };
}

const plain = (id: number, event: number, value: number) => ({ id, event, value, text: [] });

test("ports are added when the driver is ready, and introduced when the port is", () => {
  const { stock, send, received, heads, kinds } = multiportRig();
  stock(heads);
  expect(received()).toEqual([]);
  send({ event: DEVICE_READY, id: 0xffff_ffff });
  expect(received()).toEqual([plain(0, PORT_ADD, 1)]);
  send({ event: PORT_READY });
  expect(received()).toEqual([
    plain(0, CONSOLE_PORT, 1),
    { id: 0, event: RESIZE, value: 0, text: [80, 0, 25, 0] },
    { id: 0, event: PORT_NAME, value: 1, text: [...new TextEncoder().encode("main")] },
    plain(0, PORT_OPEN, 1),
  ]);
  expect(kinds()).toEqual([]);
});

test("messages wait for buffers, in order", () => {
  const { stock, send, received, model } = multiportRig();
  send({ event: DEVICE_READY });
  model.addPort({ backend: new MemoryBackend() });
  stock([0]);
  expect(received()).toEqual([plain(0, PORT_ADD, 1)]);
  stock([0]);
  expect(received()).toEqual([plain(1, PORT_ADD, 1)]);
});

test("input is held until the guest has opened the port", async () => {
  const { driver, rx, send, pollAll, backend } = multiportRig();
  backend.input.push(Uint8Array.of(1, 2, 3));
  await new Promise((resolve) => setImmediate(resolve));
  rx.offerChain(0, [{ address: BUFFER_AT + 64, length: 2, write: true }]);
  rx.offerChain(1, [{ address: BUFFER_AT + 128, length: 8, write: true }]);
  driver.kick(0);
  pollAll();
  expect(rx.takeUsed()).toEqual([]);
  send({ event: PORT_OPEN });
  expect(rx.takeUsed()).toEqual([
    { id: 0, length: 2 },
    { id: 1, length: 1 },
  ]);
  expect([...driver.get(BUFFER_AT + 128, 1)]).toEqual([3]);
});

test("removal is told, and what is still written to the port comes back", async () => {
  const { driver, tx, stock, send, received, heads, pollAll, model, logs } = multiportRig();
  stock(heads);
  send({ event: DEVICE_READY });
  received();
  const [port] = model.ports;
  if (port !== undefined) await model.removePort(port);
  expect(received()).toEqual([plain(0, PORT_REMOVE, 1)]);
  tx.offerChain(0, [{ address: BUFFER_AT, length: 9 }]);
  driver.kick(1);
  pollAll();
  expect(tx.takeUsed()).toEqual([{ id: 0, length: 0 }]);
  expect(logs.join()).toContain("9 bytes for port 0, which is not there");
});

test.each([
  { what: "too short", message: Uint8Array.of(1, 2, 3) },
  { what: "an event that only devices send", message: encodeControl({ id: 0, event: PORT_ADD, value: 1 }) },
  { what: "an unknown event", message: encodeControl({ id: 0, event: 77, value: 1 }) },
])("a control message that is $what is reported", ({ message }) => {
  const { send, kinds } = multiportRig();
  send(message);
  expect(kinds()).toEqual(["request-format"]);
});

test("a control buffer that is too small is reported", () => {
  const { driver, send, kinds, host } = multiportRig();
  send({ event: DEVICE_READY });
  const ring = driver.setUpQueue(2, RING_AT + 0x4000);
  ring.offerChain(0, [{ address: BUFFER_AT, length: 4, write: true }]);
  driver.kick(2);
  while (host.poll());
  expect(kinds()).toEqual(["request-format"]);
});

test("an emergency write is its low byte, before the driver is there as well; the rest is not the driver's", () => {
  const { bus, backend } = multiportRig();
  const at = IO_BASE + 20;
  // As a legacy driver writes a word: byte by byte.
  for (const [index, byte] of [0x41, 0, 0, 0].entries())
    bus.out(at + CONSOLE_CONFIG.emergencyWrite + index, 1, byte);
  bus.out(at + CONSOLE_CONFIG.emergencyWrite, 4, 0x42);
  bus.out(at + CONSOLE_CONFIG.cols, 2, 7);
  expect([...backend.output]).toEqual([0x41, 0x42]);
  expect(bus.in(at + CONSOLE_CONFIG.cols, 2)).toBe(80);
  expect(bus.in(at + CONSOLE_CONFIG.maxPorts, 4)).toBe(3);
});

test("without MULTIPORT there are two queues, and a resize interrupts", () => {
  const model = new ConsoleModel({ size: SIZE, maxPorts: 1, multiport: false });
  const port = model.addPort({ backend: new MemoryBackend() });
  const { driver, bus, takeInterrupts, fn } = hostRig({ model, virtioId: definition.virtioId });
  driver.enable();
  driver.write(LEGACY.status, STATUS.ACKNOWLEDGE);
  model.attach(fn.device);
  model.resizePort(port, { cols: 100, rows: 40 });
  expect(takeInterrupts().lines).toEqual([3]);
  expect(bus.in(IO_BASE + 20, 4)).toBe(100 | (40 << 16));
  expect(fn.device.queueConfigs).toHaveLength(2);
});

test.each([
  [{ ports: 32 }, "expected ports from 1 to 31, found 32"],
  [{ ports: 3, "max-ports": 2 }, "expected ports up to max-ports=2"],
  [{ ports: 1, names: "a:b" }, "expected at most 1 names"],
  [{ size: "80by25" }, 'expected COLUMNSxROWS, as in 80x25, found "80by25"'],
  [{ file: "/nonexistent/out" }, "expected a writable file at /nonexistent/out, found no such file"],
  [{ file: "/tmp" }, "expected a writable file at /tmp, found a directory"],
  [{ input: "/nonexistent/in" }, "expected a readable file at /nonexistent/in, found no such file"],
  [{ connect: "127.0.0.1:1" }, "127.0.0.1:1 cannot be used: nobody listening there"],
  [{ connect: "somewhere" }, 'expected HOST:PORT or a path with a "/", found "somewhere"'],
  [{ listen: "127.0.0.1:99999" }, "expected HOST:PORT"],
  [{ backend: "socket" }, "either connect or listen"],
  [{ backend: "stdio", file: "/tmp/x" }, "expected file with backend=file"],
])("options %o are refused in one line", async (options, message) => {
  const defaults = Object.fromEntries(
    Object.entries(definition.options ?? {}).map(([name, option]) => [name, option.default]),
  );
  const created = Promise.resolve().then(() => definition.create({ ...defaults, ...options }, platform));
  await expect(created).rejects.toThrow(UsageError);
  await expect(created).rejects.toThrow(message);
});
