/**
 * The order of register accesses, which is the contract between a driver and a device: Linux's driver and ours do the
 * same to the same device, side by side. Every difference is known, and explained in docs/foreign.md.
 */
import { describe, expect, it } from "vitest";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk as blkModel } from "../../src/devices/blk/model.ts";
import { blk } from "../../src/drivers/index.ts";
import { RegisterLog } from "../../src/foreign/linux/register-log.ts";
import { formatTable } from "../../src/observe/report/tables.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { LINUX_MS, linuxHere, startLinux } from "./linux-rig.ts";
import { FULL } from "./matrix.ts";

const linux = linuxHere();
const title = typeof linux === "string" ? `order of accesses (skipped: ${linux})` : "order of accesses";
const BYTES = 1 << 20;

const device = (msixVectors: number) => ({
  slot: 8,
  name: "blk",
  virtioId: 2,
  model: blkModel(memoryDisk({ bytes: BYTES, readOnly: false })),
  queueSize: 256,
  msixVectors,
  transportFeatures: RING_FEATURES,
});

/** Steps since the last call. What was transferred is left out but for status; so are requests and interrupts. */
function stepsOf(log: RegisterLog): string[] {
  const steps: string[] = [];
  for (const { direction, register, value } of log.accesses.splice(0)) {
    const name = register.replace(/ \+.*/, "");
    const step = `${direction} ${name}${name === "device status" && direction === "write" ? ` ${value}` : ""}`;
    if (name === "queue notify") continue;
    // Fields are read byte by byte; which of them, and how often, is the drivers' own business.
    if (name !== "device config" || steps.at(-1) !== step) steps.push(step);
  }
  return steps;
}

async function linuxSteps(msixVectors: number) {
  const log = new RegisterLog();
  const machine = await startLinux({ intercept: log.intercept.bind(log) });
  machine.host.addDevice(device(msixVectors));
  await machine.check("echo 1 >/sys/bus/pci/rescan; sleep 0.2");
  // With the line, requests of the partition scan read ISR.
  const probe = stepsOf(log).filter((step) => msixVectors > 0 || step !== "read ISR status");
  await machine.check("echo virtio0 >/sys/bus/virtio/drivers/virtio_blk/unbind");
  const remove = stepsOf(log);
  await machine.stop();
  return { probe, remove };
}

function ourSteps(msixVectors: number) {
  const log = new RegisterLog();
  const machine = new DirectMachine({ ramBytes: 16 << 20, intercept: log.intercept.bind(log) });
  machine.add(device(msixVectors));
  machine.guest.boot([blk]);
  const probe = stepsOf(log);
  machine.guest.virtio.unregisterDriver(blk);
  return { probe, remove: stepsOf(log) };
}

/** Longest common subsequence, as rows of both columns. */
function align(left: readonly string[], right: readonly string[]): [string, string][] {
  const length = left.map(() => right.map(() => 0));
  const at = (i: number, j: number): number => length[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--) {
    const row = length[i] ?? [];
    for (let j = right.length - 1; j >= 0; j--) {
      row[j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const rows: [string, string][] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [mine, other] = [left[i] ?? "", right[j] ?? ""];
    if (i < left.length && mine === other) rows.push([left[i++] ?? "", right[j++] ?? ""]);
    else if (j >= right.length || (i < left.length && at(i + 1, j) >= at(i, j + 1)))
      rows.push([left[i++] ?? "", ""]);
    else rows.push(["", right[j++] ?? ""]);
  }
  return rows;
}

const differences = (rows: readonly [string, string][]): string[] =>
  rows
    .filter(([left, right]) => left !== right)
    .map(([left, right]) => (left === "" ? `ours: ${right}` : `Linux: ${left}`));

describe.skipIf(typeof linux === "string")(title, { timeout: LINUX_MS }, () => {
  it.each(FULL ? [2, 0] : [2])("is the same with %i vectors, but for what is explained", async (vectors) => {
    const [theirs, ours] = [await linuxSteps(vectors), ourSteps(vectors)];
    const probe = align(theirs.probe, ours.probe);
    const remove = align(theirs.remove, ours.remove);
    console.log(formatTable(["Linux, probe", "ours"], probe));
    console.log(formatTable(["Linux, remove", "ours"], remove));
    expect(differences(probe)).toEqual([
      "ours: read device status",
      "Linux: write queue select",
      "Linux: write queue select",
      ...(vectors > 0 ? ["Linux: write queue select"] : []),
      "Linux: read device config",
      "Linux: read device status",
    ]);
    expect(differences(remove)).toEqual(
      vectors > 0 ? ["Linux: read queue vector", "Linux: write queue select"] : [],
    );
  });
});
