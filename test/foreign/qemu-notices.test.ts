/**
 * Negative controls: a fault planted in our driver is one that QEMU notices. Each fault is alone with a block device;
 * the evidence is what QEMU says, or that it does not do what a sound driver gets from it.
 */
import { afterEach, describe, expect, it } from "vitest";
import type { PortBus } from "../../src/bus/port-bus.ts";
import { blk } from "../../src/drivers/index.ts";
import { FEATURE } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { MSIX } from "../../src/wire/pci.ts";
import { DESCRIPTOR, DESCRIPTOR_BYTES, DESCRIPTOR_FLAG } from "../../src/wire/ring.ts";
import { createQemuRig, type QemuRig, type QemuRigOptions, qemuHere } from "./qemu-rig.ts";
import { type Spoil, spoilBus, spoilMemory } from "./spoil.ts";

const qemu = qemuHere();
const title = typeof qemu === "string" ? `QEMU (skipped: ${qemu})` : `QEMU ${qemu.version} notices`;
/** Far more than a request takes. */
const SILENCE_MS = 200;
const NOWHERE = 0xf000_0000;
/** Where QEMU puts them behind the table. */
const PENDING_BITS = 0x800;

const SOUND = { tier: "msix", indirect: false, eventIndex: false } as const;
let rig: QemuRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

async function start(options: Partial<QemuRigOptions>): Promise<QemuRig> {
  rig = await createQemuRig({
    ...SOUND,
    chipset: "pc",
    devices: [{ type: "blk", options: { size: "1M" } }],
    ...options,
  });
  rig.guest.boot([blk]);
  return rig;
}

/** "answered", the error's message, or "silence". */
async function outcomeOf({ guest, run }: QemuRig): Promise<string> {
  const silence = new Promise<string>((resolve) => setTimeout(() => resolve("silence"), SILENCE_MS));
  const read = guest.virtio.find(blk).read(0, 8);
  const answered = read.then(
    () => "answered",
    (error: Error) => error.message,
  );
  return run(Promise.race([answered, silence]));
}

/** Only descriptors' fields at this offset. */
const field =
  (offset: number, spoil: Spoil): Spoil =>
  (value, at) =>
    at % DESCRIPTOR_BYTES === offset ? spoil(value, at) : value;
const descriptor = (offset: number, spoil: Spoil) => ({
  wrapMemory: spoilMemory("driver: write descriptor", field(offset, spoil)),
});
/** Flags and next are stored as one word. */
const chainedTo = (next: number) =>
  descriptor(DESCRIPTOR.flags, (word) =>
    (word & DESCRIPTOR_FLAG.NEXT) === 0 ? word : (word & 0xffff) | (next << 16),
  );
const port = (offset: number, spoil: Spoil) => ({ wrapBus: spoilBus({ port: { offset, spoil } }) });
const table = (offset: number, spoil: Spoil) => ({ wrapBus: spoilBus({ mmio: { offset, spoil } }) });
const lost: Spoil = () => undefined;

