/** What the device's queue makes of a driver that breaks the protocol, and of two sides that race. */
import { describe, expect, it } from "vitest";
import { ScatterList } from "../../src/guest/virtqueue/scatter-list.ts";
import { allocateShared } from "../../src/memory/attach.ts";
import type { SiteLabel } from "../../src/wire/sites.ts";
import { InjectingMemory } from "../support/injecting-memory.ts";
import { type Pair, queuePair, RING_OFFSET, ramBytes } from "./queue-pair.ts";

const SIZE = 4;
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

interface Descriptor {
  readonly address?: number;
  readonly length?: number;
  readonly flags?: number;
  readonly next?: number;
}

/** Writes descriptors and publishes heads directly, as a faulty driver would. */
function forge(pair: Pair<number>, descriptors: Descriptor[], heads: number[], index = heads.length): void {
  const { memory, layout } = pair;
  writeTable(pair, RING_OFFSET + layout.descriptors, descriptors);
  heads.forEach((head, at) => {
    memory.write16(RING_OFFSET + layout.availRing + 2 * at, head, 0);
  });
  memory.store16(RING_OFFSET + layout.availIndex, index, 0);
}
function writeTable(pair: Pair<number>, offset: number, descriptors: Descriptor[]): void {
  descriptors.forEach(({ address = pair.buffers, length = 8, flags = 0, next = 0 }, at) => {
    pair.memory.write32(offset + 16 * at, address, 0);
    pair.memory.write32(offset + 16 * at + 4, Math.floor(address / 2 ** 32), 0);
    pair.memory.write32(offset + 16 * at + 8, length, 0);
    pair.memory.write16(offset + 16 * at + 12, flags, 0);
    pair.memory.write16(offset + 16 * at + 14, next, 0);
  });
}

const pair = (options = {}) => queuePair<number>({ size: SIZE, ...options });
const END = (queue: Pair<number>) => queue.ram.base + queue.ram.size;

describe("a driver that breaks the protocol", () => {
  it.each<[string, string, (queue: Pair<number>) => void]>([
    ["moves avail.idx too far", "avail-index", (queue) => forge(queue, [{}], [0], SIZE + 1)],
    ["moves avail.idx backwards", "avail-index", (queue) => forge(queue, [{}], [0], 0xffff)],
    ["names a head out of range", "head-range", (queue) => forge(queue, [{}], [SIZE])],
    ["makes a loop", "chain-loop", (queue) => forge(queue, [{ flags: NEXT, next: 0 }], [0])],
    ["links out of the table", "next-range", (queue) => forge(queue, [{ flags: NEXT, next: SIZE }], [0])],
    [
      "points outside RAM",
      "descriptor-address",
      (queue) => forge(queue, [{ address: END(queue), length: 1 }], [0]),
    ],
    ["points at offset 0", "descriptor-address", (queue) => forge(queue, [{ address: 0 }], [0])],
    [
      "reaches over the end of RAM",
      "descriptor-address",
      (queue) => forge(queue, [{ length: 0xffff_ffff }], [0]),
    ],
    [
      "points 2^32 too high",
      "descriptor-address",
      (queue) => forge(queue, [{ address: queue.buffers + 2 ** 32 }], [0]),
    ],
    [
      "lets a readable segment follow a writable one",
      "descriptor-order",
      (queue) => forge(queue, [{ flags: WRITE | NEXT, next: 1 }, {}], [0]),
    ],
    [
      "uses a table without the feature",
      "indirect-not-negotiated",
      (queue) => forge(queue, [{ flags: INDIRECT, length: 16 }], [0]),
    ],
  ])("%s: %s", (_, kind, breach) => {
    const queue = pair();
    breach(queue);
    expect(queue.device.pop()).toBeUndefined();
    expect(queue.violations).toEqual([expect.stringMatching(new RegExp(`^${kind}: `))]);
    expect([queue.device.broken, queue.device.hasAvailable, queue.device.enableNotifications()]).toEqual([
      true,
      false,
      false,
    ]);
    expect([queue.device.pop(), queue.violations.length]).toEqual([undefined, 1]);
  });

  it.each<[string, Descriptor[], Descriptor]>([
    ["indirect-nested", [{ flags: INDIRECT, length: 16 }], { length: 16 }],
    ["indirect-next", [{}], { length: 16, flags: INDIRECT | NEXT }],
    ["indirect-length", [{}], { length: 0 }],
    ["indirect-length", [{}], { length: 24 }],
    ["indirect-length", [{}], { length: 16 * 1025 }],
    ["indirect-address", [{}], { length: 16, address: 0x2000 }],
    ["next-range", [{ flags: NEXT, next: 1 }], { length: 16 }],
    ["chain-loop", [{ flags: NEXT, next: 0 }], { length: 16 }],
    ["descriptor-order", [{ flags: WRITE | NEXT, next: 1 }, {}], { length: 32 }],
  ])("%s in a table", (kind, table, descriptor) => {
    const queue = pair({ indirect: true });
    const at = queue.buffers + 1024;
    writeTable(queue, at - queue.ram.base, table);
    forge(queue, [{ address: at, flags: INDIRECT, ...descriptor }], [0]);
    expect(queue.device.pop()).toBeUndefined();
    expect(queue.violations).toEqual([expect.stringMatching(new RegExp(`^${kind}: `))]);
  });

  it("makes a head available that the device still holds", () => {
    const queue = pair();
    forge(queue, [{ flags: WRITE }], [0, 0]);
    expect(queue.device.pop()?.head).toBe(0);
    expect(queue.device.pop()).toBeUndefined();
    expect(queue.violations).toEqual([expect.stringMatching(/^head-in-flight: /)]);
  });

  it("may use a head again once it has come back", () => {
    const queue = pair();
    forge(queue, [{ flags: WRITE }], [0, 0]);
    for (let round = 0; round < 2; round++) {
      const chain = queue.device.pop();
      expect(chain?.head).toBe(0);
      if (chain !== undefined) queue.device.push(chain, 0);
    }
    expect(queue.violations).toEqual([]);
  });
});

