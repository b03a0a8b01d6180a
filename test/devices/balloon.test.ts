/** The balloon device against a driver written by hand. */
import { expect, test } from "vitest";
import definition from "../../src/devices/balloon/definition.ts";
import { BalloonModel, type BalloonOptions } from "../../src/devices/balloon/model.ts";
import { UsageError } from "../../src/host/device.ts";
import { BALLOON_CONFIG, encodeStats } from "../../src/wire/balloon.ts";
import { putU32 } from "../../src/wire/bytes.ts";
import { featureMask } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { STATUS } from "../../src/wire/status.ts";
import { IO_BASE } from "../support/fake-driver.ts";
import { BUFFER_AT, hostRig, platform, RING_AT } from "../support/host-rig.ts";
import { ManualTime } from "../support/manual-time.ts";

const DEFAULTS: BalloonOptions = { targetPages: 0, mustTellHost: false, deflateOnOom: false, statsMs: 0 };
const [INFLATE, DEFLATE, STATS] = [0, 1, 2];
/** Away from rings and buffers; RAM begins at page 256. */
const PAGE = 0x1c0;
const STATS_RING_PAGE = RING_AT / 4096 + 2 * STATS;
const STATS_VQ = featureMask(1);

function balloonRig(options: Partial<BalloonOptions> = {}) {
  const time = new ManualTime();
  const model = new BalloonModel({ ...DEFAULTS, ...options }, time);
  const rig = hostRig({ model, virtioId: definition.virtioId });
  const { driver } = rig;
  driver.enable();
  driver.write(LEGACY.guestFeatures, STATS_VQ);
  const rings = [INFLATE, DEFLATE, STATS].map((index) => driver.setUpQueue(index, RING_AT + 0x2000 * index));
  const offer = (queue: number, bytes: Uint8Array) => {
    driver.put(BUFFER_AT, bytes);
    rings[queue]?.offerChain(0, [{ address: BUFFER_AT, length: bytes.length }]);
    driver.kick(queue);
    rig.pollAll();
    return rings[queue]?.takeUsed() ?? [];
  };
  const tell = (queue: number, ...pages: number[]) => {
    const bytes = new Uint8Array(4 * pages.length);
    pages.forEach((page, index) => {
      putU32(bytes, 4 * index, page);
    });
    return offer(queue, bytes);
  };
  return { ...rig, model, time, rings, offer, tell };
}

test("pages are taken, and their contents are gone; then given back", () => {
  const { driver, model, tell, kinds } = balloonRig();
  driver.put(PAGE * 4096, Uint8Array.of(1, 2, 3));
  expect(tell(INFLATE, PAGE, PAGE + 1)).toEqual([{ id: 0, length: 0 }]);
  expect(model.heldPages).toBe(2);
  expect([...driver.get(PAGE * 4096, 3)]).toEqual([0, 0, 0]);
  tell(DEFLATE, PAGE, PAGE + 1);
  expect(model.heldPages).toBe(0);
  expect(kinds()).toEqual([]);
});

test.each([
  { what: "outside RAM", queue: INFLATE, pages: [1] },
  { what: "at the end of 32 bits", queue: INFLATE, pages: [0xffff_ffff] },
  { what: "twice in the balloon", queue: INFLATE, pages: [PAGE, PAGE] },
  { what: "returned but never given", queue: DEFLATE, pages: [PAGE] },
])("a page $what is reported, and the buffer comes back", ({ queue, pages }) => {
  const { tell, kinds } = balloonRig();
  expect(tell(queue, ...pages)).toEqual([{ id: 0, length: 0 }]);
  expect(kinds()).toEqual(["request-format"]);
});

test("a list that is not whole numbers is reported, its whole numbers count", () => {
  const { offer, model, kinds } = balloonRig();
  const bytes = new Uint8Array(6);
  putU32(bytes, 0, PAGE);
  offer(INFLATE, bytes);
  expect(model.heldPages).toBe(1);
  expect(kinds()).toEqual(["request-format"]);
});

test("a page returned and given again before either was served is no mistake", () => {
  const { driver, rings, tell, pollAll, model, kinds } = balloonRig();
  tell(INFLATE, PAGE);
  rings[DEFLATE]?.offerChain(0, [{ address: BUFFER_AT, length: 4 }]);
  rings[INFLATE]?.offerChain(0, [{ address: BUFFER_AT, length: 4 }]);
  driver.kick(INFLATE);
  driver.kick(DEFLATE);
  pollAll();
  expect(model.heldPages).toBe(1);
  expect(kinds()).toEqual([]);
});

