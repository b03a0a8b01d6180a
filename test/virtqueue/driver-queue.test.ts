import { describe, expect, it } from "vitest";
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import { allocateShared } from "../../src/memory/attach.ts";
import { LiveMemory } from "../../src/memory/live-memory.ts";
import { site } from "../../src/wire/sites.ts";
import { FEATURE_COMBINATIONS, type Pair, queuePair, RING_OFFSET, ramBytes } from "./queue-pair.ts";

const SIZE = 4;
const WRITABLE_BYTES = 8;
/** More buffers than a 16-bit index counts. */
const MORE_THAN_INDEX = 0x1_0000;

const writable = (pair: Pair<number>, segments = 1): ScatterList => {
  const list = new ScatterList();
  for (let segment = 0; segment < segments; segment++) {
    list.addWritable(pair.buffers + WRITABLE_BYTES * segment, WRITABLE_BYTES);
  }
  return list;
};

/** One buffer all the way round: added, popped, pushed, got. */
function cycle(pair: Pair<number>, list = writable(pair)): void {
  pair.driver.add(list, 1);
  pair.driver.publish();
  const chain = pair.device.pop();
  if (chain !== undefined) pair.device.push(chain, 0);
  pair.device.flush();
  if (pair.driver.get() !== 1) throw new Error("the buffer did not come back");
}

/** Returns buffers by writing the used ring directly, as a faulty device would. */
function forge(pair: Pair<number>, index: number, ...elements: { id: number; length: number }[]): void {
  const { memory, layout } = pair;
  elements.forEach(({ id, length }, at) => {
    memory.write32(RING_OFFSET + layout.usedRing + 8 * at, id, 0);
    memory.write32(RING_OFFSET + layout.usedRing + 8 * at + 4, length, 0);
  });
  memory.store16(RING_OFFSET + layout.usedIndex, index, 0);
}

it("queues one segment without a list as with one", () => {
  const pair = queuePair<number>({ size: SIZE });
  const high = 0x1_2345_6780;
  expect(pair.driver.addInbuf(pair.buffers, 8, 1)).toBe(true);
  expect(pair.driver.addOutbuf(pair.buffers + 8, 16, 2)).toBe(true);
  pair.driver.publish();
  const taken = [pair.device.pop(), pair.device.pop()].map((chain) => ({
    segments: chain?.segments,
    offset: pair.ram.addressOf(chain?.segmentOffset(0) ?? 0) - pair.buffers,
    length: chain?.segmentLength(0),
    readable: chain?.readableBytes,
    writable: chain?.writableBytes,
  }));
  expect(taken).toEqual([
    { segments: 1, offset: 0, length: 8, readable: 0, writable: 8 },
    { segments: 1, offset: 8, length: 16, readable: 16, writable: 0 },
  ]);
  expect(pair.driver.freeDescriptors).toBe(SIZE - 2);
  // Beyond RAM, and beyond 32 bits: the device sees the address as it was given.
  expect(pair.driver.addInbuf(high, 8, 3)).toBe(true);
  pair.driver.publish();
  expect(pair.device.pop()).toBeUndefined();
  expect(pair.violations).toEqual([expect.stringContaining(`0x${high.toString(16)}`)]);
});

