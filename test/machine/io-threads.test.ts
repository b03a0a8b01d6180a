/** Queues of devices handed to host threads beside the first. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "../../src/host/device.ts";
import { Machine, type RunReport } from "../../src/machine/machine.ts";
import type { PartResult } from "./cpus-part.guest.ts";
import type { UnsettledResult } from "./cpus-unsettled.guest.ts";

const program = (name: string) => new URL(`${name}.guest.ts`, import.meta.url);
const TROUBLED = fileURLToPath(new URL("troubled-parts.ts", import.meta.url));
const disk = (queues: number, options = {}) => ({
  type: "blk",
  options: { size: 1 << 20, queues, ...options },
});

/** Who served each queue of the first device, and how many requests. */
const servers = (report: RunReport) =>
  report.queues.map(({ ioThread, requests }) => ({ ioThread, requests }));
const folder = mkdtempSync(join(tmpdir(), "virtlab-io-"));
const file = join(folder, "disk");
writeFileSync(file, new Uint8Array(1 << 20));
afterAll(() => rmSync(folder, { recursive: true }));

/** Each machine takes a second to start. */
const all = process.env.CI !== undefined;

describe.each(all ? (["memory", "file"] as const) : (["memory"] as const))(
  "a disk in %s, two I/O threads, three CPUs",
  (kind) => {
    let machine: Machine;
    const device = kind === "memory" ? disk(5) : { type: "blk", options: { file, queues: 5 } };
    beforeAll(async () => {
      machine = await Machine.start({ cpus: 3, ioThreads: 2, memory: "4M", devices: [device] });
    });
    afterAll(() => machine.stop());

    test("each queue is served by the thread that it was handed to", async () => {
      const report = await machine.run(program("cpus"));
      expect(report.reason).toBeNull();
      expect((report.result as PartResult[]).map(({ wrong }) => wrong)).toEqual([0, 0, 0]);
      expect(servers(report)).toEqual(
        [1, 2, 1, 2, 1].map((ioThread, queue) => ({ ioThread, requests: queue === 2 ? 128 : 64 })),
      );
      // The device's own counts are those of the thread.
      const counted = report.host?.functions[0]?.queues.map(({ counters }) => counters.requests);
      expect(counted).toEqual([64, 64, 128, 64, 64]);
    });

    // With files it is the writes that are under way.
    test.each(kind === "file" ? (["reset"] as const) : (["reset", "rebind", "suspend"] as const))(
      "a %s while they are busy: nothing lost, nothing spoilt, every request ends",
      async (how) => {
        const report = await machine.run(program("cpus-unsettled"), how);
        expect(report.reason).toBeNull();
        const { cpus, spoilt, leaked } = report.result as UnsettledResult;
        expect({ spoilt, leaked }).toEqual({ spoilt: 0, leaked: 0 });
        for (const cpu of cpus) {
          expect(cpu).toMatchObject({ wrong: 0, leaked: 0 });
          expect(cpu.good).toBeGreaterThan(0);
        }
        expect(report.violations).toEqual([]);
      },
    );
  },
);

const KINDS = [
  { interrupts: "intx" },
  { interrupts: "msix-shared", kickFastPath: false, eventIndex: false },
] as const;

test.each(all ? KINDS : KINDS.slice(0, 1))("interrupts and kicks of all kinds: %j", async (how) => {
  // Four of them have one line between them, if lines are what they use.
  const slots = [4, 8, 12].map((slot) => ({ ...disk(2), slot }));
  const machine = await Machine.start({
    ...how,
    ioThreads: 2,
    devices: [...slots, { type: "rng", slot: 16 }],
  });
  const report = await machine.run(program("all-disks"));
  await machine.stop();
  expect(report).toMatchObject({ verdict: "completed", result: { disks: 3, wrong: 0 }, violations: [] });
  expect(servers(report).map(({ ioThread }) => ioThread)).toEqual([1, 2, 2, 1, 1, 2, 0]);
});

test("a disk that is resized while it is read: what is beyond the end is refused on every thread", async () => {
  const machine = await Machine.start({ ioThreads: 2, devices: [disk(2)] });
  for (const mebibytes of [2, 1]) {
    const running = machine.run(program("resized"), 2048 * mebibytes);
    await machine.deviceCommand("blk", "resize", `${mebibytes}M`);
    expect(await running).toMatchObject({ verdict: "completed", result: { wrong: 0, refused: 2 } });
  }
  await machine.stop();
});

