/** Queues decoded from memory: what is there, and what looks wrong. */
import { describe, expect, it } from "vitest";
import { type DumpedQueue, dumpQueue, type Surroundings } from "../../src/monitor/dump.ts";
import { featureMask } from "../../src/wire/features.ts";
import { agreed, EVENT_IDX } from "./case.ts";
import { Talk } from "./talk.ts";

const buffer = [{ length: 16, write: true }] as const;
const RING_AT = 0x1_0000;

function dump(talk: Talk, around: Partial<Surroundings> = {}): DumpedQueue {
  const place = { index: 0, pfn: (talk.ram.base + RING_AT) / 4096, size: 8 };
  const quiet = { hostAsleep: false, guestAsleep: false, kickPending: false, interruptPending: false };
  const found = dumpQueue(talk.ram, place, { features: talk.options.accept ?? 0, ...quiet, ...around });
  if (found === undefined) throw new Error("no queue");
  return found;
}
const asleep = { hostAsleep: true, guestAsleep: true };

describe("a dumped queue", () => {
  it("shows chains in flight and what was returned", () => {
    const talk = new Talk("rng").boot();
    talk.round(buffer, [1, 2, 3]);
    const head = talk.offer(buffer);
    expect(dump(talk)).toMatchObject({
      inFlight: 1,
      avail: { index: 2 },
      used: { index: 1 },
      chains: [{ head, segments: [{ length: 16, writable: true }], faults: [] }],
      returned: [{ id: 0, length: 3 }],
      wrong: [],
    });
  });

  it("is nothing where there is no ring", () => {
    const talk = new Talk("rng").boot();
    const around = { ...asleep, features: 0, kickPending: false, interruptPending: false };
    expect(dumpQueue(talk.ram, { index: 0, pfn: 0, size: 8 }, around)).toBeUndefined();
    expect(dumpQueue(talk.ram, { index: 0, pfn: 0x7_0000, size: 8 }, around)).toBeUndefined();
  });

  it("marks a kick that was lost", () => {
    const talk = new Talk("rng", agreed(EVENT_IDX)).boot();
    talk.offer(buffer);
    expect(dump(talk, asleep).wrong).toEqual([expect.stringContaining("a kick was lost")]);
    expect(dump(talk, { ...asleep, kickPending: true }).wrong).toEqual([]);
    expect(dump(talk, { guestAsleep: true }).wrong).toEqual([]);
  });

  it("marks an interrupt that was lost", () => {
    const talk = new Talk("rng", agreed(EVENT_IDX)).boot();
    talk.quiet.store16(RING_AT + talk.queue().layout.availEvent, 1, 0);
    const head = talk.offer(buffer);
    talk.take();
    talk.element(head, 0);
    talk.publishUsed();
    expect(dump(talk, asleep).wrong).toEqual([expect.stringContaining("an interrupt was lost")]);
    expect(dump(talk, { ...asleep, interruptPending: true }).wrong).toEqual([]);
  });

  it("marks malformed chains and indices that cannot be", () => {
    const talk = new Talk("rng").boot();
    talk.descriptor(0, 0, { address: talk.address(16), length: 16, flags: 3, next: 0 });
    talk.entry(0);
    talk.publish();
    expect(dump(talk).wrong).toEqual(["head 0: loop"]);
    talk.publish(0, 40);
    expect(dump(talk).wrong).toContain("avail.idx 40 and used.idx 0 are 40 apart in a queue of 8");
  });

  it("needs the features to tell event index from flags", () => {
    const talk = new Talk("rng").boot();
    talk.quiet.store16(RING_AT + talk.queue().layout.availFlags, 1, 0);
    expect(dump(talk).wrong).toEqual([]);
    expect(dump(talk, { features: featureMask(EVENT_IDX) }).wrong).toEqual([
      "avail.flags is 1 with event index",
    ]);
  });
});
