/** A virtlab NIC and a QEMU NIC talk over a socket: our device and driver here, QEMU's device and our driver there. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import definition from "../../src/devices/net/definition.ts";
import { type Nic, net } from "../../src/drivers/index.ts";
import { frameOf } from "../drivers/net-rig.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { platform } from "../support/host-rig.ts";
import { createQemuRig, qemuHere } from "./qemu-rig.ts";

const qemu = qemuHere();
const title = typeof qemu === "string" ? `QEMU (skipped: ${qemu})` : `QEMU ${qemu.version} over a socket`;

const FRAMES = 10_000;
const IN_FLIGHT = 40;

async function bothEnds() {
  const path = join(tmpdir(), `virtlab-stream-${process.pid}`);
  rmSync(path, { force: true });
  const machine = new DirectMachine();
  const model = await definition.create({ backend: "socket", listen: path }, platform);
  machine.add({ model, virtioId: 1, queueSize: 256, msixVectors: 4 });
  machine.guest.boot([net]);
  const options = { backend: "socket", connect: path, mac: "52:54:00:00:00:0b" };
  const rig = await createQemuRig({
    devices: [{ type: "net", slot: 4, queueSize: 256, options }],
    tier: "msix",
    indirect: true,
    eventIndex: true,
    chipset: "pc",
  });
  onTestFinished(async () => {
    await rig.close();
    await machine.host.close();
  });
  rig.guest.boot([net]);
  const turn = (holds: () => boolean) => () => {
    machine.host.poll();
    machine.guest.poll();
    return holds();
  };
  return {
    ours: machine.guest.virtio.find<Nic>(net),
    theirs: rig.guest.virtio.find<Nic>(net),
    until: (what: string, holds: () => boolean) => rig.until(what, turn(holds)),
  };
}

describe.skipIf(typeof qemu === "string")(title, () => {
  it("exchanges 10,000 frames each way: none lost, none changed, in order", async () => {
    const { ours, theirs, until } = await bothEnds();
    await until("the link", () => ours.linkUp);
    const nics = [ours, theirs];
    const sent = nics.map(() => createHash("sha256"));
    const heard = nics.map((nic) => {
      const hash = createHash("sha256");
      nic.onFrame((frame) => hash.update(frame));
      return hash;
    });
    for (let at = 0; at < FRAMES; at += IN_FLIGHT) {
      for (const [i, nic] of nics.entries()) {
        for (let seed = at; seed < at + IN_FLIGHT; seed++) {
          const frame = frameOf(60 + ((seed * 31) % 1455), seed + i);
          sent[i]?.update(frame);
          void nic.send(frame);
        }
      }
      await until("the frames", () => nics.every(({ counters }) => counters.rxFrames >= at + IN_FLIGHT));
    }
    const digests = sent.map((hash) => hash.digest("hex"));
    expect(heard.map((hash) => hash.digest("hex"))).toEqual([digests[1], digests[0]]);
  });
});
