/** What `--trace`, `--registers` and `--control` do to a run when their file or socket gives trouble: nothing. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { ControlClient } from "../../src/cli/control-client.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import type { MachineOptions } from "../../src/cli/machine-options.ts";
import { watchRun } from "../../src/cli/watch-run.ts";
import { UsageError } from "../../src/host/device.ts";
import { checkDescription, type WatchSpec } from "../../src/machine/description.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { StartMachine } from "../../src/machine/run.ts";
import { allocateParts } from "../../src/machine/shared-parts.ts";
import { watchIfWanted } from "../../src/machine/watched.ts";
import { attachMemory } from "../../src/memory/attach.ts";
import { LiveMemory } from "../../src/memory/live-memory.ts";
import { cliHere, startCli } from "../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "virtlab-watch-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
const PROGRAM = new URL("../monitor/entropy.guest.ts", import.meta.url);
const MACHINE_MS = 30_000;

const options = (more: Partial<MachineOptions>): MachineOptions => ({ device: [], arg: [], ...more });
const RNG = { devices: [{ type: "rng" }] };

/** Starts machines, and counts them. */
function starter(): { start: StartMachine; started(): number } {
  let started = 0;
  const start: StartMachine = (description) => {
    started++;
    return Machine.start(description);
  };
  return { start, started: () => started };
}

describe("Ctrl-C", () => {
  it(
    "ends a run; its trace is written and its socket removed",
    async () => {
      const [trace, control] = [path("interrupted.json"), path("interrupted")];
      const program = ["--device", "rng", "--guest", fileURLToPath(PROGRAM), "--arg", "1000000000"];
      const { child, done } = startCli(["run", ...program, "--trace", trace, "--control", control]);
      // Once something is out, the machine runs.
      await expect
        .poll(() => requestsSeen(control), { timeout: MACHINE_MS, interval: 100 })
        .toBeGreaterThan(0);
      child.kill("SIGINT");
      expect((await done).code).toBe(EXIT.interrupted);
      expect(existsSync(control)).toBe(false);
      expect((await cliHere("analyse", trace)).stdout).toMatch(/^\S+: \d+ requests/);
    },
    MACHINE_MS,
  );

  async function requestsSeen(control: string): Promise<number> {
    if (!existsSync(control)) return 0;
    const client = await ControlClient.connect(control);
    const counters = await client
      .ask<{ requests: number }[]>("counters")
      .catch(() => [])
      .finally(() => client.close());
    return counters[0]?.requests ?? 0;
  }
});

it("a folder is no trace", async () => {
  expect(await cliHere("analyse", folder)).toMatchObject({
    code: EXIT.usage,
    stderr: expect.stringContaining(`${folder}: cannot be read`),
  });
});

describe("before a machine starts", () => {
  it("a path that is taken is said to be, and left alone", async () => {
    writeFileSync(path("taken"), "mine");
    const { start, started } = starter();
    const watched = watchRun(options({ control: path("taken") }), start);
    await expect(watched.start(RNG)).rejects.toThrow(/is there already/);
    expect([started(), readFileSync(path("taken"), "utf8")]).toEqual([0, "mine"]);
  });

  it("a file that cannot be written is said to be", () => {
    for (const name of ["trace", "registers"] as const) {
      const open = () => watchRun(options({ [name]: path("none/file") }), starter().start);
      expect(open).toThrow(UsageError);
      expect(open).toThrow(`--${name}`);
    }
  });

  it("a machine that does not start takes its socket with it", async () => {
    const watched = watchRun(options({ control: path("failed") }), starter().start);
    await expect(watched.start({ devices: [{ type: "no such device" }] })).rejects.toThrow(UsageError);
    expect(existsSync(path("failed"))).toBe(false);
  });
});

describe("a machine that nobody watches", () => {
  it("has the plain memory, as if there were nothing to watch with", async () => {
    const parts = allocateParts(checkDescription(RNG));
    const { events } = parts;
    expect(await watchIfWanted(parts, { side: "driver", events: events?.guest })).toBeUndefined();
    expect(await watchIfWanted(parts, { side: "device", events: events?.host })).toBeUndefined();
    expect(attachMemory(parts.ram).constructor).toBe(LiveMemory);
    expect(parts.events).toBeUndefined();
  });
});

describe("what watches", () => {
  const WATCHES = /^(monitor|observe\/record\/recorder|memory\/recorded-memory|machine\/watch\.)/;
  const loadedBy = async (watch: Partial<WatchSpec>) => {
    const device = fileURLToPath(new URL("loaded-device.ts", import.meta.url));
    const machine = await Machine.start({ devices: [{ type: device }], watch });
    const { result, host } = await machine.run(new URL("loaded.guest.ts", import.meta.url));
    await machine.stop();
    return { guest: result as string[], host: host?.functions[0]?.model?.modules as string[] };
  };

  it(
    "is loaded where somebody watches, and nowhere else: the others are as if there were nothing of it",
    async () => {
      for (const modules of Object.values(await loadedBy({}))) {
        expect(modules).toContain("memory/live-memory.ts");
        expect(modules.filter((path) => WATCHES.test(path))).toEqual([]);
      }
      for (const modules of Object.values(await loadedBy({ monitor: true }))) {
        expect(modules).toEqual(expect.arrayContaining(["monitor/monitor.ts", "memory/recorded-memory.ts"]));
      }
    },
    MACHINE_MS,
  );
});

describe("a disk that fills up", () => {
  it(
    "spoils the trace and the registers, and not the run",
    async () => {
      const files = { trace: "/dev/full", registers: "/dev/full", control: path("machine") };
      const watched = watchRun(options(files), starter().start);
      const machine = await watched.start({ ...RNG, watch: { traceEvents: 1024 } });
      const report = await machine.run(PROGRAM, 10);
      expect(report).toMatchObject({ verdict: "completed", result: 160 });
      const client = await ControlClient.connect(path("machine"));
      expect(await client.ask("counters")).toMatchObject([{ requests: 10 }]);
      client.close();
      await machine.stop();
      expect(await watched.finish()).toBe(false);
      expect(existsSync(path("machine"))).toBe(false);
    },
    MACHINE_MS,
  );
});
