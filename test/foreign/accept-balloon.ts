/** What a balloon must do behind our driver, whoever made it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { balloon } from "../../src/drivers/index.ts";
import { BALLOON_PAGE_SIZE } from "../../src/wire/balloon.ts";
import { caseName, type RingCase } from "./matrix.ts";
import type { CreateRig, Rig } from "./rig.ts";

/** Up and down, by more than one list of pages and by less. */
const TARGETS_MB = [1, 4, 3, 8, 0];
const MEGABYTE = 1 << 20;

export function acceptBalloon(create: CreateRig, ring: RingCase): void {
  describe(`balloon (${caseName(ring)})`, () => {
    let rig: Rig;
    const driver = () => rig.guest.virtio.find(balloon);
    const follow = async (megabytes: number) => {
      await rig.deviceCommand("balloon", "target", `${megabytes}M`);
      const pages = (megabytes * MEGABYTE) / BALLOON_PAGE_SIZE;
      await rig.until(`${pages} pages in the balloon`, () => driver().actualPages === pages);
    };
    beforeAll(async () => {
      rig = await create({ devices: [{ type: "balloon" }], ...ring });
      rig.guest.boot([balloon]);
    });
    afterAll(() => rig?.close());

    it("binds as asked", () => {
      expect(rig.guest.virtio.describe()[0]).toMatchObject({ driver: balloon.name, ...ring });
    });

    it("is told of each target, and takes and gives back that much memory", async () => {
      const before = rig.guest.memory.allocatedBytes;
      for (const megabytes of TARGETS_MB) {
        await follow(megabytes);
        expect(rig.guest.memory.allocatedBytes - before).toBe(megabytes * MEGABYTE);
      }
    });

    it("gives all back when its driver leaves", async () => {
      const { guest } = rig;
      await follow(2);
      guest.virtio.unregisterDriver(balloon);
      expect(guest.memory.allocatedBytes).toBe(0);
      await rig.deviceCommand("balloon", "target", "0M");
      guest.virtio.registerDriver(balloon);
      await follow(1);
    });
  });
}
