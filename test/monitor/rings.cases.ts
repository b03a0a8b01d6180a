/** Split virtqueues. */
import { agreed, breaks, type Case, EVENT_IDX, INDIRECT } from "./case.ts";
import type { Talk } from "./talk.ts";

const WRITE = 2;
const NEXT = 1;
const buffer = [{ length: 16, write: true }] as const;

/** Publishes one chain of hand-written descriptors. */
function chain(
  talk: Talk,
  ...descriptors: readonly { length: number; flags: number; next?: number }[]
): void {
  talk.boot();
  descriptors.forEach(({ length, flags, next }, at) => {
    talk.descriptor(at, 0, { address: talk.address(64), length, flags, ...(next !== undefined && { next }) });
  });
  talk.entry(0);
  talk.publish();
}
/** Publishes head `head` after the talk was booted. */
function offerHead(talk: Talk, head: number): void {
  talk.entry(head);
  talk.publish();
}
const ring = (
  talk: Talk,
  field: "availFlags" | "usedFlags" | "availIndex" | "availRing" | "usedEvent" | "availEvent",
): number => talk.queue().base + talk.queue().layout[field];
/** One buffer offered, taken and answered; not returned yet. */
function taken(talk: Talk): number {
  talk.boot();
  const head = talk.offer(buffer);
  talk.take();
  talk.answer(head, [1, 2, 3, 4]);
  return head;
}

