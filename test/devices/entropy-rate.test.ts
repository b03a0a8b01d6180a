/** The entropy device's rate limit, with time in the test's hand. */
import { expect, test } from "vitest";
import entropy from "../../src/devices/entropy.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { STATUS } from "../../src/wire/status.ts";
import { BUFFER_AT, hostRig, platform, RING_AT } from "../support/host-rig.ts";
import { ManualTime } from "../support/manual-time.ts";

/** A tenth of it is what one period gives. */
const RATE = 1000;

async function limitedRig() {
  const time = new ManualTime();
  const rig = hostRig({ model: await entropy.create({ rate: RATE }, time), virtioId: entropy.virtioId });
  rig.driver.enable();
  const ring = rig.driver.setUpQueue(0, RING_AT);
  const offer = (head: number, length: number) => {
    ring.offerChain(head, [{ address: BUFFER_AT + 4096 * head, length, write: true }]);
    rig.driver.kick(0);
    rig.pollAll();
  };
  return { ...rig, ring, time, offer };
}

test("what the rate allows comes at once, the rest later and without a kick", async () => {
  const { ring, time, offer } = await limitedRig();
  offer(0, 60);
  offer(1, 60);
  offer(2, 60);
  expect(ring.takeUsed()).toEqual([
    { id: 0, length: 60 },
    { id: 1, length: 40 },
  ]);
  expect(time.timers).toBe(1);
  time.pass(99);
  expect(ring.takeUsed()).toEqual([]);
  time.pass(1);
  expect(ring.takeUsed()).toEqual([{ id: 2, length: 60 }]);
  expect(time.timers).toBe(0);
});

test("over time the rate is kept", async () => {
  const { ring, time, offer } = await limitedRig();
  let bytes = 0;
  for (let round = 0; round < 100; round++) {
    offer(0, 500);
    time.pass(100);
    bytes += ring.takeUsed().reduce((sum, { length }) => sum + length, 0);
  }
  expect(bytes).toBeGreaterThanOrEqual(RATE * 10);
  expect(bytes).toBeLessThanOrEqual(RATE * 10 + 100);
});

test("a reset cancels what waits, and its timer", async () => {
  const { ring, time, driver, offer } = await limitedRig();
  offer(0, 100);
  offer(1, 100);
  driver.write(LEGACY.status, STATUS.ACKNOWLEDGE);
  driver.write(LEGACY.status, 0);
  expect(time.timers).toBe(0);
  time.pass(1000);
  expect(ring.takeUsed()).toEqual([{ id: 0, length: 100 }]);
});

test("a rate below a byte per second is refused", () => {
  expect(() => entropy.create({ rate: 0 }, platform)).toThrow("at least 1 byte");
});

test("what would come later waits while the device sleeps or may not master the bus", async () => {
  const { ring, time, driver, offer } = await limitedRig();
  offer(0, 100);
  offer(1, 100);
  expect(ring.takeUsed()).toHaveLength(1);
  driver.setBusMaster(false);
  time.pass(100);
  expect(ring.takeUsed()).toEqual([]);
  driver.setBusMaster(true);
  expect(ring.takeUsed()).toEqual([{ id: 1, length: 100 }]);
});
