/** The balloon driver and device, end to end in one thread. */
import { expect, test } from "vitest";
import { BalloonModel, type BalloonOptions } from "../../src/devices/balloon/model.ts";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk as blkModel } from "../../src/devices/blk/model.ts";
import { balloon as balloonDriver } from "../../src/drivers/balloon/driver.ts";
import { blk } from "../../src/drivers/blk/blk.ts";
import { CancelledError } from "../../src/drivers/errors.ts";
import { UsageError } from "../../src/host/device.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { platform } from "../support/host-rig.ts";

const BALLOON_ID = 5;
const BLK_ID = 2;
const PAGE = 4096;
const DEFAULTS: BalloonOptions = { targetPages: 0, mustTellHost: false, deflateOnOom: false, statsMs: 0 };

function boot(options: Partial<BalloonOptions> = {}) {
  const machine = new DirectMachine();
  const model = new BalloonModel({ ...DEFAULTS, ...options }, platform);
  const { device } = machine.add({ model, virtioId: BALLOON_ID, slot: 4 });
  machine.add({
    model: blkModel(memoryDisk({ bytes: 1 << 20, readOnly: false })),
    virtioId: BLK_ID,
    slot: 5,
  });
  machine.guest.boot([balloonDriver, blk]);
  const balloon = machine.guest.virtio.find(balloonDriver);
  const disk = machine.guest.virtio.find(blk);
  const follow = (pages: number) => {
    model.setTarget(pages, device);
    machine.settle();
    return machine.run(balloon.settled());
  };
  return { machine, memory: machine.guest.memory, model, device, balloon, disk, follow };
}

test.each([false, true])("follows the target up and down (MUST_TELL_HOST %s)", async (mustTellHost) => {
  const { machine, memory, model, balloon, follow } = boot({ mustTellHost });
  const free = memory.freeBytes;
  expect(await follow(600)).toBe(600);
  expect(memory.freeBytes).toBe(free - 600 * PAGE);
  expect(model.describe()).toMatchObject({ targetPages: 600, actualPages: 600, heldPages: 600 });
  expect(await follow(100)).toBe(100);
  expect(model.describe()).toMatchObject({ targetPages: 100, actualPages: 100, heldPages: 100 });
  expect(await follow(0)).toBe(0);
  expect([memory.freeBytes, balloon.outstanding, machine.violations]).toEqual([free, 0, []]);
});

test("a target from the start is followed at probe", async () => {
  const { machine, balloon } = boot({ targetPages: 50 });
  expect(await machine.run(balloon.settled())).toBe(50);
});

test("more than there is: gives what it can, leaves a reserve, and goes on when memory is freed", async () => {
  const { machine, memory, balloon, follow } = boot();
  const bytes = 200 * PAGE;
  const address = memory.allocatePages(bytes) ?? 0;
  const given = await follow(1000);
  expect(given).toBeLessThan(1000);
  expect(memory.freeBytes).toBeGreaterThanOrEqual(64 * PAGE);
  memory.freePages(address, bytes);
  machine.settle();
  expect(balloon.actualPages).toBe(given + 200);
});

test("a target beyond the guest's memory is the user's mistake", () => {
  const { model, device } = boot();
  expect(() => model.setTarget(1025, device)).toThrow(UsageError);
});

test.each([
  { deflateOnOom: true, mustTellHost: false, served: true },
  { deflateOnOom: true, mustTellHost: true, served: false },
  { deflateOnOom: false, mustTellHost: false, served: false },
])("out of memory: %o", async ({ served, ...options }) => {
  const { machine, memory, balloon, follow } = boot(options);
  const given = await follow(1000);
  const bytes = 100 * PAGE;
  const address = memory.allocatePages(bytes);
  expect(address !== undefined).toBe(served);
  machine.settle();
  // Where the host must be told first, the next one finds the memory.
  expect(memory.allocatePages(bytes) !== undefined).toBe(options.deflateOnOom);
  expect(balloon.actualPages < given).toBe(options.deflateOnOom);
  expect(machine.violations).toEqual([]);
});

test("a page taken back for want of memory may be used by another device at once", async () => {
  const { machine, memory, model, disk, follow } = boot({ deflateOnOom: true });
  await follow(1000);
  while (memory.freeBytes > 8 * PAGE) memory.allocatePages(PAGE);
  const address = memory.allocatePages(64 * PAGE) ?? 0;
  expect(address).toBeGreaterThan(0);
  // The balloon has not served the return yet.
  const held = model.heldPages;
  await machine.run(disk.readInto(0, 8, address));
  expect(model.heldPages).toBeLessThan(held);
  expect(machine.violations).toEqual([]);
});

test("a device's access to a page in the balloon is reported with device, queue and page", async () => {
  const { machine, memory, disk, follow } = boot();
  const address = memory.allocatePages(PAGE) ?? 0;
  memory.freePages(address, PAGE);
  await follow(900);
  await machine.run(disk.readInto(0, 8, address));
  expect(machine.violations).toHaveLength(1);
  expect(machine.violations[0]).toMatch(
    /^ballooned-page: a buffer of head \d+ uses page \d+ \(0x[0-9a-f]+\)/,
  );
});

test("the guest's own access to a page in the balloon throws", async () => {
  const { memory, follow } = boot();
  const address = memory.allocatePages(PAGE) ?? 0;
  memory.freePages(address, PAGE);
  await follow(900);
  expect(() => memory.read(address, new Uint8Array(1))).toThrow("ballooned-page");
  expect(() => memory.write(address, new Uint8Array(1))).toThrow("ballooned-page");
});

test("fresh statistics come when the host asks", async () => {
  const { machine, memory, model, device, follow } = boot();
  await follow(10);
  const stats = await machine.run(model.freshStats(device));
  expect(stats).toEqual({
    freeBytes: memory.freeBytes,
    totalBytes: 4 << 20,
    availableBytes: memory.freeBytes,
  });
});

test("removal empties the balloon on both sides, and leaves nothing allocated", async () => {
  const { machine, model, balloon, follow } = boot();
  await follow(300);
  const waiting = balloon.settled();
  machine.guest.virtio.unregisterDriver(balloonDriver);
  machine.guest.virtio.unregisterDriver(blk);
  await waiting;
  await expect(balloon.settled()).rejects.toThrow(CancelledError);
  expect(model.heldPages).toBe(0);
  expect(machine.footprint()).toMatchObject({ allocatedBytes: 0, handlers: 0 });
});

test("removal in the middle of a change cancels who waits", async () => {
  const { machine, model, device, balloon } = boot();
  model.setTarget(500, device);
  const waiting = balloon.settled();
  machine.guest.virtio.unregisterDriver(balloonDriver);
  await expect(waiting).rejects.toThrow(CancelledError);
  machine.guest.virtio.unregisterDriver(blk);
  expect(machine.footprint()).toMatchObject({ allocatedBytes: 0 });
});
