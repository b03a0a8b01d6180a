/** What a console port ends in, with real files and sockets. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConsoleBackend } from "../../src/devices/console/backend.ts";
import { openFileBackend } from "../../src/devices/console/file-backend.ts";
import { MemoryBackend } from "../../src/devices/console/memory-backend.ts";
import { ConsoleModel } from "../../src/devices/console/model.ts";
import { openSocketBackend } from "../../src/devices/console/socket-backend.ts";
import { console as consoleDriver } from "../../src/drivers/console/driver.ts";
import { DirectMachine } from "../support/direct-machine.ts";

let folder = "";
const closers: (() => void | Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "virtlab-console-"));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true });
});

async function boot(backend: ConsoleBackend) {
  const machine = new DirectMachine();
  const model = new ConsoleModel({ size: { cols: 80, rows: 25 }, maxPorts: 2, multiport: true });
  const devicePort = model.addPort({ backend, name: "main" });
  machine.add({ model, virtioId: 3 });
  machine.guest.boot([consoleDriver]);
  closers.push(() => model.close());
  const port = await machine.run(machine.guest.virtio.find(consoleDriver).port("main"));
  const readText = async (length: number) => {
    let text = "";
    while (text.length < length) text += new TextDecoder().decode(await port.read());
    return text;
  };
  return { machine, model, devicePort, port, readText };
}

/** Waits for a condition that the event loop brings about. */
async function until(machine: DirectMachine, condition: () => boolean): Promise<void> {
  while (!condition()) {
    machine.settle();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function peerOf(path: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect({ path });
  let text = "";
  socket.on("data", (data) => {
    text += data.toString();
  });
  socket.on("error", () => {});
  closers.push(() => void socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  return { socket, text: () => text };
}

test("a file takes the output, another gives the input", async () => {
  const [file, input] = [join(folder, "out"), join(folder, "in")];
  writeFileSync(input, "x".repeat(50_000));
  const { machine, model, port, readText } = await boot(await openFileBackend({ file, input }));
  await machine.run(port.write("to the file\n"));
  expect(await machine.run(readText(50_000))).toBe("x".repeat(50_000));
  await model.close();
  expect(readFileSync(file, "utf8")).toBe("to the file\n");
});

test("a full disk costs the bytes, is counted and logged once, and the machine goes on", async () => {
  const { machine, devicePort, port } = await boot(await openFileBackend({ file: "/dev/full" }));
  await machine.run(port.write("12345"));
  await machine.run(port.write("678"));
  expect(devicePort.lostBytes).toBe(8);
  expect(machine.hostLog.filter((line) => line.includes("output is being lost: a full disk"))).toHaveLength(
    1,
  );
});

test("a listening socket: output waits for a peer, peers come and go, and the guest is told", async () => {
  const path = join(folder, "socket");
  const { machine, port, readText } = await boot(await openSocketBackend({ listen: path }));
  const opened: boolean[] = [];
  port.onHostOpen = (open) => opened.push(open);
  const written = port.write("held");
  const first = await peerOf(path);
  await machine.run(written);
  first.socket.write("from the first");
  expect(await machine.run(readText(14))).toBe("from the first");
  await until(machine, () => first.text() === "held");
  first.socket.end();
  await until(machine, () => !port.hostOpen);
  const second = await peerOf(path);
  second.socket.write("second");
  expect(await machine.run(readText(6))).toBe("second");
  expect(opened).toEqual([true, false, true]);
});

test("a connected socket whose peer leaves is closed for good: the port says so, and writes wait", async () => {
  const path = join(folder, "peer");
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closers.push(() => void server.close());
  const { machine, port, model } = await boot(await openSocketBackend({ connect: path }));
  await machine.run(port.write("hello"));
  accepted[0]?.resume().end();
  await until(machine, () => !port.hostOpen);
  const late = port.write("late");
  machine.settle();
  const [devicePort] = model.ports;
  if (devicePort !== undefined) await model.removePort(devicePort);
  machine.settle();
  await expect(late).rejects.toThrow("removed");
});

test("memory keeps the last part of what was written, and counts what it forgot", () => {
  const backend = new MemoryBackend();
  for (let piece = 0; piece < 20; piece++) backend.write(new Uint8Array(100_000).fill(piece));
  expect(backend.output.length).toBeLessThanOrEqual(1 << 20);
  expect(backend.output.length + backend.forgottenBytes).toBe(2_000_000);
});

test("an echo that nobody reads holds the writer up", async () => {
  const backend = new MemoryBackend(true);
  expect(backend.write(new Uint8Array(1 << 20))).toBeUndefined();
  const held = backend.write(Uint8Array.of(1));
  expect(held).toBeInstanceOf(Promise);
  backend.close();
  let bytes = 0;
  for await (const piece of backend.input) bytes += piece.length;
  await held;
  expect(bytes).toBe((1 << 20) + 1);
});
