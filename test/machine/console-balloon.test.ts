/** Console, balloon and entropy rate on two real workers, changed from outside while they run. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { DeviceDescription, MachineDescription } from "../../src/machine/description.ts";
import { Machine } from "../../src/machine/machine.ts";

const program = (name: string) => new URL(`../support/programs/${name}.ts`, import.meta.url);
const SETTLE = new URL("../../src/machine/workloads/balloons.ts", import.meta.url);

let machine: Machine | undefined;
afterEach(() => machine?.end());

async function start(devices: readonly DeviceDescription[], rest: MachineDescription = {}): Promise<Machine> {
  machine = await Machine.start({ memory: "8M", devices, ...rest });
  return machine;
}

test.each(["msix", "intx"] as const)("a console echoes 100 kB, byte for byte (%s)", async (interrupts) => {
  const running = await start([{ type: "console", options: { echo: true } }], { interrupts });
  const text = "0123456789".repeat(10_000);
  const report = await running.run(program("console-copy"), { name: 0, text });
  expect(report.verdict).toBe("completed");
  expect(report.result).toEqual({ found: text, size: { cols: 80, rows: 25 }, ports: 1 });
});

test("ports, names, sizes and input change at run time", async () => {
  const running = await start([{ type: "console", options: { ports: 1, "max-ports": 4 } }]);
  expect(await running.deviceCommand("console", "add-port", "agent", "echo=on")).toBe(1);
  await running.deviceCommand("console", "resize", "132x43", "agent");
  await running.deviceCommand("console", "rename", "agent", "tool");
  const report = await running.run(program("console-copy"), { name: "tool", text: "over" });
  expect(report).toMatchObject({ verdict: "completed", result: { found: "over", ports: 2 } });
  expect(await running.deviceCommand("console", "output", "tool")).toBe("over");
  await running.deviceCommand("console", "input", "0", "typed");
  expect(await running.run(program("console-copy"), { name: 0, text: "typed" })).toMatchObject({
    result: { found: "typed" },
  });
  await running.deviceCommand("console", "remove-port", "tool");
  expect(await running.deviceCommand("console", "ports")).toHaveLength(1);
  await expect(running.deviceCommand("console", "output", "tool")).rejects.toThrow(
    'no port "tool"; there are: 0',
  );
  await expect(running.deviceCommand("console", "add-port", "x", "sped=9")).rejects.toThrow("unknown option");
});

test("what the guest wrote to a file is in it when the machine has stopped", async () => {
  const folder = mkdtempSync(join(tmpdir(), "virtlab-"));
  const file = join(folder, "out");
  const running = await start([{ type: "console", options: { file } }]);
  const run = running.run(program("console-copy"), { name: 0, text: "written" });
  while (readFileSync(file, "utf8") !== "written") await new Promise((resolve) => setTimeout(resolve, 10));
  await running.stop();
  await run;
  rmSync(folder, { recursive: true });
});

test("a program that waits for console input does not count as stalled", async () => {
  const running = await start([{ type: "console" }], { deadlines: { stallMs: 300 } });
  const run = running.run(program("console-copy"), { name: 0, text: "0123" });
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await running.deviceCommand("console", "input", "0", "4567");
  expect(await run).toMatchObject({ verdict: "completed", result: { found: "4567" } });
});

test("the balloon follows a target that changes, and says how the guest's memory is", async () => {
  const running = await start([{ type: "balloon", options: { target: "1M" } }]);
  expect((await running.run(SETTLE)).result).toEqual([256]);
  await running.deviceCommand("balloon", "target", "4M");
  expect((await running.run(SETTLE)).result).toEqual([1024]);
  const stats = await running.deviceCommand("balloon", "stats");
  expect(stats).toMatchObject({ totalBytes: 8 << 20 });
  await running.deviceCommand("balloon", "target", "0");
  const report = await running.run(SETTLE);
  expect(report).toMatchObject({ verdict: "completed", result: [0] });
  expect(await running.deviceCommand("balloon", "info")).toMatchObject({ actualPages: 0, heldPages: 0 });
  await expect(running.deviceCommand("balloon", "target", "5000")).rejects.toThrow("whole pages");
  await expect(running.deviceCommand("balloon", "tarject")).rejects.toThrow("did you mean target?");
});

test("a disk that is read into a ballooned page makes the run violated, with device and queue", async () => {
  const running = await start([{ type: "balloon" }, { type: "blk", options: { size: "1M" } }]);
  const run = running.run(program("balloon-touch"), { pages: 1000 });
  await running.deviceCommand("balloon", "target", String(1000 * 4096));
  const report = await run;
  expect(report.verdict).toBe("violated");
  expect(report.violations).toMatchObject([{ kind: "ballooned-page", device: "00:05.0 blk", queue: 0 }]);
});

test("entropy comes at the rate, and nobody spins for it", async () => {
  const running = await start([{ type: "rng", options: { rate: 1000 } }]);
  const begun = performance.now();
  let bytes = 0;
  while (bytes < 400) bytes += Number((await running.run(program("read-entropy"), 400 - bytes)).result);
  // A tenth of a second's worth comes at once.
  expect(performance.now() - begun).toBeGreaterThan(290);
});
