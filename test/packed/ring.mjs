/** A stranger's ring of two slots, right and with its head stored plainly. */
import { sharedMemory } from "virtlab/hunt";

const HEAD = 0;
const TAIL = 1;
const SLOTS = 2;
const SIZE = 2;
const ITEMS = 3;

const ring = (name, publish) =>
  sharedMemory({
    name,
    words: SLOTS + SIZE,
    threads: {
      producer({ words }) {
        for (let item = 0; item < ITEMS; item++) {
          while (item - Atomics.load(words, TAIL) >= SIZE);
          words[SLOTS + (item % SIZE)] = 100 + item;
          publish(words, item + 1);
        }
      },
      consumer({ words, fail }) {
        for (let item = 0; item < ITEMS; item++) {
          while (Atomics.load(words, HEAD) === item);
          const got = words[SLOTS + (item % SIZE)];
          if (got !== 100 + item) fail(`item ${item} is ${got}`);
          Atomics.store(words, TAIL, item + 1);
        }
      },
    },
  });

export const goodRing = ring("good-ring", (words, head) => Atomics.store(words, HEAD, head));
export const plainRing = ring("plain-ring", (words, head) => {
  words[HEAD] = head;
});
