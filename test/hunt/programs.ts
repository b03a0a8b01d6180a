/** Shared-memory programs of a user's, for the tests of `sharedMemory`: a ring of four words, right and wrong. */
import { type Shared, sharedMemory } from "../../src/hunt/index.ts";

const HEAD = 0;
const TAIL = 1;
const SLOTS = 2;
const SIZE = 2;
const ITEMS = 3;

type Publish = (shared: Shared, head: number) => void;

const produce = (shared: Shared, publish: Publish): void => {
  const { words, atomics } = shared;
  for (let item = 0; item < ITEMS; item++) {
    while (item - atomics.load(words, TAIL) >= SIZE);
    words[SLOTS + (item % SIZE)] = 100 + item;
    publish(shared, item + 1);
  }
};

const consume = ({ words, atomics, fail }: Shared): void => {
  for (let item = 0; item < ITEMS; item++) {
    while (atomics.load(words, HEAD) === item);
    const got = words[SLOTS + (item % SIZE)];
    if (got !== 100 + item) fail(`item ${item} is ${got}`);
    atomics.store(words, TAIL, item + 1);
  }
};

const ring = (name: string, publish: Publish) =>
  sharedMemory({
    name,
    words: SLOTS + SIZE,
    threads: { producer: (shared) => produce(shared, publish), consumer: consume },
    check: (words) => (words[TAIL] === ITEMS ? undefined : `${words[TAIL]} of ${ITEMS} consumed`),
  });

export const goodRing = ring("good-ring", ({ words, atomics }, head) => {
  atomics.store(words, HEAD, head);
});

export const plainRing = ring("plain-ring", ({ words }, head) => {
  words[HEAD] = head;
});

const take = ({ words, atomics }: Shared): void => {
  while (atomics.compareExchange(words, 0, 0, 1) !== 0) atomics.wait(words, 0, 1);
  words[1] = (words[1] ?? 0) + 1;
  atomics.store(words, 0, 0);
  atomics.notify(words, 0);
};

export const lock = sharedMemory({
  name: "lock",
  words: 2,
  threads: { left: take, right: take },
  check: (words) => (words[1] === 2 ? undefined : `counted ${words[1]} of 2`),
});

/** Nothing is plain, so nothing races; and yet a count is lost. */
const lose = ({ words, atomics }: Shared): void => {
  atomics.store(words, 0, atomics.load(words, 0) + 1);
};

export const lostUpdate = sharedMemory({
  name: "lost-update",
  words: 1,
  threads: { left: lose, right: lose },
  check: (words) => (words[0] === 2 ? undefined : `counted ${words[0]} of 2`),
});

/** Nobody notifies: nothing races, and the left one sleeps for ever. */
export const asleep = sharedMemory({
  name: "asleep",
  words: 1,
  threads: {
    left: ({ words, atomics }) => void atomics.wait(words, 0, 0),
    right: ({ words, atomics }) => void atomics.load(words, 0),
  },
});

/** Every kind of view of one buffer, each element written by one thread and read by the other after a publish. */
const KINDS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;
const ofKinds = (buffer: SharedArrayBuffer): Int8Array[] =>
  KINDS.map((Kind, at) => new (Kind as typeof Int8Array)(buffer as unknown as ArrayBuffer, 16 * at, 2));

export const everyView = sharedMemory({
  name: "every-view",
  setup() {
    const data = new SharedArrayBuffer(16 * KINDS.length);
    const big = new SharedArrayBuffer(16);
    return { data, big, flag: new Int32Array(new SharedArrayBuffer(4)) };
  },
  threads: {
    writer({ made: { data, big, flag } }) {
      for (const view of ofKinds(data)) view[1] = -1;
      new BigInt64Array(big)[0] = -5n;
      new DataView(big).setUint16(8, 0x1234);
      Atomics.store(flag, 0, 1);
    },
    // Asynchronous functions keep their turn while they wait for something that is no shared memory.
    async reader({ made: { data, big, flag }, fail }) {
      if (Atomics.load(flag, 0) === 0) return;
      await Promise.resolve();
      const seen = ofKinds(data).map((view) => [...view].join("/"));
      const wanted = "0/-1 0/255 0/0 0/-1 0/65535 0/-1 0/4294967295 0/-1 0/-1";
      if (seen.join(" ") !== wanted) fail(seen.join(" "));
      if (new BigUint64Array(big)[0] !== 2n ** 64n - 5n) fail("the big integer");
      if (new DataView(big).getUint8(9) !== 0x34) fail("the DataView");
    },
  },
});

/** Two halves of one word, by a float: a race that may tear. */
export const views = sharedMemory({
  name: "views",
  setup: () => new SharedArrayBuffer(8),
  threads: {
    left({ made }) {
      new Float64Array(made)[0] = 1.5;
    },
    right({ made }) {
      new Float64Array(made).at(0);
    },
  },
});

/** A buffer of the thread's own: the detector sees none of it. */
export const behind = sharedMemory({
  name: "behind",
  words: 1,
  threads: {
    left: () => void new Int32Array(new SharedArrayBuffer(4)).fill(1),
    right: () => {},
  },
});

/** Waits for two words at once, as a queue's `isEmpty` does: a loop of more than one read. */
export const twoWords = sharedMemory({
  name: "two-words",
  words: 3,
  threads: {
    producer({ words, atomics }) {
      words[2] = 7;
      atomics.store(words, HEAD, 1);
    },
    consumer({ words, atomics, fail }) {
      while (atomics.load(words, HEAD) === atomics.load(words, TAIL));
      if (words[2] !== 7) fail("too early");
    },
  },
});