test("a host that is killed takes its I/O threads with it; the next ones serve", async () => {
  const machine = await Machine.start({ ioThreads: 2, memory: "8M", devices: [disk(2), { type: "rng" }] });
  const running = machine.run(program("restart"), 1);
  await new Promise<void>((resolve) => {
    machine.onProgress = () => resolve();
  });
  await machine.restartHost();
  const report = await running;
  await machine.stop();
  expect(report).toMatchObject({ verdict: "completed", result: { cancelled: 1 }, violations: [] });
  expect(servers(report).map(({ ioThread }) => ioThread)).toEqual([1, 2, 0]);
});

test("a breach that an I/O thread finds is in the report; devices that say nothing stay with the first", async () => {
  const type = fileURLToPath(new URL("breaking-disk.ts", import.meta.url));
  const machine = await Machine.start({ ioThreads: 1, devices: [disk(2), { type }, { type: "rng" }] });
  await expect(machine.plug({ type: TROUBLED, options: { how: "cannot" } })).rejects.toThrow(UsageError);
  const report = await machine.run(program("bad-header"));
  await machine.stop();
  expect(report).toMatchObject({
    verdict: "violated",
    violations: [{ kind: "request-format", device: "00:04.0 blk", queue: 1, count: 1 }],
  });
  expect(servers(report).map(({ ioThread }) => ioThread)).toEqual([1, 1, 0, 0, 0]);
});

test("what an I/O thread does is watched as the host's first thread is: rules, and a lane of the trace", async () => {
  const machine = await Machine.start({
    ioThreads: 1,
    watch: { monitor: true, traceEvents: 1024 },
    devices: [{ type: TROUBLED, options: { how: "boasts" } }],
  });
  const report = await machine.run(program("one-read"));
  const recordings = machine.recordings();
  await machine.stop();
  expect(report.monitor?.findings).toMatchObject([
    { id: "SPLIT-DEV-14", device: "00:04.0", queue: 0, count: 1 },
  ]);
  const kinds = (events: readonly { kind: string }[] = []) => new Set(events.map(({ kind }) => kind));
  expect([...kinds(recordings?.io?.[0]?.events)]).toEqual(
    expect.arrayContaining(["take", "fill", "publishUsed", "isr", "message", "sleep"]),
  );
  expect(kinds(recordings?.host.events)).not.toContain("take");
});

describe("an I/O thread in trouble", () => {
  test("one that dies ends the run as crashed, and says which it was", async () => {
    const machine = await Machine.start({
      ioThreads: 2,
      devices: [{ type: TROUBLED, options: { how: "throws" } }],
    });
    const report = await machine.run(program("one-read"));
    await machine.end();
    expect(report).toMatchObject({
      verdict: "crashed",
      reason: expect.stringContaining("the I/O thread 1 worker ended: a bug in the part"),
    });
  });

  test("one that does not let go of its queues is a stall, with what both sides say", async () => {
    const machine = await Machine.start({
      ioThreads: 1,
      deadlines: { ioThreadMs: 200, portMs: 500 },
      devices: [{ type: TROUBLED, options: { how: "keeps" } }],
    });
    const report = await machine.run(program("one-read"));
    await machine.end();
    expect(report).toMatchObject({
      verdict: "stalled",
      reason: 'I/O thread 1 has not done "reset" for 200 ms',
      control: { ioThreads: [{ calls: { asked: expect.any(Number), done: expect.any(Number) } }] },
      host: { functions: [{ parts: { 1: { kept: true } } }] },
    });
    const calls = report.control?.ioThreads[0]?.calls;
    expect(calls?.asked).toBe((calls?.done ?? 0) + 1);
  });
});

test("a number of I/O threads that cannot be is refused", async () => {
  await expect(Machine.start({ ioThreads: -1 })).rejects.toThrow(UsageError);
  await expect(Machine.start({ ioThreads: 17 })).rejects.toThrow(
    "ioThreads: expected a whole number from 0 to 16, got 17",
  );
});