describe("a chain", () => {
  it("may end in an indirect table [2.7.5.3.2]", () => {
    const queue = pair({ indirect: true });
    const at = queue.buffers + 1024;
    writeTable(queue, at - queue.ram.base, [
      { length: 5, flags: NEXT, next: 1 },
      { length: 6, flags: WRITE },
    ]);
    forge(
      queue,
      [
        { length: 4, flags: NEXT, next: 1 },
        { address: at, length: 32, flags: INDIRECT },
      ],
      [0],
    );
    const chain = queue.device.pop();
    expect([chain?.segments, chain?.readableBytes, chain?.writableBytes]).toEqual([3, 9, 6]);
  });

  it("is dead once it was returned, and with its queue", () => {
    const queue = pair();
    forge(queue, [{ flags: WRITE }, { flags: WRITE }], [0, 1]);
    const [first, second] = [queue.device.pop(), queue.device.pop()];
    if (first === undefined || second === undefined) throw new Error("two chains were available");
    queue.device.push(first, 0);
    queue.device.push(first, 0);
    queue.device.flush();
    queue.device.detach();
    queue.device.push(second, 0);
    queue.device.flush();
    expect(queue.memory.load16(RING_OFFSET + queue.layout.usedIndex, 0)).toBe(1);
  });

  it("copies across segments, skipping what is asked for, and stops at its end", () => {
    const queue = pair();
    forge(
      queue,
      [
        { length: 3, flags: WRITE | NEXT, next: 1 },
        { address: queue.buffers + 100, length: 4, flags: WRITE },
      ],
      [0],
    );
    const chain = queue.device.pop();
    expect(chain?.write(2, Uint8Array.of(1, 2, 3, 4, 5, 6, 7))).toBe(5);
    expect(chain?.fill(6, 9, 0xff)).toBe(1);
    const bytes = (at: number, length: number) => {
      const read = new Uint8Array(length);
      queue.memory.readBytes(queue.ram.offsetOf(at, length), read, 0);
      return [...read];
    };
    expect([bytes(queue.buffers, 4), bytes(queue.buffers + 100, 5)]).toEqual([
      [0, 0, 1, 0],
      [2, 3, 4, 0xff, 0],
    ]);
    expect(chain?.writableWindows(1, 100).map(({ length }) => length)).toEqual([2, 4]);
    expect([chain?.read(0, new Uint8Array(1)), chain?.readableWindows(0, 8)]).toEqual([0, []]);
  });
});

