/** How Linux gets our devices' interrupts: with as many vectors as there are, shared, or on one line. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevices } from "../../src/foreign/linux/devices.ts";
import { LinuxMachine } from "../../src/foreign/linux/linux-machine.ts";
import { findSystemFiles } from "../../src/foreign/linux/system-files.ts";
import { formatTable } from "../../src/observe/report/tables.ts";
import { Random } from "../../src/wire/random.ts";
import { interrupts, LINUX_MS, linuxHere, startLinux } from "./linux-rig.ts";
import { FULL } from "./matrix.ts";

const linux = linuxHere();
const title = typeof linux === "string" ? `Linux's interrupts (skipped: ${linux})` : "Linux's interrupts";
const SIZE = { size: "4M", seed: 3 };
const content = new Uint8Array(4 << 20);
new Random(SIZE.seed).fill(content);
const SUM = createHash("md5").update(content).digest("hex");
const work = (disk: string) => `dd if=/dev/${disk} of=/dev/null bs=64k 2>/dev/null`;

describe.skipIf(typeof linux === "string")(title, { timeout: LINUX_MS }, () => {
  it("with 0, 1, 2 and 4 vectors: the line, the line, one for all queues, one for each", async () => {
    const machine = await startLinux({
      others: [0, 1, 2, 4].map((vectors) => ({ type: "net", vectors, options: { responder: true } })),
    });
    for (let nic = 0; nic < 4; nic++) {
      await machine.check(
        `ip link set eth${nic} up; ip addr add 10.0.2.15/24 dev eth${nic}; ping -c 1 -I eth${nic} 10.0.2.2`,
      );
      await machine.check(`ip addr flush dev eth${nic}`);
    }
    const rows = await interrupts(machine);
    await machine.stop();
    console.log(
      formatTable(
        ["irq", "chip", "for"],
        rows.map(({ irq, chip, names }) => [irq, chip, names]),
      ),
    );
    const namesOf = (device: number) =>
      rows
        .filter(({ names }) => names.includes(`virtio${device}`))
        .map(({ chip, names }) => `${chip} ${names}`);
    expect(namesOf(0)).toEqual(["IO-APIC virtio0"]);
    expect(namesOf(1)).toEqual(["IO-APIC virtio1"]);
    expect(namesOf(2)).toEqual(["PCI-MSI virtio2-config", "PCI-MSI virtio2-virtqueues"]);
    expect(namesOf(3)).toEqual([
      "PCI-MSI virtio3-config",
      "PCI-MSI virtio3-input.0",
      "PCI-MSI virtio3-output.0",
    ]);
    expect(machine.violations).toEqual([]);
  });

  it.skipIf(!FULL)("on one line for three devices that work at once", async () => {
    const machine = await startLinux({
      others: [
        { type: "blk", slot: 8, vectors: 0, options: SIZE },
        { type: "rng", slot: 16, vectors: 0 },
        { type: "blk", slot: 20, vectors: 0, options: SIZE },
      ],
    });
    await machine.check(
      `${work("vda")} & ${work("vdb")} & dd if=/dev/hwrng bs=64 count=500 of=/dev/null 2>/dev/null; wait`,
    );
    const rows = await interrupts(machine);
    await machine.stop();
    expect(rows.map(({ names }) => names)).toEqual(["virtio0, virtio1, virtio2"]);
    expect(rows[0]?.count).toBeGreaterThan(500);
    expect(machine.violations).toEqual([]);
  });
});

/** One boot has each way to offer a ring, on a disk and an entropy source each. */
const RINGS = [true, false].flatMap((indirect) =>
  [true, false].map((eventIndex) => ({ indirect, eventIndex })),
);
const BOOTS = [true, false].flatMap((acpi) => [
  { acpi, vectors: "none", few: { vectors: 0 } },
  { acpi, vectors: "one for each queue", few: {} },
]);

describe.skipIf(typeof linux === "string" || !FULL).each(BOOTS)(
  `${title}, from a cold start, acpi $acpi, vectors $vectors`,
  { timeout: LINUX_MS },
  ({ acpi, few }) => {
    let machine: LinuxMachine;

    beforeAll(async () => {
      const devices = RINGS.map((ring, index) => ({
        machine: ring,
        others: [
          { type: "blk", slot: 8 + 2 * index, ...few, options: SIZE },
          { type: "rng", slot: 9 + 2 * index, ...few },
        ],
      }));
      const opened = await Promise.all(devices.map(openDevices));
      machine = await LinuxMachine.start({
        acpi,
        files: findSystemFiles({}),
        devices: opened.flatMap((each) => each.opened),
      });
    }, LINUX_MS);
    afterAll(() => machine?.stop());

    it.each(RINGS.map((ring, index) => ({ ...ring, index })))(
      "indirect $indirect, event index $eventIndex",
      async ({ indirect, eventIndex, index }) => {
        const disk = `vd${"abcd"[index]}`;
        await machine.check(
          `echo virtio_rng.${index} >/sys/class/misc/hw_random/rng_current
          ${work(disk)} & dd if=/dev/hwrng bs=64 count=100 of=/dev/null 2>/dev/null; wait`,
        );
        expect(await machine.check(`md5sum </dev/${disk}`)).toContain(SUM);
        const bound = [`virtio${2 * index}`, `virtio${2 * index + 1}`];
        const rows = (await interrupts(machine)).filter(({ names }) =>
          names.split(/[ ,]+/).some((name) => bound.includes(name.split("-")[0] ?? "")),
        );
        const expected = acpi ? ("vectors" in few ? "IO-APIC" : "PCI-MSI") : "XT-PIC";
        expect([...new Set(rows.map(({ chip }) => chip))]).toEqual([expected]);
        expect(Math.max(...rows.map(({ count }) => count))).toBeGreaterThan(0);
        for (const device of bound) {
          const features = await machine.check(`cut -c29-30 /sys/bus/virtio/devices/${device}/features`);
          expect(features).toBe(`${Number(indirect)}${Number(eventIndex)}`);
        }
        expect(machine.violations).toEqual([]);
      },
    );
  },
);
