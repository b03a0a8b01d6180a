/** Several virtual CPUs in one guest, each a thread that has queues of its own. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acceptanceJson } from "../../src/cli/run-report.ts";
import { UsageError } from "../../src/host/device.ts";
import { runAcceptance } from "../../src/machine/acceptance.ts";
import { Machine, type RunReport } from "../../src/machine/machine.ts";
import { pcap, tempFile } from "../devices/net-captures.ts";
import { ipFrame } from "../drivers/net-rig.ts";
import type { PartResult } from "./cpus-part.guest.ts";
import type { UnsettledResult } from "./cpus-unsettled.guest.ts";

const program = (name: string) => new URL(`${name}.guest.ts`, import.meta.url);
const disk = (queues: number) => ({ type: "blk", options: { size: 1 << 20, queues } });
const net = (queues: number) => ({ type: "net", options: { queues } });

/** Which CPUs took interrupts of a disk's queues, irq by irq. */
const takers = (report: RunReport): number[][] =>
  (report.guest?.interrupts.lines ?? [])
    .filter(({ names, chip }) => chip === "IPI" || names.some((name) => name.startsWith("virtio0-req")))
    .map(({ counts }) => counts.flatMap((count, cpu) => (count > 0 ? [cpu] : [])));

describe("a vector for each queue", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.start({ cpus: 3, memory: "4M", devices: [disk(5)] });
  });
  afterAll(() => machine.stop());

  test("each CPU writes and reads with queues of its own, and takes their interrupts", async () => {
    const report = await machine.run(program("cpus"));
    expect(report.reason).toBeNull();
    expect(report.result).toEqual([
      { cpu: 0, wrong: 0, queues: [0, 3] },
      { cpu: 1, wrong: 0, queues: [1, 4] },
      { cpu: 2, wrong: 0, queues: [2] },
    ]);
    const requests = report.queues.map((queue) => queue.requests);
    expect(requests).toEqual([64, 64, 128, 64, 64]);
    // Calls to each of the others; nothing passed on; then a vector for each queue.
    expect(takers(report)).toEqual([[1, 2], [], [0], [1], [2], [0], [1]]);
  });

  test.each(["reset", "rebind", "suspend"] as const)(
    "a %s while other CPUs are busy: nothing lost, nothing spoilt, every request ends",
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
});

describe.each(["msix-shared", "intx"] as const)("no vector of a queue's own, %s", (interrupts) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.start({ cpus: 2, interrupts, devices: [disk(2), net(2)] });
  });
  afterAll(() => machine.stop());

  test("CPU 0 passes interrupts on", async () => {
    const report = await machine.run(program("cpus"));
    expect(report.reason).toBeNull();
    expect((report.result as PartResult[]).map(({ wrong }) => wrong)).toEqual([0, 0]);
    expect(takers(report)).toEqual([[1], [1]]);
  });

  test("frames of each CPU's flow come back on its own pair of queues", async () => {
    const report = await machine.run(program("cpus-net"));
    expect(report.reason).toBeNull();
    expect(report.result).toEqual([0, 1].map(() => ({ frames: 500, verified: true })));
  });
});

test("a ring that the device breaks under another CPU: CPU 0 resets the device, every request ends", async () => {
  const type = fileURLToPath(new URL("breaking-disk.ts", import.meta.url));
  const machine = await Machine.start({ cpus: 2, devices: [{ type }] });
  const report = await machine.run(program("cpus-broken"));
  await machine.stop();
  expect(report.reason).toBeNull();
  expect(report.result).toEqual({
    ends: ["CancelledError", "CancelledError", "CancelledError", "CancelledError"],
    again: ["512 bytes", "512 bytes"],
  });
});

test("the acceptance run has each CPU verify the disk, a pattern and a flow of frames", async () => {
  const run = await runAcceptance(
    { cpus: 2, devices: [net(2)] },
    { disk: undefined, diskSize: "1M", write: false, protection: "read-only", seed: 1 },
  );
  expect(run.differences).toEqual([]);
  const { verified, cpus, disk: whole } = acceptanceJson(run);
  expect(verified).toBe(true);
  expect(cpus).toMatchObject([
    {
      cpu: 1,
      disk: { bytes: 1 << 20, sha256: whole.expectedSha256 },
      pattern: { bytes: 1 << 19, verified: true },
      flows: [{ frames: 1000, verified: true }],
    },
  ]);
});

test("a capture's flows reach several CPUs, and together they have every frame; beside it a loop", async () => {
  const frames = Array.from({ length: 600 }, (_, at) =>
    ipFrame(4, 17, new Uint8Array(at).fill(at), [4000 + (at % 64), 80]),
  );
  const replay = { backend: "pcap", replay: tempFile(pcap(frames)), queues: 2 };
  const run = await runAcceptance(
    { cpus: 2, devices: [{ type: "net", options: replay }, net(2)] },
    { disk: undefined, diskSize: "1M", write: false, protection: "read-only", seed: 1 },
  );
  expect(run.differences).toEqual([]);
  expect(run.result?.nics).toMatchObject([
    { kind: "replay", frames: 600 },
    { kind: "loop", frames: 2000 },
  ]);
  expect(run.result?.cpus[0]?.flows).toEqual([{ frames: 1000, verified: true }]);
  // Both pairs had some of it.
  const received = run.report.queues.filter(({ name }) => name.startsWith("input"));
  expect(received.slice(0, 2).every(({ bytes }) => bytes > 0)).toBe(true);
});

test("a number of CPUs that cannot be is refused", async () => {
  await expect(Machine.start({ cpus: 0 })).rejects.toThrow(UsageError);
  await expect(Machine.start({ cpus: 17 })).rejects.toThrow(
    "cpus: expected a whole number from 1 to 16, got 17",
  );
});
