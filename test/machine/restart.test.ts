/** Workers that die: the machine outlives its host's, and ends in order without its guest's. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Machine } from "../../src/machine/machine.ts";
import type { Snapshot } from "../../src/machine/snapshot.ts";

const PROGRAM = new URL("./restart.guest.ts", import.meta.url);
const DEVICES = [{ type: "blk", options: { size: "1M" } }, { type: "rng" }];

const moving = (machine: Machine): Promise<void> =>
  new Promise((resolve) => {
    machine.onProgress = () => resolve();
  });

test("a host worker that is killed twice: requests are cancelled once, the next host serves", async () => {
  const machine = await Machine.start({ memory: "8M", devices: DEVICES });
  const running = machine.run(PROGRAM, 2);
  for (let kill = 0; kill < 2; kill++) {
    await moving(machine);
    await machine.restartHost();
  }
  const report = await running;
  expect(report).toMatchObject({ verdict: "completed", result: { cancelled: 2 }, violations: [] });
  await machine.stop();
});

test("a device that was plugged in is there after a restart, one that was taken out is not", async () => {
  const machine = await Machine.start({ memory: "8M", devices: DEVICES });
  await machine.unplug("rng");
  const slot = await machine.plug({ type: "blk", options: { size: "2M" } });
  await machine.restartHost();
  const { functions } = (await machine.controlled.snapshot()) as Snapshot;
  expect(functions.map(({ name }) => name)).toEqual(["00:04.0 blk", `00:0${slot}.0 blk`]);
  await machine.stop();
});

test.each([
  ["host", 0],
  ["part", 1],
])(
  "a host worker that is killed while it is asked how the run was: the next one is asked (%s)",
  async (slow, ioThreads) => {
    const type = fileURLToPath(new URL("slow-to-tell.ts", import.meta.url));
    const machine = await Machine.start({ memory: "8M", ioThreads, devices: [{ type, options: { slow } }] });
    const running = machine.run("data:text/javascript,export default async () => 'done'");
    await delay(300);
    await machine.restartHost();
    expect(await running).toMatchObject({ verdict: "completed", result: "done", host: { violations: [] } });
    await machine.stop();
  },
);

test("a host that does not start again: the report says at which step it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "virtlab-restart-"));
  const type = fileURLToPath(new URL("opens-once.ts", import.meta.url));
  const machine = await Machine.start({
    memory: "8M",
    devices: [{ type, options: { mark: join(folder, "mark") } }],
    deadlines: { startMs: 2000, portMs: 3000 },
  });
  try {
    const reads =
      "for (;;) { pci.devices[1].read16(0); await new Promise((resolve) => setTimeout(resolve)); }";
    const running = machine.run(`data:text/javascript,export default async ({ pci }) => { ${reads} }`);
    await expect(machine.restartHost()).rejects.toThrow("startMs");
    const { verdict, host } = await running;
    expect(verdict).toBe("stalled");
    expect(host?.underWay).toEqual([expect.stringContaining("opening 00:04.0 ")]);
  } finally {
    await machine.end();
    rmSync(folder, { recursive: true });
  }
});

test("a guest worker that is killed: the run ends as crashed, the machine stops in order", async () => {
  const machine = await Machine.start({ memory: "8M", devices: DEVICES });
  const running = machine.run(PROGRAM, 1);
  await moving(machine);
  await machine.killGuest();
  expect(await running).toMatchObject({
    verdict: "crashed",
    reason: expect.stringContaining("guest worker"),
  });
  await machine.stop();
});

test("what a host has found is told, also when it has been killed since", async () => {
  const miser = fileURLToPath(new URL("../monitor/miserly-rng.ts", import.meta.url));
  const machine = await Machine.start({
    memory: "8M",
    watch: { monitor: true },
    devices: [{ type: "blk", options: { size: "1M", queues: 2 } }, { type: miser }],
  });
  await machine.run(new URL("../monitor/entropy.guest.ts", import.meta.url), 1);
  await machine.run(new URL("./bad-header.guest.ts", import.meta.url));
  await machine.restartHost();
  const report = await machine.run("data:text/javascript,export default async () => 'done'");
  await machine.stop();
  expect(report).toMatchObject({
    verdict: "violated",
    violations: [{ kind: "request-format", device: "00:04.0 blk", queue: 1, count: 1 }],
  });
  expect(report.monitor?.findings).toContainEqual(
    expect.objectContaining({ id: "RNG-DEV-01", device: "00:05.0", count: 1 }),
  );
});

test("nor is it lost where the last host has crashed", async () => {
  const type = fileURLToPath(new URL("../support/throwing-device.ts", import.meta.url));
  const machine = await Machine.start({
    memory: "8M",
    devices: [{ type: "blk", options: { size: "1M", queues: 2 } }, { type }],
  });
  await machine.run(new URL("./bad-header.guest.ts", import.meta.url));
  const report = await machine.run(new URL("../support/programs/read-entropy.ts", import.meta.url), 8);
  await machine.end();
  expect(report).toMatchObject({
    verdict: "crashed",
    host: null,
    violations: [{ kind: "request-format", device: "00:04.0 blk", queue: 1 }],
  });
});
