/** The acceptance suite: our driver on QEMU's device. */
import { describe } from "vitest";
import { CHIPSETS } from "../../src/foreign/qemu/chipset.ts";
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
    });
  }
  for (const chipset of CHIPSETS) {
    describe(chipset, () => {
      acceptSharedLine((options) => createQemuRig({ ...options, chipset }));
    });
  }
});
