/** Back-ends that reach outside: capture files, sockets, modules of users, and what happens when these are bad. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { CaptureReader } from "../../src/devices/net/capture-reader.ts";
import definition from "../../src/devices/net/definition.ts";
import { FrameParser, packFrame } from "../../src/devices/net/frame-stream.ts";
import type { NetModel } from "../../src/devices/net/model.ts";
import { net } from "../../src/drivers/net/net.ts";
import type { Nic } from "../../src/drivers/net/nic.ts";
import { frameOf } from "../drivers/net-rig.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { platform } from "../support/host-rig.ts";
import { pcap, tempDir, tempFile } from "./net-captures.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Options = Record<string, string | number | boolean>;
const WAIT_MS_MAX = 20_000;
const QUIET_MS = 200;
const create = (options: Options) => definition.create(options, platform) as Promise<NetModel>;

/** A machine with a NIC made from options, as `--device net,…` makes it. */
async function boot(options: Options, device: { queueSize?: number } = {}) {
  const model = await create(options);
  const machine = new DirectMachine();
  machine.add({ model, virtioId: 1, queueSize: 16, msixVectors: 8, ...device });
  machine.guest.boot([net]);
  const nic = machine.guest.virtio.find<Nic>(net);
  closers.push(() => machine.host.close());
  /** Turns of both sides and of the event loop: sockets take their time, which turns do not measure. */
  const until = async (done: () => boolean): Promise<void> => {
    const deadline = performance.now() + WAIT_MS_MAX;
    while (!done()) {
      if (performance.now() > deadline) throw new Error(`not so after ${WAIT_MS_MAX} ms`);
      machine.host.poll();
      machine.guest.poll();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** Time for whatever might still happen. */
  const quiet = async (): Promise<void> => {
    const end = performance.now() + QUIET_MS;
    await until(() => performance.now() > end);
  };
  return { machine, nic, model, until, quiet };
}

/** Compared at once: a matcher that looks at each byte takes seconds. */
const digest = (frames: readonly Uint8Array[]) =>
  frames
    .reduce((hash, frame) => hash.update(`${frame.length} `).update(frame), createHash("sha256"))
    .digest("hex");

const FRAMES = Array.from({ length: 300 }, (_, seed) => frameOf(1 + ((seed * 61) % 9000), seed));

test("a capture's frames arrive in order and unchanged, though buffers are few, and are recorded so", async () => {
  const record = join(tempDir(), "out.pcapng");
  const { machine, nic, model, until } = await boot({
    backend: "pcap",
    replay: tempFile(pcap(FRAMES)),
    record,
  });
  const received: Uint8Array[] = [];
  machine.settle();
  nic.onFrame((frame) => received.push(frame.slice()));
  await machine.run(nic.send(frameOf(70, 5)));
  await until(() => (model.describe().backend as { state?: string }).state === "done");
  machine.settle();
  expect(digest(received)).toBe(digest(FRAMES));
  expect(model.describe().backend).toMatchObject({ state: "done", frames: 300, recorded: 301 });
  expect(model.describe().counters.dropped).toEqual({});
  await machine.host.close();
  const reader = await CaptureReader.open(record);
  const recorded: Uint8Array[] = [];
  for (let frame = await reader.next(); frame; frame = await reader.next()) recorded.push(frame.slice());
  await reader.close();
  const sentToo = recorded.filter((frame) => Buffer.compare(frame, frameOf(70, 5)) !== 0);
  expect(digest(sentToo)).toBe(digest(FRAMES));
});

test("a replay is not disturbed by a driver that comes and goes", async () => {
  const { machine, nic, until } = await boot({ backend: "pcap", replay: tempFile(pcap(FRAMES)) });
  const received: Uint8Array[] = [];
  const listen = (to: Nic) => to.onFrame((frame) => received.push(frame.slice()));
  listen(nic);
  await until(() => received.length >= 100);
  machine.guest.virtio.unregisterDriver(net);
  machine.guest.virtio.registerDriver(net);
  listen(machine.guest.virtio.find(net));
  await until(() => Buffer.compare(received.at(-1) ?? frameOf(1), FRAMES[299] ?? frameOf(1)) === 0);
  // What was in the old driver's ring is gone with it; what had not been handed over is not.
  expect(received.length).toBeGreaterThanOrEqual(300 - 16);
});

test("a capture that is cut off: the frames before it, one line in the log, and the machine goes on", async () => {
  const path = tempFile(pcap(FRAMES).subarray(0, -10));
  const { machine, nic, model, until } = await boot({ backend: "pcap", replay: path });
  nic.onFrame(() => {});
  await until(() => (model.describe().backend as { state?: string }).state === "failed");
  machine.settle();
  expect(nic.counters.rxFrames).toBe(299);
  expect(model.describe().backend).toMatchObject({ state: "failed", frames: 299 });
  await machine.run(nic.send(frameOf(60)));
});

test.each([
  [{ backend: "pcap", replay: "/no/such/file" }, "found no such file"],
  [
    { backend: "pcap", record: "/no/such/directory/out.pcapng" },
    "record=/no/such/directory/out.pcapng cannot be",
  ],
  [{ backend: "loop", replay: "x" }, "replay goes with backend=pcap"],
  [{ backend: "hub", responder: true }, "responder goes with backend=loop"],
  [{ backend: "loop", responder: true, ip: "10.0.2" }, "IPv4 address"],
  [{ backend: "tap" }, 'unknown backend "tap"'],
  [{ backend: "./no-such-module.js" }, "cannot be loaded"],
  [{ backend: "socket" }, "one of connect=ADDRESS and listen=ADDRESS"],
  [{ backend: "socket", connect: "127.0.0.1:1" }, "nobody answers"],
  [{ backend: "socket", connect: "127.0.0.1:99999" }, "a port up to 65535"],
  [{ backend: "socket", listen: "/no/such/directory/socket" }, "listen=/no/such/directory/socket"],
  [{ mac: "01:00:00:00:00:00" }, "unicast address"],
  [{ mac: "hello" }, "unicast address"],
  [{ mtu: 10 }, "mtu to be a whole number from 68"],
  [{ queues: 0 }, "queues to be a whole number from 1"],
])("options %o are the user's mistake", async (options, message) => {
  const failure = await create(options as Options).catch((error: Error) => error);
  expect(failure).toMatchObject({ name: "UsageError", message: expect.stringContaining(message) });
});

test("a capture that holds no Ethernet frames is the user's mistake", async () => {
  for (const bytes of [pcap([], { linkType: 113 }), Buffer.from("not a capture")]) {
    const failure = create({ backend: "pcap", replay: tempFile(bytes) });
    await expect(failure).rejects.toThrow(/expected replay=.* to be an Ethernet capture, found/);
  }
});

test("a user's module is a back-end", async () => {
  const path = join(tempDir(), "mine.mjs");
  // Turns the frame's bytes round.
  writeFileSync(
    path,
    `export default { open: ({ args }) => {
       let port;
       return {
         attach(p) { port = p; },
         send: ({ frame, header }) => port.deliver({ frame: Uint8Array.from(frame, (b) => b ^ Number(args)), header }),
       };
     } };`,
  );
  const { machine, nic } = await boot({ backend: path, args: "255" });
  const received: Uint8Array[] = [];
  nic.onFrame((frame) => received.push(frame.slice()));
  await machine.run(nic.send(frameOf(60)));
  machine.settle();
  expect(received).toEqual([frameOf(60).map((byte) => byte ^ 255)]);
});

/** A peer that listens, and the device connected to it. */
async function withPeer(device: { queueSize?: number } = {}) {
  const server = createServer();
  await listening(server);
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const booted = await boot({ backend: "socket", connect: `127.0.0.1:${port}` }, device);
  const [socket] = await accepted;
  closers.push(() => {
    socket.destroy();
    server.close();
  });
  return { ...booted, socket, server };
}
const listening = (server: Server) =>
  new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));