describe("a device that breaks the protocol", () => {
  const good = { id: 0, length: WRITABLE_BYTES };
  const breaches = [
    {
      what: "returns an id out of range",
      index: 1,
      elements: [{ id: SIZE, length: 0 }],
      got: 0,
      reason: /used id 4 is out of range/,
    },
    {
      what: "returns a wild id",
      index: 1,
      elements: [{ id: 0xffff_ffff, length: 0 }],
      got: 0,
      reason: /used id 4294967295 is out of range/,
    },
    {
      what: "returns a head that is not in flight",
      index: 1,
      elements: [{ id: 3, length: 0 }],
      got: 0,
      reason: /used id 3 is not a head in flight/,
    },
    {
      what: "returns a head twice",
      index: 2,
      elements: [good, good],
      got: 1,
      reason: /used id 0 is not a head in flight/,
    },
    {
      what: "claims to have written more than fits",
      index: 1,
      elements: [{ id: 0, length: WRITABLE_BYTES + 1 }],
      got: 0,
      reason: /used length 9 of id 0, but it has 8/,
    },
    {
      what: "moves used.idx past what is in flight",
      index: 3,
      elements: [good],
      got: 0,
      reason: /used.idx 3, last seen 0, published 2/,
    },
    { what: "moves used.idx backwards", index: 0xffff, elements: [good], got: 0, reason: /used.idx 65535/ },
  ];

  it.each(breaches)("breaks the queue with a reason when it $what", ({ index, elements, got, reason }) => {
    const pair = queuePair({ size: SIZE });
    pair.driver.add(writable(pair), 11);
    pair.driver.add(writable(pair), 12);
    pair.driver.kick();
    forge(pair, index, ...elements);
    const tokens = [pair.driver.get(), pair.driver.get(), pair.driver.get()].filter(
      (token) => token !== undefined,
    );
    expect(tokens.length).toBe(got);
    expect(pair.driver.broken).toMatch(reason);
  });

  it.each(breaches)("leaves no loop without end when it $what", ({ index, elements }) => {
    const pair = queuePair({ size: SIZE, eventIndex: true });
    pair.driver.add(writable(pair), 11);
    pair.driver.add(writable(pair), 12);
    pair.driver.kick();
    forge(pair, index, ...elements);
    for (let token = pair.driver.get(); token !== undefined; token = pair.driver.get());
    // What a driver's callback waits for: nothing used, and callbacks on.
    expect([
      pair.driver.hasUsed,
      pair.driver.enableCallbacks(),
      pair.driver.enableCallbacksDelayed(),
    ]).toEqual([false, true, true]);
    expect([pair.driver.add(writable(pair), 13), pair.driver.kickPrepare(), pair.driver.get()]).toEqual([
      false,
      false,
      undefined,
    ]);
  });

  it("finds a used.idx that counts buffers which were added but never published", () => {
    const pair = queuePair({ size: SIZE });
    pair.driver.add(writable(pair), 11);
    forge(pair, 1, good);
    expect([pair.driver.get(), pair.driver.broken]).toEqual([
      undefined,
      expect.stringMatching(/published 0/),
    ]);
  });

  it("cannot break a queue twice: the first reason stands, and buffers can still be detached", () => {
    const pair = queuePair({ size: SIZE });
    pair.driver.add(writable(pair), 11);
    pair.driver.break("unplugged");
    pair.driver.break("something else");
    expect(pair.driver.broken).toBe("unplugged");
    expect([pair.driver.detachUnused(), pair.driver.detachUnused()]).toEqual([11, undefined]);
  });
});

describe("room in the ring", () => {
  it.each(FEATURE_COMBINATIONS)(
    "ends after as many buffers as descriptors (indirect $indirect)",
    (features) => {
      const pair = queuePair({ size: SIZE, ...features });
      const added = Array.from({ length: SIZE + 1 }, (_, token) => pair.driver.add(writable(pair), token));
      expect(added).toEqual([true, true, true, true, false]);
      expect([pair.driver.freeDescriptors, pair.driver.inFlight]).toEqual([0, SIZE]);
      pair.driver.kick();
      pair.device.serve((chain) => pair.device.push(chain, 0));
      expect([0, 1, 2, 3, undefined]).toEqual(Array.from({ length: SIZE + 1 }, () => pair.driver.get()));
      expect(pair.driver.freeDescriptors).toBe(SIZE);
    },
  );

  it("takes a chain of exactly the queue size, over and over, from any start", () => {
    const pair = queuePair({ size: SIZE });
    for (let round = 0; round < 3; round++) {
      expect(pair.driver.add(writable(pair), 9)).toBe(true);
      expect(pair.driver.add(writable(pair, SIZE), 10)).toBe(false);
      pair.driver.kick();
      pair.device.serve((chain) => pair.device.push(chain, 0));
      expect(pair.driver.get()).toBe(9);
      expect(pair.driver.add(writable(pair, SIZE), 10)).toBe(true);
      pair.driver.kick();
      pair.device.serve((chain) => {
        expect(chain.segments).toBe(SIZE);
        pair.device.push(chain, SIZE * WRITABLE_BYTES);
      });
      expect([pair.driver.get(), pair.driver.lastLength]).toEqual([10, SIZE * WRITABLE_BYTES]);
    }
    expect(pair.violations).toEqual([]);
  });

  it("is no answer for a buffer that can never fit, nor for an empty one", () => {
    const pair = queuePair({ size: SIZE });
    expect(() => pair.driver.add(writable(pair, SIZE + 1), 1)).toThrow(
      "5 segments never fit in 4 descriptors",
    );
    expect(() => pair.driver.add(new ScatterList(), 1)).toThrow("needs at least one segment");
  });
});

