/** Plugging and unplugging on a live machine: what the caller sees, with no guest program running. */
import { afterEach, expect, test } from "vitest";
import { UsageError } from "../../src/host/device.ts";
import { Machine } from "../../src/machine/machine.ts";

const DEVICES = new URL("./list-drivers.guest.ts", import.meta.url);
const BUSY = new URL("./busy.guest.ts", import.meta.url);
let machine: Machine | undefined;
afterEach(async () => machine?.stop());

const start = async (deadlines = {}) => {
  machine = await Machine.start({ devices: [{ type: "rng" }], deadlines });
  return machine;
};
const bound = async (running: Machine) => (await running.run(DEVICES)).result;

test("a device that is plugged in is bound when plug returns, and gone when unplug does", async () => {
  const running = await start();
  expect(await running.plug({ type: "blk", options: { size: "1M" } })).toBe(5);
  expect(await bound(running)).toEqual(["virtio_rng", "virtio_blk"]);
  await running.unplug("blk");
  expect(await bound(running)).toEqual(["virtio_rng"]);
  await running.unplug(4, { surprise: true });
  expect(await bound(running)).toEqual([]);
});

test("what cannot be plugged is the caller's mistake, and says why", async () => {
  const running = await start();
  await expect(running.plug({ type: "rng", slot: 4 })).rejects.toThrow("slot 4 is taken already");
  await expect(running.plug({ type: "nothing" })).rejects.toThrow('unknown device "nothing"');
  for (let count = 0; count < 4; count++) await running.plug({ type: "rng" });
  await expect(running.plug({ type: "rng" })).rejects.toThrow(UsageError);
  await expect(running.unplug("blk")).rejects.toThrow('there is no device "blk"');
});

test("a guest that does not let go in time is a finding; it lets go when it looks again", async () => {
  const running = await start({ unplugMs: 200 });
  const channel = new BroadcastChannel("busy guest");
  const begun = new Promise((resolve) => {
    channel.onmessage = resolve;
  });
  const busy = running.run(BUSY, { channel: "busy guest", ms: 1000 });
  await begun;
  channel.close();
  await expect(running.unplug(4)).rejects.toThrow("deadline unplugMs of 200 ms expired");
  expect((await busy).verdict).toBe("completed");
  await expect.poll(() => bound(running)).toEqual([]);
});