export const ringCases: readonly Case[] = [
  breaks(
    "SPLIT-DRV-03",
    (t) =>
      chain(
        t,
        { length: 16, flags: NEXT, next: 1 },
        { length: 512, flags: WRITE | NEXT, next: 2 },
        { length: 512, flags: NEXT, next: 3 },
        { length: 1, flags: WRITE },
      ),
    {},
    "blk",
  ),
  breaks(
    "SPLIT-DRV-04",
    (t) => {
      t.boot();
      offerHead(t, t.write_chain(Array.from({ length: 70 }, () => ({ length: 4, write: true }))));
    },
    { size: 128 },
  ),
  breaks("SPLIT-DRV-05", (t) => chain(t, { length: 16, flags: WRITE | NEXT, next: 0 })),
  breaks("SPLIT-DRV-08", (t) => {
    t.boot();
    offerHead(t, t.indirect([{ address: t.address(16), length: 16, flags: WRITE }]));
  }),
  breaks(
    "SPLIT-DRV-09",
    (t) => {
      t.boot();
      offerHead(t, t.indirect([{ address: t.address(16), length: 16, flags: 4 }]));
    },
    agreed(INDIRECT),
  ),
  breaks(
    "SPLIT-DRV-10",
    (t) => {
      t.boot();
      const entry = (next: number) => ({
        address: t.address(16),
        length: 16,
        flags: next === 0 ? WRITE : WRITE | NEXT,
        next,
      });
      offerHead(t, t.indirect([entry(1), entry(2), entry(0)]));
    },
    { ...agreed(INDIRECT), size: 2 },
  ),
  breaks(
    "SPLIT-DRV-11",
    (t) => {
      t.boot();
      offerHead(t, t.indirect([{ address: t.address(16), length: 16, flags: WRITE }], 0, 4 | NEXT));
    },
    agreed(INDIRECT),
  ),
  breaks("SPLIT-DRV-13", (t) => chain(t, { length: 24, flags: 4 }), agreed(INDIRECT)),
  breaks("SPLIT-DRV-14", (t) => {
    t.boot().round(buffer, [1]);
    t.publish(0, 0);
  }),
  breaks("SPLIT-DRV-15", (t) => {
    t.boot();
    offerHead(t, 20);
  }),
  breaks("SPLIT-DRV-16", (t) => {
    chain(t, { length: 16, flags: WRITE | NEXT, next: 1 }, { length: 16, flags: WRITE });
    offerHead(t, 1);
  }),
  breaks("SPLIT-DRV-17", (t) => chain(t, { length: 16, flags: WRITE | NEXT, next: 9 })),
  breaks("SPLIT-DRV-18", (t) => {
    t.boot();
    t.store16("driver: write avail.flags", ring(t, "usedFlags"), 0);
  }),
  breaks("SPLIT-DRV-19", (t) => {
    t.boot();
    t.store16("driver: write avail.flags", ring(t, "availFlags"), 2);
  }),
  breaks(
    "SPLIT-DRV-20",
    (t) => {
      t.boot();
      t.store16("driver: write avail.flags", ring(t, "availFlags"), 1);
    },
    agreed(EVENT_IDX),
  ),
  breaks(
    "SPLIT-DRV-22",
    (t) => {
      t.boot(2);
      const address = t.address(1536);
      t.round([{ length: 1536, write: true, address }], [...Array(20).fill(0)]);
      t.offer([{ length: 1536, write: true }]);
      t.touch("driver", false, address, 64);
    },
    {},
    "console",
  ),
  breaks("SPLIT-DRV-24", (t) => {
    t.boot();
    t.look16("driver: read avail_event", ring(t, "availEvent"));
  }),
  breaks("SPLIT-DRV-25", (t) => {
    t.boot();
    t.store16("device: write used.flags", ring(t, "usedFlags"), 1);
    t.offer(buffer);
    t.kick();
  }),
  breaks("SPLIT-DRV-26", (t) => {
    t.boot();
    offerHead(t, t.write_chain(buffer));
    t.kickWanted();
    t.idle();
  }),
  breaks(
    "SPLIT-DRV-27",
    (t) => {
      t.boot();
      t.quiet.store16(ring(t, "usedFlags"), 1, 0);
      offerHead(t, t.write_chain(buffer));
      t.look16("driver: read used.flags", ring(t, "usedFlags"));
      t.kickWanted();
      t.idle();
    },
    agreed(EVENT_IDX),
  ),
  breaks(
    "SPLIT-DRV-28",
    (t) => {
      t.boot();
      offerHead(t, t.write_chain(buffer));
      t.kickWanted();
      t.idle();
    },
    agreed(EVENT_IDX),
  ),
  breaks(
    "SPLIT-DRV-29",
    (t) => {
      t.boot();
      t.store16("device: write avail_event", ring(t, "availEvent"), 5);
      t.offer(buffer);
      t.kick();
    },
    agreed(EVENT_IDX),
  ),
  breaks("SPLIT-DRV-30", (t) => {
    t.boot().write_chain(buffer);
    t.publish(0, 1);
  }),
  breaks("SPLIT-DRV-31", (t) => {
    t.boot();
    t.entry(t.write_chain(buffer));
    t.kickWanted();
    t.publish();
    t.idle();
  }),
  breaks(
    "SPLIT-DEV-02",
    (t) => {
      t.boot(2);
      const address = t.address(16);
      t.offer([{ length: 16, address }], 1);
      t.take(1);
      t.touch("device", true, address, 4);
    },
    {},
    "console",
  ),
  breaks("SPLIT-DEV-03", (t) => {
    t.boot();
    const address = t.address(16);
    t.offer([{ length: 16, address, write: true }]);
    t.take();
    t.touch("device", false, address, 4);
  }),
  breaks("SPLIT-DEV-04", (t) => {
    t.boot();
    t.touch("device", true, t.ram.base + t.queue().base + 16, 4);
  }),
  breaks("SPLIT-DEV-07", (t) => {
    t.boot();
    t.look16("device: read used_event", ring(t, "usedEvent"));
  }),
  breaks("SPLIT-DEV-08", (t) => {
    t.boot();
    t.store16("driver: write avail.flags", ring(t, "availFlags"), 1);
    t.round(buffer, [1]);
    t.raise();
    t.readIsr();
  }),
  breaks("SPLIT-DEV-09", (t) => {
    const head = taken(t);
    t.element(head, 4);
    t.publishUsed();
    t.interruptWanted();
    t.idle();
  }),
  breaks(
    "SPLIT-DEV-10",
    (t) => {
      t.boot();
      t.quiet.store16(ring(t, "availFlags"), 1, 0);
      const head = t.offer(buffer);
      t.take();
      t.answer(head, [1]);
      t.element(head, 1);
      t.publishUsed();
      t.look16("device: read avail.flags", ring(t, "availFlags"));
      t.interruptWanted();
      t.idle();
    },
    agreed(EVENT_IDX),
  ),
  breaks(
    "SPLIT-DEV-11",
    (t) => {
      const head = taken(t);
      t.element(head, 4);
      t.publishUsed();
      t.interruptWanted();
      t.idle();
    },
    agreed(EVENT_IDX),
  ),
  breaks(
    "SPLIT-DEV-12",
    (t) => {
      t.boot();
      t.store16("driver: write used_event", ring(t, "usedEvent"), 100);
      t.round(buffer, [1]);
      t.raise();
      t.readIsr();
    },
    agreed(EVENT_IDX),
  ),
  breaks("SPLIT-DEV-13", (t) => {
    const head = taken(t);
    t.quiet.write32(t.queue().base + t.queue().layout.usedRing, head, 0);
    t.quiet.write32(t.queue().base + t.queue().layout.usedRing + 4, 4, 0);
    t.publishUsed(0, 1);
  }),
  breaks("SPLIT-DEV-14", (t) => t.give(taken(t), [], 0, 9)),
  breaks("SPLIT-DEV-15", (t) => t.give(taken(t), [], 0, 17)),
  breaks("SPLIT-DEV-16", (t) => {
    taken(t);
    t.element(5, 0);
    t.deliver();
  }),
  breaks("SPLIT-DEV-17", (t) => {
    t.give(taken(t), [1]);
    t.publishUsed(0, 60_000);
  }),
  breaks("SPLIT-DEV-18", (t) => {
    t.boot();
    t.store16("device: write used.flags", ring(t, "availFlags"), 0);
  }),
  breaks("SPLIT-DEV-19", (t) => {
    t.boot();
    t.look16("device: read avail ring entry", ring(t, "availRing"));
  }),
  breaks("SPLIT-DEV-21", (t) => {
    t.boot();
    t.store16("device: write used.flags", ring(t, "usedFlags"), 2);
  }),
  breaks(
    "SPLIT-DEV-22",
    (t) => {
      t.boot();
      t.store16("device: write used.flags", ring(t, "usedFlags"), 1);
    },
    agreed(EVENT_IDX),
  ),
];