describe("descriptors", () => {
  const WRITE_DESCRIPTOR = site("driver: write descriptor");

  /** Which of a descriptor's four words were written, one after another. */
  class NotedMemory extends LiveMemory {
    readonly noted: number[] = [];
    override write32(offset: number, value: number, at: number): void {
      if (at === WRITE_DESCRIPTOR) this.noted.push((offset % 16) / 4);
      super.write32(offset, value, at);
    }
    taken(): number[] {
      return this.noted.splice(0);
    }
  }

  it("are written where they differ from what they said", () => {
    const memory = new NotedMemory(allocateShared(ramBytes(SIZE, 8192)));
    const pair = queuePair({ size: SIZE, memory });
    const [ADDRESS, HIGH, LENGTH, FLAGS] = [0, 1, 2, 3];
    const lap = (list: () => ScatterList) => {
      for (let buffer = 0; buffer < SIZE; buffer++) cycle(pair, list());
      return memory.taken();
    };
    const all = (...words: (number | undefined)[]) => Array.from({ length: SIZE }, () => words).flat();
    const { buffers } = pair;
    expect(lap(() => writable(pair))).toEqual(all(ADDRESS, HIGH, LENGTH, FLAGS));
    expect(lap(() => writable(pair))).toEqual([]);
    expect(lap(() => new ScatterList().addWritable(buffers + 64, WRITABLE_BYTES))).toEqual(
      all(ADDRESS, HIGH),
    );
    expect(lap(() => new ScatterList().addWritable(buffers + 64, 1))).toEqual(all(LENGTH));
    expect(lap(() => new ScatterList().addReadable(buffers + 64, 1))).toEqual(all(FLAGS));
    expect(pair.violations).toEqual([]);
  });

  it("are handed out in the order in which they came back", () => {
    const pair = queuePair({ size: SIZE });
    const heads: number[] = [];
    const taken = () => {
      const chain = pair.device.pop();
      if (chain === undefined) throw new Error("nothing was available");
      heads.push(chain.head);
      return chain;
    };
    for (let buffer = 0; buffer < SIZE; buffer++) pair.driver.add(writable(pair), buffer);
    pair.driver.publish();
    const chains = Array.from({ length: SIZE }, taken);
    for (const chain of chains.toReversed()) pair.device.push(chain, 0);
    pair.device.flush();
    while (pair.driver.get() !== undefined);
    for (let buffer = 0; buffer < SIZE; buffer++) pair.driver.add(writable(pair), buffer);
    pair.driver.publish();
    for (let buffer = 0; buffer < SIZE; buffer++) taken();
    expect(heads).toEqual([0, 1, 2, 3, 3, 2, 1, 0]);
  });
});