test("an access to a held page is reported with device, queue and page: in a chain, and under a ring", () => {
  const { driver, rings, offer, tell, pollAll, violations } = balloonRig();
  tell(INFLATE, PAGE);
  rings[DEFLATE]?.offerChain(0, [
    { address: PAGE * 4096 + 8, length: 0 },
    { address: PAGE * 4096 - 4, length: 8 },
  ]);
  driver.kick(DEFLATE);
  pollAll();
  expect(violations[0]).toMatchObject({ kind: "ballooned-page", queue: DEFLATE, device: "00:04.0 fake" });
  expect(violations[0]?.detail).toContain("page 192 (0x1c0000)");
  tell(INFLATE, STATS_RING_PAGE);
  const before = violations.length;
  offer(STATS, encodeStats({ freeBytes: 1 }));
  expect(violations.slice(before)).toMatchObject([
    {
      kind: "ballooned-page",
      queue: STATS,
      detail: "the ring uses page 4 (0x104000), which a balloon holds",
    },
  ]);
});

test("a page given away while a device has it in a chain is reported when the chain comes back", () => {
  const { driver, fn, model, rings, tell, pollAll, violations } = balloonRig();
  driver.put(PAGE * 4096, encodeStats({ freeBytes: 1 }));
  rings[STATS]?.offerChain(0, [{ address: PAGE * 4096, length: 10 }]);
  driver.kick(STATS);
  pollAll();
  tell(INFLATE, PAGE);
  expect(violations).toEqual([]);
  void model.freshStats(fn.device);
  expect(violations).toMatchObject([{ kind: "ballooned-page", queue: STATS }]);
});

test("a new target is in the configuration and interrupts; the driver may write actual and no more", () => {
  const { driver, fn, bus, model, takeInterrupts } = balloonRig();
  driver.write(LEGACY.status, STATUS.ACKNOWLEDGE);
  model.setTarget(12, fn.device);
  expect(takeInterrupts().lines).toEqual([3]);
  expect(bus.in(IO_BASE + 20 + BALLOON_CONFIG.numPages, 4)).toBe(12);
  bus.out(IO_BASE + 20 + BALLOON_CONFIG.actual, 1, 7);
  bus.out(IO_BASE + 20 + BALLOON_CONFIG.numPages, 4, 99);
  expect(model.describe()).toMatchObject({ targetPages: 12, actualPages: 7 });
  expect(bus.in(IO_BASE + 20 + BALLOON_CONFIG.numPages, 4)).toBe(12);
});

test("a new target while the device is reset interrupts nobody; who starts it reads it", () => {
  const { driver, model, fn, bus } = balloonRig();
  driver.write(LEGACY.status, 0);
  model.setTarget(7, fn.device);
  expect(driver.read(LEGACY.isr)).toBe(0);
  expect(bus.in(IO_BASE + 20 + BALLOON_CONFIG.numPages, 4)).toBe(7);
});

test("statistics: the buffer is kept, and given back to ask", async () => {
  const { fn, model, offer, rings, pollAll } = balloonRig();
  expect(offer(STATS, encodeStats({ freeBytes: 1 }))).toEqual([]);
  const fresh = model.freshStats(fn.device);
  expect(rings[STATS]?.takeUsed()).toEqual([{ id: 0, length: 0 }]);
  offer(
    STATS,
    Uint8Array.of(...encodeStats({ freeBytes: 2, minorFaults: 3 }), 77, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  );
  pollAll();
  expect(await fresh).toEqual({ freeBytes: 2, minorFaults: 3 });
});

test("statistics are asked for at the interval, and no longer after a reset", async () => {
  const { driver, offer, time, rings } = balloonRig({ statsMs: 1000 });
  driver.write(LEGACY.status, 7);
  offer(STATS, encodeStats({}));
  time.pass(999);
  expect(rings[STATS]?.takeUsed()).toEqual([]);
  time.pass(1);
  expect(rings[STATS]?.takeUsed()).toHaveLength(1);
  driver.write(LEGACY.status, 0);
  expect(time.timers).toBe(0);
});

test("a reset empties the balloon and ends who waits for statistics", async () => {
  const { fn, driver, model, tell } = balloonRig();
  tell(INFLATE, PAGE);
  const fresh = model.freshStats(fn.device);
  driver.write(LEGACY.status, 0);
  expect(model.heldPages).toBe(0);
  await expect(fresh).rejects.toThrow("reset");
  expect(() => model.freshStats(fn.device)).toThrow(UsageError);
});

test.each([
  [{ target: 5000 }, "expected whole pages"],
  [{ "stats-interval": -1 }, "expected stats-interval from 0"],
])("options %o are refused", (options, message) => {
  expect(() => definition.create(options, platform)).toThrow(message);
});
