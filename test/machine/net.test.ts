/** Network devices in whole machines: host and guest on their own threads, frames verified end to end. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CaptureReader } from "../../src/devices/net/capture-reader.ts";
import { FrameParser, packFrame } from "../../src/devices/net/frame-stream.ts";
import { runAcceptance } from "../../src/machine/acceptance.ts";
import type { DeviceDescription } from "../../src/machine/description.ts";
import { Machine } from "../../src/machine/machine.ts";
import { FrameHash } from "../../src/machine/workloads/nics.ts";
import { pcap, pcapng, tempDir, tempFile } from "../devices/net-captures.ts";
import { frameOf } from "../drivers/net-rig.ts";

type Options = Record<string, string | number | boolean>;
const net = (options: Options, rest: Partial<DeviceDescription> = {}): DeviceDescription => ({
  type: "net",
  options,
  ...rest,
});

/** The acceptance run with a small disk and these devices. */
const accept = (devices: DeviceDescription[], interrupts: "auto" | "msix-shared" | "intx" = "auto") =>
  runAcceptance(
    { devices, interrupts },
    { disk: undefined, diskSize: "1M", write: false, protection: "read-only", seed: 1 },
  );

async function hashOf(path: string): Promise<FrameHash> {
  const reader = await CaptureReader.open(path);
  const hash = new FrameHash();
  for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) hash.add(frame);
  await reader.close();
  return hash;
}

const FRAMES = Array.from({ length: 2500 }, (_, seed) => frameOf(1 + ((seed * 7919) % 16_000), seed));

test.each(["auto", "msix-shared", "intx"] as const)(
  "replay, loop and ping at once, %s interrupts: every frame arrives in order and unchanged",
  async (interrupts) => {
    const record = join(tempDir(), "out.pcapng");
    const replay = tempFile(interrupts === "intx" ? pcapng(FRAMES) : pcap(FRAMES));
    const run = await accept(
      [net({ backend: "pcap", replay, record }), net({ queues: 2 }), net({ responder: true })],
      interrupts,
    );
    expect(run.differences).toEqual([]);
    expect(run.report.verdict).toBe("completed");
    expect(run.result?.nics.map(({ kind, frames }) => ({ kind, frames }))).toEqual([
      { kind: "replay", frames: 2500 },
      { kind: "loop", frames: 2000 },
      { kind: "ping", frames: 0 },
    ]);
    expect((await hashOf(record)).digest()).toBe((await hashOf(replay)).digest());
  },
);

test("small receive buffers, and few of them: the same", async () => {
  const frames = FRAMES.map((frame) => frame.subarray(0, 1500));
  const options = { backend: "pcap", replay: tempFile(pcap(frames)), mergeable: false, segmentation: false };
  const run = await accept([net(options, { queueSize: 4 }), net({ control: false }, { queueSize: 2 })]);
  expect(run.differences).toEqual([]);
});

test("a capture that is cut off: what is whole arrives, and the end is reported", async () => {
  const replay = tempFile(pcap(FRAMES).subarray(0, -1));
  const run = await accept([net({ backend: "pcap", replay })]);
  expect(run.verified).toBe(true);
  expect(run.result?.nics[0]?.frames).toBe(2499);
  expect(run.report.host?.log.join()).toContain("replay ends after 2499 frames");
});

test("frames that a device's MTU forbids are missed, and said to be", async () => {
  const run = await accept([net({ backend: "pcap", replay: tempFile(pcap(FRAMES)), mtu: 1500 })]);
  const small = FRAMES.filter(({ length }) => length <= 1518).length;
  expect(run.differences).toEqual([`network interface 0: ${small} of 2500 replayed frames arrived`]);
  expect(run.report.host?.log.join()).toContain("frames are dropped: frame over the MTU");
  const model = run.report.host?.functions.find(({ name }) => name.endsWith("net"))?.model;
  expect(model).toMatchObject({
    counters: { rxFrames: small, dropped: { "frame over the MTU": 2500 - small } },
  });
});

test("a peer on a socket: 10,000 frames there and back between two workers, none lost, none changed", async () => {
  const count = 10_000;
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const machine = await Machine.start({
    devices: [net({ backend: "socket", connect: `127.0.0.1:${port}` })],
  });
  const [peer] = await accepted;
  const running = machine.run(new URL("../support/programs/net-echo.ts", import.meta.url), count);
  const [sent, back] = [new FrameHash(), new FrameHash()];
  const parser = new FrameParser();
  const allBack = new Promise<void>((resolve) => {
    peer.on("data", (chunk: Buffer) => {
      for (const frame of parser.push(chunk)) back.add(frame);
      if (back.frames === count) resolve();
    });
  });
  for (let seed = 0; seed < count; seed++) {
    const frame = frameOf(60 + ((seed * 31) % 1455), seed);
    sent.add(frame);
    if (!peer.write(packFrame(frame))) await once(peer, "drain");
  }
  const report = await running;
  await allBack;
  await machine.stop();
  server.close();
  expect(report).toMatchObject({ verdict: "completed", result: { rxFrames: count, txFrames: count } });
  expect(back.digest()).toBe(sent.digest());
});

const can = (tool: string, ...args: string[]) => spawnSync(tool, args).status === 0;
const tools = can("tcpdump", "--version") && can("tshark", "--version") && can("capinfos", "--version");
const root = process.getuid?.() === 0;

test.skipIf(!tools || !root)(
  "a real capture of loopback traffic: replayed unchanged, its recording read by tshark (needs tcpdump, tshark, root)",
  async () => {
    const dir = tempDir();
    const replay = join(dir, "in.pcap");
    await capture(replay);
    const record = join(dir, "out.pcapng");
    const run = await accept([net({ backend: "pcap", replay, record })]);
    expect(run.differences).toEqual([]);
    const frames = run.result?.nics[0]?.frames ?? 0;
    expect(frames).toBeGreaterThan(100);
    expect(execFileSync("capinfos", ["-Tmc", record], { encoding: "utf8" })).toContain(`,${frames}`);
    // What Wireshark's library makes of the recording is frame by frame what tcpdump wrote.
    const copy = join(dir, "copy.pcap");
    execFileSync("tshark", ["-r", record, "-F", "pcap", "-w", copy], { stdio: "ignore" });
    expect((await hashOf(copy)).digest()).toBe((await hashOf(replay)).digest());
  },
);

/** TCP and UDP over the loopback interface, TCP in segments far longer than any MTU. */
async function capture(path: string): Promise<void> {
  const tcpdump = spawn("tcpdump", ["-i", "lo", "-U", "-Z", "root", "-w", path], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await once(tcpdump.stderr, "data");
  const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write(Buffer.alloc(500_000, 7));
  for (let received = 0; received < 500_000; )
    received += ((await once(client, "data")) as [Buffer])[0].length;
  client.destroy();
  server.close();
  const udp = createSocket("udp4").bind(0, "127.0.0.1");
  await once(udp, "listening");
  for (let i = 0; i < 200; i++) udp.send(Buffer.alloc(i * 7, i), udp.address().port, "127.0.0.1");
  await new Promise((resolve) => setTimeout(resolve, 500));
  udp.close();
  const ended = once(tcpdump, "exit");
  tcpdump.kill("SIGINT");
  await ended;
  if (!existsSync(path) || statSync(path).size === 0) throw new Error("tcpdump captured nothing");
}