describe("indirect tables", () => {
  it("are as many as buffers were out at once, whichever descriptors those had", () => {
    const pair = queuePair({ size: SIZE, indirect: true });
    for (let buffer = 0; buffer < 3 * SIZE; buffer++) cycle(pair, writable(pair, 2));
    expect(pair.tables.live.size).toBe(1);
    for (let buffer = 0; buffer < 2; buffer++) pair.driver.add(writable(pair, 2), buffer);
    expect(pair.tables.live.size).toBe(2);
    pair.driver.destroy();
    expect(pair.tables.live.size).toBe(0);
  });

  it("take one descriptor, however long, and grow with their buffers", () => {
    const pair = queuePair({ size: 1, indirect: true });
    for (const [segments, tableBytes] of [
      [2, 64],
      [4, 64],
      [5, 128],
      [3, 128],
      [40, 1024],
    ] as const) {
      cycle(pair, writable(pair, segments));
      expect([...pair.tables.live.values()]).toEqual([tableBytes]);
    }
    expect([pair.driver.freeDescriptors, pair.violations]).toEqual([1, []]);
    pair.driver.destroy();
    expect(pair.tables.live.size).toBe(0);
  });

  it("are not used for a single segment", () => {
    const pair = queuePair({ size: SIZE, indirect: true });
    cycle(pair);
    expect(pair.tables.live.size).toBe(0);
  });

  it("give way to a plain chain when there is no memory for them", () => {
    const pair = queuePair({ size: SIZE, indirect: true });
    pair.tables.available = false;
    expect(pair.driver.add(writable(pair, 3), 1)).toBe(true);
    expect(pair.driver.freeDescriptors).toBe(SIZE - 3);
    expect(pair.driver.add(writable(pair, 2), 2)).toBe(false);
    pair.driver.kick();
    pair.device.serve((chain) => {
      expect(chain.segments).toBe(3);
      pair.device.push(chain, 0);
    });
    expect([pair.driver.get(), pair.driver.freeDescriptors]).toEqual([1, SIZE]);
    expect(pair.driver.add(writable(pair, SIZE + 1), 3)).toBe(false);
  });

  it("are taken from under shorter ones when there is no memory for another", () => {
    const pair = queuePair({ size: SIZE, indirect: true });
    pair.driver.add(writable(pair, 6), 1);
    pair.driver.add(writable(pair, 2), 2);
    pair.driver.publish();
    pair.device.serve((chain) => pair.device.push(chain, 0));
    while (pair.driver.get() !== undefined);
    expect([...pair.tables.live.values()]).toEqual([128, 64]);
    pair.tables.available = false;
    expect(pair.driver.add(writable(pair, 6), 3)).toBe(true);
    expect(pair.driver.add(writable(pair, 6), 4)).toBe(false);
  });

  it("of buffers that are detached after the end are not used again", () => {
    const pair = queuePair({ size: SIZE, indirect: true });
    pair.driver.add(writable(pair, 2), 1);
    pair.driver.destroy();
    expect(pair.driver.detachUnused()).toBe(1);
    pair.tables.available = false;
    pair.driver.add(writable(pair, 2), 2);
    expect(pair.driver.freeDescriptors).toBe(SIZE - 2);
  });

  it("keep the one they have when there is no memory for a longer one", () => {
    const pair = queuePair({ size: 1, indirect: true });
    cycle(pair, writable(pair, 3));
    pair.tables.available = false;
    expect(pair.driver.add(writable(pair, 5), 1)).toBe(false);
    cycle(pair, writable(pair, 4));
    pair.driver.destroy();
    expect(pair.tables.live.size).toBe(0);
  });
});

describe.each([{ eventIndex: false }, { eventIndex: true }])(
  "callbacks, event index $eventIndex",
  (features) => {
    const options = { size: SIZE, ...features };
    const used = (pair: Pair<number>, count: number) => {
      for (let token = 0; token < count; token++) pair.driver.add(writable(pair), token);
      pair.driver.publish();
      for (let chain = pair.device.pop(); chain !== undefined; chain = pair.device.pop())
        pair.device.push(chain, 0);
      pair.device.flush();
    };

    it("are on from the start and come for the first buffer", () => {
      const pair = queuePair(options);
      used(pair, 1);
      expect(pair.interrupts).toBe(1);
    });

    it("come for every batch to a driver that only gets, never switching them", () => {
      const pair = queuePair(options);
      for (let batch = 1; batch <= 10; batch++) {
        used(pair, 1 + (batch % SIZE));
        expect(pair.interrupts).toBe(batch);
        for (let token = pair.driver.get(); token !== undefined; token = pair.driver.get());
      }
    });

    it("never come to a queue without a callback", () => {
      const pair = queuePair({ ...options, hasCallback: false });
      for (let round = 0; round < 1000; round++) cycle(pair);
      expect(pair.interrupts).toBe(0);
      const flags = pair.memory.load16(RING_OFFSET + pair.layout.availFlags, 0);
      // With event index the flags stay 0 [2.7.7.1].
      expect(flags).toBe(features.eventIndex ? 0 : 1);
    });

    it("stay off while off, and enabling says that something came", () => {
      const pair = queuePair(options);
      pair.driver.disableCallbacks();
      used(pair, 2);
      expect([pair.interrupts, pair.driver.enableCallbacks(), pair.driver.enableCallbacksDelayed()]).toEqual([
        0,
        false,
        false,
      ]);
      expect([pair.driver.get(), pair.driver.get(), pair.driver.enableCallbacks()]).toEqual([0, 1, true]);
      used(pair, 1);
      expect(pair.interrupts).toBe(1);
    });
  },
);

