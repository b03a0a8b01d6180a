/**
 * The same driver on our device and on QEMU's makes the same register accesses in the same order. What the two devices
 * answer may differ; each register where they do is named here, and explained in docs/foreign.md.
 */
import { describe, expect, it } from "vitest";
import { blk, drivers, rng } from "../../src/drivers/index.ts";
import type { Guest } from "../../src/guest/guest.ts";
import { RecordingBus } from "../support/recording-bus.ts";
import { createOwnRig } from "./own-rig.ts";
import { createQemuRig, qemuHere } from "./qemu-rig.ts";
import type { Rig, RigOptions } from "./rig.ts";

const qemu = qemuHere();
const title = typeof qemu === "string" ? `register accesses (skipped: ${qemu})` : "register accesses";
/** Not the device's registers, and how often a kick is wanted is a matter of speed. */
const ELSEWHERE = /^(config|mmio) |^write queue notify /;

const config = (...offsets: number[]): string[] => offsets.map((offset) => `read device config +${offset}`);
/** Features offered; the most segments of a request, and the most sectors of a discard and of a write of zeroes. */
const BLK_DIFFERS = ["read device features", ...config(12, 36, 37, 38, 48, 49, 50)];
const RNG_DIFFERS = ["read device features", "read queue size"];

/** Of either side's BAR0 and QEMU's place for it. */
const BLOCK_BYTES: Readonly<Record<string, number>> = { blk: 128, rng: 32 };

const WORK: Readonly<Record<string, (guest: Guest) => Promise<unknown>>> = {
  blk: (guest) => guest.virtio.find(blk).read(0, 8),
  rng: (guest) => guest.virtio.find(rng).read(8),
};

/** Every access to the device's registers, from the probe over one request to the end of virtio-pci. */
async function record(rig: Rig, bus: RecordingBus, type: string): Promise<string[]> {
  const { guest } = rig;
  bus.msixEnabled = () => guest.pci.devices.some(({ msixMessages }) => msixMessages.length > 0);
  bus.blockBytes = BLOCK_BYTES[type] ?? 64;
  const from = bus.log.length;
  guest.boot(drivers);
  await rig.run(WORK[type]?.(guest) ?? Promise.resolve());
  guest.shutdown();
  const accesses = bus.log.slice(from).filter((line) => !ELSEWHERE.test(line));
  await rig.close();
  return accesses;
}

async function onOurs(options: RigOptions, type: string): Promise<string[]> {
  const rig = await createOwnRig(options);
  return record(rig, rig.bus, type);
}

async function onTheirs(options: RigOptions, type: string): Promise<string[]> {
  const buses: RecordingBus[] = [];
  const wrapBus = (inner: ConstructorParameters<typeof RecordingBus>[0]) => {
    const bus = new RecordingBus(inner);
    buses.push(bus);
    return bus;
  };
  const rig = await createQemuRig({ ...options, chipset: "pc", hooks: { wrapBus } });
  const [bus] = buses;
  if (bus === undefined) throw new Error("the bus was not wrapped");
  return record(rig, bus, type);
}

/** The access without what was read or written. */
const access = (line: string): string => line.replace(/ (= )?0x[0-9a-f]+$/, "");

/** Registers at which the two differ in what was read or written. */
const different = (ours: readonly string[], theirs: readonly string[]): string[] => [
  ...new Set(ours.flatMap((line, index) => (line === theirs[index] ? [] : [access(line)]))),
];

describe.skipIf(typeof qemu === "string")(title, () => {
  it.each<[type: string, tier: RigOptions["tier"], known: string[]]>([
    ["blk", "msix", BLK_DIFFERS],
    ["blk", "msix-shared", BLK_DIFFERS],
    ["blk", "intx", BLK_DIFFERS],
    ["rng", "msix", RNG_DIFFERS],
    ["rng", "intx", RNG_DIFFERS],
  ] as const)(
    "of %s with %s: the same, in the same order, but for what is known",
    async (type, tier, known) => {
      const devices = [{ type, ...(type === "blk" && { options: { size: "1M", seed: 1 } }) }];
      const options = { devices, tier, indirect: true, eventIndex: true };
      const ours = await onOurs(options, type);
      const theirs = await onTheirs(options, type);
      expect(theirs.map(access)).toEqual(ours.map(access));
      expect(different(ours, theirs)).toEqual(known);
    },
  );
});