describe.skipIf(typeof qemu === "string")(title, () => {
  it("nothing, where nothing is wrong", async () => {
    const sound = await start({});
    expect(await outcomeOf(sound)).toBe("answered");
    expect(sound.qemu.process.stderr).toBe("");
  });

  it("nothing of an indirect descriptor with a next, which our device refuses: it serves it", async () => {
    const hooks = descriptor(DESCRIPTOR.flags, (word) =>
      (word & DESCRIPTOR_FLAG.INDIRECT) === 0 ? word : word | DESCRIPTOR_FLAG.NEXT,
    );
    const lenient = await start({ indirect: true, hooks });
    expect([await outcomeOf(lenient), lenient.qemu.process.stderr]).toEqual(["answered", ""]);
  });

  const chained = { indirect: false };
  const indirect = { indirect: true };
  it.each<[fault: string, options: Partial<QemuRigOptions>, says: RegExp]>([
    [
      "avail.idx runs ahead of the ring",
      { hooks: { wrapMemory: spoilMemory("driver: publish avail.idx", (index) => index + 1000) } },
      /Virtqueue size exceeded/,
    ],
    [
      "a ring entry that names no descriptor",
      { hooks: { wrapMemory: spoilMemory("driver: write avail ring entry", () => 60_000) } },
      /Guest says index 60000 is available/,
    ],
    ["a chain that leads back to its head", { ...chained, hooks: chainedTo(0) }, /Looped descriptor/],
    ["a next that lies outside the table", { ...chained, hooks: chainedTo(999) }, /Desc next is 999/],
    [
      "a readable segment behind a writable one",
      {
        ...chained,
        hooks: descriptor(DESCRIPTOR.flags, (flags) => flags ^ DESCRIPTOR_FLAG.WRITE),
      },
      /Incorrect order for descriptors/,
    ],
    ["a segment of no bytes", { hooks: descriptor(DESCRIPTOR.length, () => 0) }, /zero sized buffers/],
    [
      "a buffer where there is no memory",
      { hooks: descriptor(DESCRIPTOR.addressLow, () => NOWHERE) },
      /bogus descriptor or out of resources/,
    ],
    [
      "an indirect table of 1.5 descriptors",
      {
        ...indirect,
        hooks: descriptor(DESCRIPTOR.length, (length) => (length === 3 * DESCRIPTOR_BYTES ? 24 : length)),
      },
      /Invalid size for indirect buffer table/,
    ],
    [
      "a request without a status byte",
      {
        ...chained,
        hooks: descriptor(DESCRIPTOR.flags, (flags) => flags & ~DESCRIPTOR_FLAG.WRITE),
      },
      /virtio-blk missing headers/,
    ],
    [
      "a request header of 8 bytes",
      { ...chained, hooks: descriptor(DESCRIPTOR.length, (length) => (length === 16 ? 8 : length)) },
      /virtio-blk request outhdr too short/,
    ],
  ])("%s, and says so", async (_, options, says) => {
    const spoilt = await start(options);
    let answered = false;
    spoilt.guest.virtio
      .find(blk)
      .read(0, 8)
      .then(
        () => {
          answered = true;
        },
        () => undefined,
      );
    await spoilt.until(`QEMU to say ${says}`, () => says.test(spoilt.qemu.process.stderr));
    expect(answered).toBe(false);
  });

  it.each<[fault: string, options: Partial<QemuRigOptions>]>([
    [
      "nothing of a request that is never published",
      { hooks: { wrapMemory: spoilMemory("driver: publish avail.idx", lost) } },
    ],
    ["nothing without a kick", { hooks: port(LEGACY.queueNotify.offset, lost) }],
    ["nothing of a kick for another queue", { hooks: port(LEGACY.queueNotify.offset, () => 1) }],
    ["another ring, 64 KiB further up", { hooks: port(LEGACY.queuePfn.offset, (pfn) => pfn + 16) }],
    [
      "a message address that is nobody's",
      { hooks: table(MSIX.entryBytes + MSIX.entryAddress, (address) => address + 1024) },
    ],
    ["a table entry that is left masked", { hooks: table(MSIX.entryBytes + MSIX.entryControl, () => 1) }],
  ])("%s: the request is never heard of again", async (_, options) => {
    expect(await outcomeOf(await start(options))).toBe("silence");
  });

  it("a masked entry as pending in the table's pending bits", async () => {
    const spoilt = await start({ hooks: table(MSIX.entryBytes + MSIX.entryControl, () => 1) });
    await outcomeOf(spoilt);
    const { pci } = spoilt.guest;
    const bar = pci.devices.find(({ name }) => name === "00:04.0")?.bar(1);
    expect(pci.bus.mmioRead((bar?.address ?? 0) + PENDING_BITS, 4)).toBe(0b10);
  });

  it("a used_event that stays behind: one interrupt, and no other", async () => {
    const spoilt = await start({
      eventIndex: true,
      hooks: { wrapMemory: spoilMemory("driver: write used_event", lost) },
    });
    expect([await outcomeOf(spoilt), await outcomeOf(spoilt)]).toEqual(["answered", "silence"]);
  });

  it("a request type that does not exist", async () => {
    const hooks = { wrapMemory: spoilMemory("driver: buffer", (value, at) => (at % 64 === 0 ? 99 : value)) };
    expect(await outcomeOf(await start({ hooks }))).toMatch(/request type 0.*not supported/);
  });

  it("a vector that its table does not have, and refuses it", async () => {
    const spoilt = await start({ hooks: port(LEGACY.queueVector.offset, () => 9) });
    expect(spoilt.log.join()).toMatch(/the device refused vector 1 for queue 0/);
  });

  it("the feature bit that nobody may accept, and takes back all others", async () => {
    const bad = 2 ** FEATURE.BAD_FEATURE;
    const spoilt = await start({ hooks: port(LEGACY.guestFeatures.offset, (features) => features + bad) });
    const bar = spoilt.guest.pci.devices.find(({ name }) => name === "00:04.0")?.bar(0);
    expect(spoilt.guest.pci.bus.in((bar?.address ?? 0) + LEGACY.guestFeatures.offset, 4)).toBe(0);
  });

  it("a reset that never comes: status stays, and the driver is told", async () => {
    const spoilt = await start({
      hooks: port(LEGACY.status.offset, (status) => (status === 0 ? undefined : status)),
    });
    expect(() => spoilt.guest.virtio.unregisterDriver(blk)).toThrow(/does not complete its reset/);
  });

  it("an ISR that nobody reads: the line stays up, and the interrupt comes again and again", async () => {
    const wrapBus = (bus: PortBus): PortBus => ({
      in: (at, width) => (at % 128 === LEGACY.isr.offset ? 1 : bus.in(at, width)),
      out: (at, width, value) => bus.out(at, width, value),
      mmioRead: (at, width) => bus.mmioRead(at, width),
      mmioWrite: (at, width, value) => bus.mmioWrite(at, width, value),
    });
    const spoilt = await start({ tier: "intx", hooks: { wrapBus } });
    expect(await outcomeOf(spoilt)).toBe("answered");
    expect(spoilt.guest.irq.table()[0]?.counts[0]).toBeGreaterThan(1000);
  });
});