test("10,000 frames each way over a socket: none lost, none changed, in order", async () => {
  const { machine, nic, socket, until } = await withPeer({ queueSize: 64 });
  const count = 10_000;
  const frame = (seed: number) => frameOf(60 + ((seed * 13) % 1400), seed);
  const sentHash = createHash("sha256");
  const peerHash = createHash("sha256");
  const nicHash = createHash("sha256");
  let atPeer = 0;
  const parser = new FrameParser();
  socket.on("data", (chunk: Buffer) => {
    for (const got of parser.push(chunk)) {
      peerHash.update(got);
      atPeer++;
    }
  });
  nic.onFrame((got) => nicHash.update(got));
  let next = 0;
  const pour = () => {
    while (next < count) if (!socket.write(packFrame(frame(next++)))) return void socket.once("drain", pour);
  };
  pour();
  for (let seed = 0; seed < count; seed += 500) {
    const batch = Array.from({ length: 500 }, (_, i) => frame(seed + i));
    for (const one of batch) sentHash.update(one);
    let sent = 0;
    for (const one of batch) void nic.send(one).then(() => sent++);
    await until(() => sent === batch.length);
  }
  await until(() => atPeer === count && nic.counters.rxFrames === count);
  const expected = sentHash.digest("hex");
  expect(peerHash.digest("hex")).toBe(expected);
  expect(nicHash.digest("hex")).toBe(expected);
  expect(machine.violations).toEqual([]);
});

