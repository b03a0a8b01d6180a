/** The acceptance suite: our driver on QEMU's device. */
import { describe, expect, it } from "vitest";
import { balloon } from "../../src/drivers/index.ts";
import { CHIPSETS } from "../../src/foreign/qemu/chipset.ts";
import { acceptBalloon } from "./accept-balloon.ts";
import { acceptBlk } from "./accept-blk.ts";
import { acceptConsole } from "./accept-console.ts";
import { acceptNet } from "./accept-net.ts";
import { acceptRng } from "./accept-rng.ts";
import { acceptSharedLine } from "./accept-shared-line.ts";
import { QEMU_CASES } from "./matrix.ts";
import { createQemuRig, qemuHere } from "./qemu-rig.ts";

const qemu = qemuHere();
const title = typeof qemu === "string" ? `QEMU (skipped: ${qemu})` : `QEMU ${qemu.version}`;

describe.skipIf(typeof qemu === "string")(title, () => {
  for (const { chipset, ...ring } of QEMU_CASES) {
    describe(chipset, () => {
      acceptBlk((options) => createQemuRig({ ...options, chipset }), ring);
      acceptRng((options) => createQemuRig({ ...options, chipset }), ring);
      acceptNet((options) => createQemuRig({ ...options, chipset }), ring);
      acceptConsole((options) => createQemuRig({ ...options, chipset }), ring);
      if (ring.tier === "intx") acceptBalloon((options) => createQemuRig({ ...options, chipset }), ring);
    });
  }

  it("has no MSI-X for its balloon: the driver falls back to a line, or does without the balloon", async () => {
    const base = { devices: [{ type: "balloon" }], indirect: true, eventIndex: true, chipset: "pc" } as const;
    const open = await createQemuRig({ ...base, tier: "auto" });
    open.guest.boot([balloon]);
    expect(open.guest.virtio.describe()[0]).toMatchObject({ driver: balloon.name, tier: "intx" });
    await open.close();
    const strict = await createQemuRig({ ...base, tier: "msix" });
    strict.guest.boot([balloon]);
    expect(strict.guest.virtio.describe()[0]).toMatchObject({ driver: null, tier: "none" });
    expect(strict.log.join()).toMatch(/MSI-X vectors, there are 0/);
    await strict.close();
  });

  for (const chipset of CHIPSETS) {
    describe(chipset, () => {
      acceptSharedLine((options) => createQemuRig({ ...options, chipset }));
    });
  }
});
