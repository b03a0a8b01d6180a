/** What an entropy device must do behind our driver, whoever made it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rng } from "../../src/drivers/index.ts";
import { caseName, type RingCase } from "./matrix.ts";
import type { CreateRig, Rig } from "./rig.ts";

const LENGTHS = [1, 2, 63, 64, 65, 1000, 4096];
/** QEMU's queue has eight entries. */
const AT_ONCE = 8;
const ROUNDS = 20;

export function acceptRng(create: CreateRig, ring: RingCase): void {
  describe(`rng (${caseName(ring)})`, () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await create({ devices: [{ type: "rng" }], ...ring });
      rig.guest.boot([rng]);
    });
    afterAll(() => rig?.close());

    it("binds as asked", () => {
      expect(rig.guest.virtio.describe()[0]).toMatchObject({ driver: rng.name, ...ring });
    });

    it.each(LENGTHS)("gives 1 to %i bytes", async (length) => {
      const { length: got } = await rig.run(rig.guest.virtio.find(rng).read(length));
      expect(got).toBeGreaterThan(0);
      expect(got).toBeLessThanOrEqual(length);
    });

    it("never gives the same twice, with a full queue", async () => {
      const seen = new Set<string>();
      for (let round = 0; round < ROUNDS; round++) {
        const reads = Array.from({ length: AT_ONCE }, () => rig.guest.virtio.find(rng).read(16));
        for (const bytes of await rig.run(Promise.all(reads))) seen.add(Buffer.from(bytes).toString("hex"));
      }
      expect(seen.size).toBe(ROUNDS * AT_ONCE);
    });
  });
}
