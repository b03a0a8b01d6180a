/** What two network devices on one hub must do behind our driver, whoever made them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancelledError, net } from "../../src/drivers/index.ts";
import { caseName, type RingCase } from "./matrix.ts";
import type { CreateRig, Rig } from "./rig.ts";

const LENGTHS = [60, 61, 128, 1000, 1514];
const BURST = 200;
const IN_FLIGHT = 32;
const MACS = ["52:54:00:00:00:0a", "52:54:00:00:00:0b"] as const;
const devices = MACS.map((mac, index) => ({
  type: "net",
  slot: 4 + index,
  options: { backend: "hub", mac },
}));

const bytesOf = (mac: string): number[] => mac.split(":").map((byte) => Number.parseInt(byte, 16));

/** To `MACS[to]`, of a type that nobody answers, the rest filled with what `salt` gives. */
function frame(to: number, length: number, salt: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, index) => index * 13 + salt);
  bytes.set([...bytesOf(MACS[to] ?? ""), ...bytesOf(MACS[1 - to] ?? ""), 0x88, 0xb5]);
  return bytes;
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export function acceptNet(create: CreateRig, ring: RingCase): void {
  describe(`net (${caseName(ring)})`, () => {
    let rig: Rig;
    const nics = () => rig.guest.virtio.findAll(net);
    const nic = (index: number) => rig.guest.virtio.find(net, index);
    /** What `to` hears while the frames are sent. */
    async function send(to: number, frames: readonly Uint8Array[]): Promise<string[]> {
      const heard: string[] = [];
      const end = nic(to).onFrame((bytes) => heard.push(hex(bytes)));
      for (let at = 0; at < frames.length; at += IN_FLIGHT) {
        await rig.run(Promise.all(frames.slice(at, at + IN_FLIGHT).map((one) => nic(1 - to).send(one))));
        await rig.until(
          "the frames to arrive",
          () => heard.length >= Math.min(at + IN_FLIGHT, frames.length),
        );
      }
      end();
      return heard;
    }
    beforeAll(async () => {
      rig = await create({ devices, ...ring });
      rig.guest.boot([net]);
    });
    afterAll(() => rig?.close());

    it("binds as asked: interrupts, ring features, address, link", () => {
      for (const device of rig.guest.virtio.describe())
        expect(device).toMatchObject({ driver: net.name, ...ring });
      expect(nics().map(({ mac, linkUp }) => ({ mac, linkUp }))).toEqual(
        MACS.map((mac) => ({ mac, linkUp: true })),
      );
    });

    it.each([0, 1])("carries frames of every length to device %i, unchanged", async (to) => {
      const frames = LENGTHS.map((length, index) => frame(to, length, index));
      expect(await send(to, frames)).toEqual(frames.map(hex));
    });

    it("carries a burst in order", async () => {
      const frames = Array.from({ length: BURST }, (_, index) => frame(1, 60 + 7 * index, index));
      expect(await send(1, frames)).toEqual(frames.map(hex));
    });

    it("hears what is for others only when it is told to", async () => {
      const heard: string[] = [];
      const end = nic(1).onFrame((bytes) => heard.push(hex(bytes)));
      const stranger = frame(1, 64, 0);
      stranger[5] = 0x77;
      const known = [frame(1, 64, 1), frame(1, 64, 2)];
      // Fresh from its reset a device hears everything.
      await rig.run(nic(1).setRxMode({ promiscuous: false }));
      await rig.run(nic(0).send(stranger));
      await rig.run(nic(0).send(known[0] ?? stranger));
      await rig.until("its own frame", () => heard.length > 0);
      await rig.run(nic(1).setRxMode({ promiscuous: true }));
      await rig.run(nic(0).send(stranger));
      await rig.run(nic(0).send(known[1] ?? stranger));
      await rig.until("both frames", () => heard.length >= 3);
      end();
      expect(heard).toEqual([known[0] ?? stranger, stranger, known[1] ?? stranger].map(hex));
    });

    it("tells of the link, down and up", async () => {
      const told: boolean[] = [];
      const end = nic(0).onLinkChange((up) => told.push(up));
      await rig.deviceCommand(4, "link", "down");
      await rig.until("the link to be down", () => !nic(0).linkUp);
      await rig.deviceCommand(4, "link", "up");
      await rig.until("the link to be up", () => nic(0).linkUp);
      end();
      expect(told).toEqual([false, true]);
    });

    it("is left and taken again with frames in flight", async () => {
      const { guest } = rig;
      const sends = Array.from({ length: IN_FLIGHT }, (_, index) => nic(0).send(frame(1, 500, index)));
      guest.virtio.unregisterDriver(net);
      const ends = await rig.run(Promise.allSettled(sends));
      const reasons = ends.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
      expect(reasons.filter((reason) => !(reason instanceof CancelledError))).toEqual([]);
      expect(guest.memory.allocatedBytes).toBe(0);
      guest.virtio.registerDriver(net);
      expect(await send(0, [frame(0, 99, 9)])).toEqual([hex(frame(0, 99, 9))]);
    });
  });
}