describe("delayed callbacks with event index", () => {
  it("come when three quarters of what is in flight have come back, not before", () => {
    const pair = queuePair({ size: 8, eventIndex: true });
    for (let token = 0; token < 8; token++) pair.driver.add(writable(pair), token);
    pair.driver.kick();
    expect(pair.driver.enableCallbacksDelayed()).toBe(true);
    const interruptsAfter = Array.from({ length: 8 }, () => {
      const chain = pair.device.pop();
      if (chain !== undefined) pair.device.push(chain, 0);
      pair.device.flush();
      return pair.interrupts;
    });
    expect(interruptsAfter).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
  });

  it("are not brought forward by a driver that gets some meanwhile", () => {
    const pair = queuePair({ size: 8, eventIndex: true });
    for (let token = 0; token < 8; token++) pair.driver.add(writable(pair), token);
    pair.driver.kick();
    pair.driver.enableCallbacksDelayed();
    for (let returned = 1; returned <= 6; returned++) {
      const chain = pair.device.pop();
      if (chain !== undefined) pair.device.push(chain, 0);
      pair.device.flush();
      expect([pair.driver.get(), pair.driver.get()]).toEqual([returned - 1, undefined]);
    }
    expect(pair.interrupts).toBe(0);
  });
});

describe("kicks", () => {
  it("are for new buffers only", () => {
    const pair = queuePair({ size: SIZE });
    expect(pair.driver.kickPrepare()).toBe(false);
    pair.driver.add(writable(pair), 1);
    expect([pair.driver.kickPrepare(), pair.driver.kickPrepare()]).toEqual([true, false]);
  });

  it("are prepared and sent apart, and counted either way", () => {
    const pair = queuePair({ size: SIZE });
    pair.driver.add(writable(pair), 1);
    expect([pair.driver.kickPrepare(), pair.kicks]).toEqual([true, 0]);
    pair.driver.notify();
    pair.device.disableNotifications();
    pair.driver.add(writable(pair), 2);
    pair.driver.kick();
    const { kicksSent, kicksSuppressed } = pair.driver.counters;
    expect([pair.kicks, kicksSent, kicksSuppressed]).toEqual([1, 1, 1]);
  });

  it.each([false, true])(
    "cover everything published since the last decision (event index %s)",
    (eventIndex) => {
      const pair = queuePair({ size: SIZE, eventIndex });
      pair.device.enableNotifications();
      pair.driver.add(writable(pair), 1);
      pair.driver.publish();
      pair.driver.add(writable(pair), 2);
      pair.driver.publish();
      expect(pair.driver.kickPrepare()).toBe(true);
    },
  );

  it.each([
    MORE_THAN_INDEX - 2,
    MORE_THAN_INDEX - 1,
    MORE_THAN_INDEX,
    MORE_THAN_INDEX + 1,
    1.5 * MORE_THAN_INDEX,
  ])("are not lost after %i publications without a decision", (publications) => {
    for (const eventIndex of [false, true]) {
      const pair = queuePair({ size: SIZE, eventIndex });
      for (let count = 1; count < publications; count++) cycle(pair);
      expect(pair.device.enableNotifications()).toBe(false);
      pair.driver.add(writable(pair), 1);
      expect(pair.driver.kickPrepare()).toBe(true);
    }
  });
});
