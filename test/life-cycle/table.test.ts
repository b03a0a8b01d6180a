/**
 * The life-cycle table: every device, on every interrupt path, through every stage of its life, on a live machine of
 * two threads. Printed at the end.
 */
import { afterAll, describe, expect, test } from "vitest";
import type { DeviceDescription, InterruptMode } from "../../src/machine/description.ts";
import { Machine } from "../../src/machine/machine.ts";
import { formatTable } from "../../src/observe/report/tables.ts";
import { ADAPTERS } from "./adapters/index.ts";
import type { Endings } from "./settle.ts";
import type { GuestStep, StepArgs } from "./steps.guest.ts";

const PROGRAM = new URL("./steps.guest.ts", import.meta.url);
/** Slots 4, 8, 12 and 16 share one INTx line. */
const SLOT = 4;
const NEIGHBOUR_SLOTS = [8, 12, 16];

const PATHS = [
  { path: "msix", interrupts: "msix", sharers: 1 },
  { path: "msix-shared", interrupts: "msix-shared", sharers: 1 },
  { path: "intx", interrupts: "intx", sharers: 1 },
  { path: "intx shared by four", interrupts: "intx", sharers: 1 + NEIGHBOUR_SLOTS.length },
] as const satisfies { path: string; interrupts: InterruptMode; sharers: number }[];

const COLUMNS = ["probe", "traffic", "reset", "rebind", "unplug", "surprise", "suspend"] as const;
type Column = (typeof COLUMNS)[number];
const HEADINGS = [
  "device",
  "interrupts",
  "probe",
  "traffic",
  "reset in flight",
  "unbind/rebind",
  "unplug",
  "surprise unplug",
  "suspend/resume",
];

const rows: string[][] = [];

describe.each(Object.values(ADAPTERS))("$name", (adapter) => {
  test.each(PATHS)("through its life on $path", async ({ path, interrupts, sharers }) => {
    const neighbours = NEIGHBOUR_SLOTS.slice(0, sharers - 1).map((slot) => ({
      type: adapter.neighbour,
      slot,
    }));
    const prepared = adapter.prepare?.();
    const device = { ...adapter.device, ...(prepared && { options: prepared.options }), slot: SLOT };
    const machine = await Machine.start({
      interrupts,
      devices: [device, ...neighbours],
    });
    const cells: string[] = [];
    const channel = `life-cycle ${adapter.name} ${path}`;
    try {
      for (const column of COLUMNS)
        cells.push(
          await cell(machine, device, column, { adapter: adapter.name, tier: interrupts, sharers, channel }),
        );
    } finally {
      rows.push([adapter.name, path, ...COLUMNS.map((_, index) => cells[index] ?? "FAILED")]);
      await machine.stop();
      prepared?.cleanUp();
    }
    expect(cells).toHaveLength(COLUMNS.length);
  });
});

afterAll(() => {
  process.stdout.write(
    `\nok: data verified after the event; (n+m): of the requests in flight n were answered, m cancelled\n\n` +
      `${formatTable(HEADINGS, rows)}\n\n`,
  );
});

async function cell(
  machine: Machine,
  device: DeviceDescription,
  column: Column,
  args: Omit<StepArgs, "step">,
): Promise<string> {
  const step = (name: GuestStep) => runStep(machine, { ...args, step: name });
  if (column !== "unplug" && column !== "surprise") return describeEndings(await step(column));
  const inFlight = heard(args.channel);
  const unplugging = step("unplug");
  // A guest that fails before it gets there is its own answer.
  await Promise.race([inFlight, unplugging]);
  await machine.unplug(SLOT, { surprise: column === "surprise" });
  const endings = await unplugging;
  await step("absent");
  expect(await machine.plug(device)).toBe(SLOT);
  await step("probe");
  await step("traffic");
  return describeEndings(endings);
}

/** The next message on the channel. */
function heard(name: string): Promise<void> {
  const channel = new BroadcastChannel(name);
  return new Promise((resolve) => {
    channel.onmessage = () => {
      channel.close();
      resolve();
    };
  });
}

async function runStep(machine: Machine, args: StepArgs) {
  const report = await machine.run(PROGRAM, args);
  expect(report, `${args.step}: ${report.reason}`).toMatchObject({ verdict: "completed", violations: [] });
  return report.result as Endings | null;
}

const describeEndings = (endings: Endings | null): string =>
  endings === null ? "ok" : `ok (${endings.fulfilled}+${endings.cancelled})`;
