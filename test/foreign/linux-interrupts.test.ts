/** How Linux gets our devices' interrupts: with as many vectors as there are, shared, or on one line. */
import { describe, expect, it } from "vitest";
import { formatTable } from "../../src/observe/report/tables.ts";
import { interrupts, LINUX_MS, linuxHere, startLinux } from "./linux-rig.ts";
import { FULL } from "./matrix.ts";

const linux = linuxHere();
const title = typeof linux === "string" ? `Linux's interrupts (skipped: ${linux})` : "Linux's interrupts";
const SIZE = { size: "4M", seed: 3 };
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

  it("on one line for three devices that work at once", async () => {
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

const CASES = [true, false].flatMap((acpi) =>
  [0, undefined].flatMap((vectors) =>
    [true, false].flatMap((indirect) =>
      [true, false].map((eventIndex) => ({ acpi, vectors, indirect, eventIndex })),
    ),
  ),
);

describe.skipIf(typeof linux === "string" || !FULL)(
  `${title}, from a cold start`,
  { timeout: LINUX_MS },
  () => {
    it.each(CASES)(
      "acpi $acpi, vectors $vectors, indirect $indirect, event index $eventIndex",
      async (each) => {
        const { acpi, vectors, indirect, eventIndex } = each;
        const machine = await startLinux({
          acpi,
          snapshot: false,
          machine: { indirect, eventIndex },
          others: [
            { type: "blk", ...(vectors !== undefined && { vectors }), options: SIZE },
            { type: "rng", ...(vectors !== undefined && { vectors }) },
          ],
        });
        await machine.check(
          `${work("vda")} & dd if=/dev/hwrng bs=64 count=100 of=/dev/null 2>/dev/null; wait`,
        );
        const chips = new Set((await interrupts(machine)).map(({ chip }) => chip));
        const features = await machine.check("cut -c29-30 /sys/bus/virtio/devices/virtio0/features");
        await machine.stop();
        const expected = acpi ? (vectors === 0 ? "IO-APIC" : "PCI-MSI") : "XT-PIC";
        expect([...chips]).toEqual([expected]);
        expect(features).toBe(`${Number(indirect)}${Number(eventIndex)}`);
        expect(machine.violations).toEqual([]);
      },
    );
  },
);