test("a peer that does not read holds the driver back, and loses nothing", async () => {
  const { nic, socket, until, quiet } = await withPeer();
  socket.pause();
  const frames = Array.from({ length: 1500 }, (_, seed) => frameOf(9000, seed));
  let sent = 0;
  for (const frame of frames) void nic.send(frame).then(() => sent++);
  await quiet();
  expect(nic.outstanding).toBeGreaterThan(0);
  const parser = new FrameParser();
  let received = 0;
  socket.resume();
  socket.on("data", (chunk: Buffer) => {
    for (const frame of parser.push(chunk)) {
      if (Buffer.compare(frame, frames[received] ?? frame) === 0) received++;
    }
  });
  await until(() => sent === 1500 && received === 1500);
});

test("a driver without room holds the peer back, and loses nothing", async () => {
  const { nic, model, socket, until, quiet } = await withPeer();
  const count = 3000;
  for (let seed = 0; seed < count; seed++) socket.write(packFrame(frameOf(8000, seed)));
  await quiet();
  // Nobody listens yet: 16 buffers of a page, 2 for each frame.
  expect(model.describe().counters.rxFrames).toBe(8);
  expect(socket.writableLength).toBeGreaterThan(0);
  let inOrder = 0;
  nic.onFrame((frame) => {
    if (Buffer.compare(frame, frameOf(8000, inOrder)) === 0) inOrder++;
  });
  await until(() => inOrder === count);
  expect(model.describe().counters.dropped).toEqual({});
});

test.each([
  ["closes", (socket: Socket) => socket.end(), {}],
  [
    "closes in the middle of a frame",
    (socket: Socket) => socket.end(Buffer.from([0, 0, 0, 9, 1, 2])),
    { "cut off by the peer": 1 },
  ],
  ["sends a length of 0", (socket: Socket) => socket.write(Buffer.alloc(4)), {}],
  ["sends a length over 64 KiB", (socket: Socket) => socket.write(Buffer.from([0, 1, 0, 1])), {}],
  ["resets the connection", (socket: Socket) => socket.resetAndDestroy(), {}],
])("a peer that %s: the link goes down, the machine goes on", async (_name, action, dropped) => {
  const { machine, nic, model, socket, until } = await withPeer();
  nic.onFrame(() => {});
  socket.write(packFrame(frameOf(60)));
  await until(() => nic.counters.rxFrames === 1);
  socket.on("error", () => {});
  action(socket);
  await until(() => !nic.linkUp);
  await machine.run(nic.send(frameOf(60)));
  expect(model.describe().counters.dropped).toEqual({ ...dropped, "link down": 1 });
});

test("listening on a unix socket: the link is up while there is a peer, one after the other", async () => {
  const path = join(tempDir(), "net.sock");
  const { machine, nic, until } = await boot({ backend: "socket", listen: path });
  const received: number[] = [];
  nic.onFrame((frame) => received.push(frame.length));
  expect(nic.linkUp).toBe(false);
  for (const length of [60, 61]) {
    const peer = connect(path);
    await until(() => nic.linkUp);
    peer.write(packFrame(frameOf(length)));
    await until(() => received.at(-1) === length);
    const arrived = once(peer, "data");
    await machine.run(nic.send(frameOf(99)));
    expect((await machine.run(arrived))[0]).toEqual(Buffer.from(packFrame(frameOf(99))));
    const second = connect(path);
    await machine.run(once(second, "close"));
    peer.end();
    await until(() => !nic.linkUp);
  }
  expect(received).toEqual([60, 61]);
});

test("what was sent reaches the peer before the machine's end does", async () => {
  const { machine, nic, socket } = await withPeer();
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = once(socket, "end");
  await machine.run(Promise.all(Array.from({ length: 100 }, (_, seed) => nic.send(frameOf(1000, seed)))));
  await machine.host.close();
  await ended;
  const frames = [...new FrameParser().push(Buffer.concat(chunks))];
  expect(frames.length).toBe(100);
});

test("a recording that cannot go on says so once, and the frames pass all the same", async () => {
  const { machine, nic, model } = await boot({ record: "/dev/full" });
  nic.onFrame(() => {});
  for (let round = 0; round < 20; round++) {
    await machine.run(Promise.all(Array.from({ length: 20 }, (_, seed) => nic.send(frameOf(1500, seed)))));
  }
  machine.settle();
  expect(nic.counters.rxFrames).toBe(400);
  expect(model.describe().backend).toMatchObject({ recorded: 0, notRecorded: expect.any(Number) });
});
