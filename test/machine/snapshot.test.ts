/** What a snapshot makes of a queue depends on the host thread that serves it. */
import { expect, test } from "vitest";
import { writeCard } from "../../src/bus/function-card.ts";
import { ioKickTargets, KickReceiver } from "../../src/bus/kick.ts";
import { checkDescription } from "../../src/machine/description.ts";
import { allocateParts, attachParts } from "../../src/machine/shared-parts.ts";
import { takeSnapshot } from "../../src/machine/snapshot.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { ringLayout } from "../../src/wire/ring.ts";

const SIZE = 8;

test("a published request is lost when the thread that is to serve it sleeps, and no other", () => {
  const parts = attachParts(allocateParts(checkDescription({ memory: "1M", ioThreads: 1, devices: [] })));
  const { control, plan, ram } = parts;
  const io = new Doorbell(control, plan.ioThreads[0]?.doorbell ?? 0);
  const queues = [{ index: 0, pfn: ram.base / 4096, size: SIZE }];
  writeCard(control, plan.functions[0]?.card ?? 0, { slot: 4, virtioId: 2, status: 7, features: 0, queues });
  ram.memory.store16(ringLayout(SIZE).availIndex, 1, 0);
  const wrong = () =>
    takeSnapshot(parts, 0).functions[0]?.queues[0]?.wrong.filter((what) => /kick/.test(what)).length;
  parts.hostDoorbell.announce();
  expect(wrong()).toBe(1);
  new KickReceiver(control, plan).publishServer(0, 0, 1);
  expect([wrong(), takeSnapshot(parts, 0).hostAsleep]).toEqual([0, false]);
  io.announce();
  expect([wrong(), takeSnapshot(parts, 0).hostAsleep]).toEqual([1, true]);
  ioKickTargets(control, plan)[0]?.kick(0, 0);
  expect([wrong(), takeSnapshot(parts, 0).functions[0]?.kickPending]).toEqual([0, true]);
});
