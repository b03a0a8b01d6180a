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
