/** Three functions on one INTx line, behind our driver. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blk, rng } from "../../src/drivers/index.ts";
import type { CreateRig, Rig } from "./rig.ts";

const ROUNDS = 20;
/** Slots four apart share a line. */
const devices = [
  { type: "blk", slot: 4, options: { size: "1M", seed: 1 } },
  { type: "rng", slot: 8 },
  { type: "rng", slot: 12 },
];

export function acceptSharedLine(create: CreateRig): void {
  describe("three devices on one INTx line", () => {
    let rig: Rig;
    const work = async () => {
      const { virtio } = rig.guest;
      for (let round = 0; round < ROUNDS; round++) {
        await rig.run(
          Promise.all([
            virtio.find(blk).read(round, 4),
            ...virtio.findAll(rng).map((source) => source.read(64)),
          ]),
        );
      }
    };
    beforeAll(async () => {
      rig = await create({ devices, tier: "intx", indirect: true, eventIndex: true });
      rig.guest.boot([blk, rng]);
    });
    afterAll(() => rig?.close());

    it("all have the same irq, and all get their interrupts", async () => {
      await work();
      const rows = rig.guest.irq.table();
      expect(rows.map(({ names }) => names)).toEqual([["virtio0", "virtio1", "virtio2"]]);
      expect(rows[0]?.counts[0]).toBeGreaterThan(0);
    });

    it("goes on for two when one leaves", async () => {
      const source = rig.guest.pci.devices.find(({ bdf }) => bdf.slot === 8);
      if (source === undefined) throw new Error("no device in slot 8");
      rig.guest.pci.unbind(source);
      expect(rig.guest.irq.table().map(({ names }) => names)).toEqual([["virtio0", "virtio2"]]);
      await work();
    });
  });
}