describe.each([{ eventIndex: false }, { eventIndex: true }])(
  "two sides that race, event index $eventIndex",
  (features) => {
    function racing() {
      const memory = new InjectingMemory(allocateShared(ramBytes(SIZE, 8192)));
      const queue = queuePair<number>({ size: SIZE, memory, ...features });
      const addAndKick = () => {
        queue.driver.add(new ScatterList().addWritable(queue.buffers, 8), 7);
        queue.driver.kick();
      };
      const returnOne = () => {
        const chain = queue.device.pop();
        if (chain !== undefined) queue.device.push(chain, 0);
        queue.device.flush();
      };
      return { memory, queue, addAndKick, returnOne };
    }
    const around = (labels: readonly SiteLabel[]) =>
      labels.flatMap((label) => [["before", label] as const, ["after", label] as const]);
    const wish = features.eventIndex;

    it.each(
      around([wish ? "device: write avail_event" : "device: write used.flags", "device: read avail.idx"]),
    )("ordering C: a buffer added %s “%s” is seen, or kicked for", (when, label) => {
      const { memory, queue, addAndKick } = racing();
      queue.device.disableNotifications();
      memory.inject(when, label, addAndKick);
      const seen = queue.device.enableNotifications();
      expect([memory.waiting, seen || queue.kicks > 0]).toEqual([0, true]);
    });

    it.each(
      around(["driver: publish avail.idx", wish ? "driver: read avail_event" : "driver: read used.flags"]),
    )("ordering C: a device that goes to rest %s “%s” sees the buffer, or is kicked", (when, label) => {
      const { memory, queue, addAndKick } = racing();
      // One buffer served first, so that the wish of the zeroed ring is spent.
      addAndKick();
      queue.device.disableNotifications();
      queue.device.pop();
      queue.kicks = 0;
      let seen = false;
      memory.inject(when, label, () => {
        seen = queue.device.enableNotifications();
      });
      addAndKick();
      expect([memory.waiting, seen || queue.kicks > 0]).toEqual([0, true]);
    });

    it.each(
      around([wish ? "driver: write used_event" : "driver: write avail.flags", "driver: read used.idx"]),
    )("ordering D: a buffer returned %s “%s” is seen, or interrupts", (when, label) => {
      const { memory, queue, addAndKick, returnOne } = racing();
      queue.driver.disableCallbacks();
      addAndKick();
      memory.inject(when, label, returnOne);
      const quiet = queue.driver.enableCallbacks();
      expect([memory.waiting, !quiet || queue.interrupts > 0]).toEqual([0, true]);
    });

    it.each(
      around(["device: publish used.idx", wish ? "device: read used_event" : "device: read avail.flags"]),
    )(
      "ordering D: a driver that enables callbacks %s “%s” sees the buffer, or is interrupted",
      (when, label) => {
        const { memory, queue, addAndKick, returnOne } = racing();
        queue.driver.disableCallbacks();
        addAndKick();
        let quiet = true;
        memory.inject(when, label, () => {
          quiet = queue.driver.enableCallbacks();
        });
        returnOne();
        expect([memory.waiting, !quiet || queue.interrupts > 0]).toEqual([0, true]);
      },
    );

    it.each(around(["driver: read used.idx"]))(
      "ordering D: a driver that only gets is interrupted for a buffer returned %s “%s” that it did not see",
      (when, label) => {
        const { memory, queue, addAndKick, returnOne } = racing();
        addAndKick();
        returnOne();
        expect([queue.driver.get(), queue.interrupts]).toEqual([7, 1]);
        addAndKick();
        memory.inject(when, label, returnOne);
        const token = queue.driver.get();
        expect([memory.waiting, token === 7 || queue.interrupts === 2]).toEqual([0, true]);
      },
    );
  },
);
