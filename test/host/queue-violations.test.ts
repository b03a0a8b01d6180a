import { describe, expect, it } from "vitest";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import type { FakeRing } from "../support/fake-driver.ts";
import { BUFFER_AT, hostRig, RAM_BYTES, RING_AT } from "../support/host-rig.ts";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const OK = { address: BUFFER_AT, length: 16 };
const TABLE_AT = BUFFER_AT + 0x1000;

/** Puts descriptors into an indirect table at `TABLE_AT`: a ring's table is an array of them as well. */
type Breach = (ring: FakeRing, table: FakeRing) => void;
const indirect = (ring: FakeRing, over: { length?: number; address?: number; flags?: number } = {}): void => {
  ring.descriptor(0, { address: TABLE_AT, length: 16, flags: INDIRECT, ...over });
  ring.offer(0);
};

/** Queue 0 (8 entries) set up, one breach committed, and kicked; the table's own ring is never set up. */
function commit(breach: Breach, features = 0x3000_0000) {
  const rig = hostRig({ queueSize: 8 });
  rig.driver.enable();
  rig.driver.write(LEGACY.guestFeatures, features);
  const ring = rig.driver.setUpQueue(0, RING_AT);
  const table = rig.driver.setUpQueue(1, TABLE_AT);
  breach(ring, table);
  rig.driver.kick(0);
  rig.pollAll();
  return { ...rig, ring };
}

const breaches: [string, string, Breach][] = [
  ["avail-index", "an available index more than the queue ahead", (ring) => ring.setAvailIndex(9)],
  ["avail-index", "an available index that went back", (ring) => ring.setAvailIndex(0xffff)],
  ["head-range", "a head beyond the table", (ring) => ring.offer(8)],
  [
    "next-range",
    "a next beyond the table",
    (ring) => {
      ring.descriptor(0, { ...OK, flags: NEXT, next: 8 });
      ring.offer(0);
    },
  ],
  [
    "chain-loop",
    "a chain that comes back to its head",
    (ring) => {
      ring.descriptor(0, { ...OK, flags: NEXT, next: 1 });
      ring.descriptor(1, { ...OK, flags: NEXT, next: 0 });
      ring.offer(0);
    },
  ],
  [
    "chain-loop",
    "a descriptor that names itself in an indirect table",
    (ring, table) => {
      table.descriptor(0, { ...OK, flags: NEXT, next: 0 });
      indirect(ring);
    },
  ],
  [
    "descriptor-address",
    "a buffer below RAM",
    (ring) => ring.offerChain(0, [{ address: 0x1000, length: 1 }]),
  ],
  [
    "descriptor-address",
    "a buffer that ends one byte past RAM",
    (ring) => ring.offerChain(0, [{ address: 0x10_0000 + RAM_BYTES - 15, length: 16 }]),
  ],
  [
    "descriptor-address",
    "a buffer beyond 2^32",
    (ring) => ring.offerChain(0, [{ address: 2 ** 40 + BUFFER_AT, length: 16 }]),
  ],
  [
    "descriptor-order",
    "a readable buffer after a writable one",
    (ring) => ring.offerChain(0, [{ ...OK, write: true }, OK]),
  ],
  [
    "indirect-nested",
    "an indirect table inside an indirect table",
    (ring, table) => {
      table.descriptor(0, { address: TABLE_AT, length: 16, flags: INDIRECT });
      indirect(ring);
    },
  ],
  ["indirect-next", "INDIRECT together with NEXT", (ring) => indirect(ring, { flags: INDIRECT | NEXT })],
  ["indirect-length", "an indirect table of 24 bytes", (ring) => indirect(ring, { length: 24 })],
  ["indirect-length", "an empty indirect table", (ring) => indirect(ring, { length: 0 })],
  ["indirect-address", "an indirect table outside RAM", (ring) => indirect(ring, { address: 0x1000 })],
  ["indirect-address", "an unaligned indirect table", (ring) => indirect(ring, { address: TABLE_AT + 2 })],
];

describe("a driver's breach in the ring", () => {
  it.each(breaches)("is reported as %s for %s, and nothing is used", (kind, _what, breach) => {
    const { violations, ring, fn } = commit(breach);
    expect(violations).toEqual([
      { kind, queue: 0, device: "00:04.0 fake", detail: expect.stringMatching(/\w+/) },
    ]);
    expect(ring.usedIndex).toBe(0);
    expect(fn.device.queues[0]?.broken).toBe(true);
  });

  it("is reported as indirect-not-negotiated without the feature", () => {
    expect(commit((ring) => indirect(ring), 0).kinds()).toEqual(["indirect-not-negotiated"]);
  });

  it("is reported as head-in-flight for a head the device still holds", () => {
    const held = hostRig({
      model: {
        features: 0,
        queues: [{ name: "holds" }],
        queueNotified: (queue) => queue.serve(() => {}),
      },
    });
    held.driver.enable();
    const ring = held.driver.setUpQueue(0, RING_AT);
    ring.offerChain(0, [OK]);
    ring.offer(0);
    held.driver.kick(0);
    held.pollAll();
    expect(held.kinds()).toEqual(["head-in-flight"]);
  });

  it("is reported once: a broken queue is not served until a reset", () => {
    const { driver, ring, kinds, pollAll, host } = commit((broken) => broken.offer(8));
    ring.offerChain(0, [OK]);
    driver.kick(0);
    pollAll();
    expect(kinds()).toEqual(["head-range"]);
    expect(Object.fromEntries(host.violations)).toEqual({ "00:04.0 fake: head-range": 1 });
    driver.write(LEGACY.status, 0);
    const fresh = driver.setUpQueue(0, RING_AT);
    fresh.offerChain(0, [OK]);
    driver.kick(0);
    pollAll();
    expect(fresh.takeUsed()).toEqual([{ id: 0, length: 0 }]);
  });

  it("leaves the device's other queues alone", () => {
    const { driver, pollAll } = commit((ring) => ring.offer(8));
    const other = driver.setUpQueue(1, TABLE_AT);
    other.offerChain(3, [OK, { ...OK, write: true }]);
    driver.kick(1);
    pollAll();
    expect(other.takeUsed()).toEqual([{ id: 3, length: 0 }]);
  });
});

describe("a well-formed indirect chain", () => {
  it("is served as if its table were the ring's", () => {
    const { kinds, ring } = commit((broken, table) => {
      table.descriptor(0, { ...OK, flags: NEXT, next: 1 });
      table.descriptor(1, { ...OK, flags: WRITE });
      indirect(broken, { length: 32 });
    });
    expect(kinds()).toEqual([]);
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 0 }]);
  });
});
