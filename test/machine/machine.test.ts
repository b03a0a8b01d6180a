import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import type { MachineDescription } from "../../src/machine/description.ts";
import { Machine } from "../../src/machine/machine.ts";
import { workThenStop } from "../../src/machine/run.ts";

const program = (name: string) => new URL(`../support/programs/${name}.ts`, import.meta.url);
const device = (name: string) => fileURLToPath(new URL(`../support/${name}.ts`, import.meta.url));

let machine: Machine | undefined;
afterEach(() => machine?.end());

async function start(description: MachineDescription): Promise<Machine> {
  machine = await Machine.start({ memory: "4M", ...description });
  return machine;
}

describe("a machine of two workers", () => {
  it("completes a guest program and reports its result, bus, interrupts and queues", async () => {
    const report = await (await start({ devices: [{ type: "rng" }] })).run(program("read-entropy"), 64);
    expect(report).toMatchObject({
      verdict: "completed",
      result: 64,
      fault: null,
      violations: [],
      control: null,
    });
    expect(report.guest?.pci.map(({ bdf }) => bdf)).toEqual(["00:00.0", "00:04.0"]);
    expect(report.guest?.interrupts.tiers).toEqual({ virtio0: "msix" });
    expect(report.queues).toMatchObject([
      { device: "virtio0", requests: 1, kicksSent: 1, interruptsSent: 1 },
    ]);
  });

  it.each(["msix", "msix-shared", "intx"] as const)("reaches the tier %s when asked for it", async (tier) => {
    const report = await (await start({ interrupts: tier, devices: [{ type: "rng" }] })).run(
      program("read-entropy"),
      8,
    );
    expect(report.guest?.interrupts.tiers).toEqual({ virtio0: tier });
    expect(report.result).toBe(8);
  });

  it("works with kicks through the mailbox and without spinning", async () => {
    const slow = await start({ kickFastPath: false, pollMaxUs: 0, devices: [{ type: "rng" }] });
    expect((await slow.run(program("read-entropy"), 8)).verdict).toBe("completed");
  });

  it("runs one program after another on the same devices", async () => {
    const twice = await start({ devices: [{ type: "rng" }] });
    expect((await twice.run(program("read-entropy"), 1)).result).toBe(1);
    expect((await twice.run(program("read-entropy"), 2)).result).toBe(2);
  });

  it("stops in order: the workers end", async () => {
    const stopped = await start({ devices: [{ type: "rng" }] });
    await expect(stopped.stop()).resolves.toBeUndefined();
  });
});

describe("a machine in trouble", () => {
  it("crashed: a guest program that throws, with its stack", async () => {
    const report = await (await start({})).run(program("throw"));
    expect(report).toMatchObject({ verdict: "crashed", reason: "this program has a bug" });
    expect(report.fault?.stack).toContain("throw.ts");
  });

  it("crashed: a guest worker that ends, naming the side", async () => {
    const report = await (await start({})).run(program("end-worker"));
    expect(report).toMatchObject({ verdict: "crashed", guest: null });
    expect(report.reason).toContain("guest worker ended");
  });

  it("crashed: a device that throws ends the host worker, with its stack", async () => {
    const report = await (await start({ devices: [{ type: device("throwing-device") }] })).run(
      program("read-entropy"),
      8,
    );
    expect(report).toMatchObject({ verdict: "crashed", host: null });
    expect(report.fault?.stack).toContain("throwing-device.ts");
  });

  it("stalled: a request that is never answered, with both sides' state", async () => {
    const silent = await start({ devices: [{ type: device("silent-device") }], deadlines: { stallMs: 300 } });
    const report = await silent.run(program("read-entropy"), 8);
    expect(report.verdict).toBe("stalled");
    expect(report.reason).toContain("1 request outstanding");
    expect(report.control?.hostDoorbell.sleepers).toBe(1);
    expect(report.queues).toMatchObject([{ requests: 0, kicksSent: 1 }]);
    expect(report.host?.functions).toMatchObject([{ queues: [{ active: { lastAvail: 1, usedIndex: 0 } }] }]);
  });

  it("stalled: a program that waits for nothing that could come", async () => {
    const report = await (await start({ deadlines: { stallMs: 300 } })).run(program("await-for-ever"));
    expect(report.verdict).toBe("stalled");
  });

  const misbehaving = (where: string) =>
    start({
      devices: [{ type: device("misbehaving-device"), options: { where } }],
      deadlines: { stallMs: 300, stopMs: 300 },
    });

  it.each([
    ["stalled", "after", "the host has not returned to its event loop"],
    ["crashed", "describe", "this device has a bug"],
  ])(
    "%s: a host that cannot tell what it saw, after a program that ended well",
    async (verdict, where, reason) => {
      const report = await (await misbehaving(where)).run(program("read-entropy"), 8);
      expect(report).toMatchObject({ verdict, result: 8, host: null });
      expect(report.reason).toContain(reason);
    },
  );

  it("crashed: a device that could not be closed, after a program that ended well", async () => {
    const started = await misbehaving("close");
    const { report } = await workThenStop(started, async () => ({
      report: await started.run(program("read-entropy"), 8),
    }));
    expect(report).toMatchObject({
      verdict: "crashed",
      reason: "the devices were not closed in order: this device has a bug",
    });
  });

  it("stops at once when the host has died", async () => {
    const dead = await start({ devices: [{ type: device("throwing-device") }] });
    await dead.run(program("read-entropy"), 8);
    const asked = performance.now();
    await expect(dead.stop()).rejects.toThrow("this device has a bug");
    expect(performance.now() - asked).toBeLessThan(2000);
  });

  it("violated: descriptors that point outside RAM, named by kind and place", async () => {
    const report = await (await start({ devices: [{ type: "rng" }] })).run(program("break-ring"));
    expect(report.verdict).toBe("violated");
    expect(report.violations).toMatchObject([
      { kind: "descriptor-address", device: "00:04.0 rng", queue: 0 },
    ]);
  });
});
