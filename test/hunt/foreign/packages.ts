/** Other people's shared-memory packages, as they are: each driven by two threads. The threads load this module. */
import Flatbush from "flatbush";
import { RingBuffer } from "ringbuf.js";
import { sharedMemory } from "../../../src/hunt/index.ts";

/** Views whose atomic stores are plain ones: what the package would be without its `Atomics`. */
const demoted = new WeakSet<object>();
/** Or all of this thread's. */
let everything = false;
const { store } = Atomics;
Atomics.store = ((view: Int32Array, index: number, value: number) => {
  if (!everything && !demoted.has(view)) return store(view, index, value);
  view[index] = value;
  return value;
}) as typeof store;

/** Three numbers through a ring of two, and so round its end; each side tries a few times and goes. */
const ring = (name: string, plain: boolean) =>
  sharedMemory({
    name,
    setup() {
      const made = new RingBuffer(RingBuffer.getStorageForCapacity(2, Uint8Array), Uint8Array);
      if (plain) demoted.add((made as unknown as { write_ptr: object }).write_ptr);
      return made;
    },
    threads: {
      producer({ made }) {
        for (let next = 1, tries = 4; next <= 3 && tries > 0; tries--)
          next += made.push(new Uint8Array([next]));
      },
      consumer({ made, fail }) {
        const got = new Uint8Array(1);
        for (let wanted = 1, tries = 4; wanted <= 3 && tries > 0; tries--) {
          if (made.pop(got) === 0) continue;
          if (got[0] !== wanted) fail(`${got[0]} came instead of ${wanted}`);
          wanted++;
        }
      },
    },
  });

export const ringbuf = ring("ringbuf", false);
export const ringbufPlainWrite = ring("ringbuf-plain-write", true);

/** An index of two boxes, built by one thread and searched by the other once it is published. */
const index = (name: string, plain: boolean) =>
  sharedMemory({
    name,
    setup() {
      const built = new Flatbush(2, 4, Int16Array, SharedArrayBuffer);
      const ready = new Int32Array(new SharedArrayBuffer(4));
      if (plain) demoted.add(ready);
      return { built, ready };
    },
    threads: {
      builder({ made: { built, ready } }) {
        built.add(0, 0, 1, 1);
        built.add(5, 5, 6, 6);
        built.finish();
        Atomics.store(ready, 0, 1);
      },
      searcher({ made: { built, ready }, fail }) {
        if (Atomics.load(ready, 0) === 0) return;
        const found = Flatbush.from(built.data).search(4, 4, 7, 7);
        if (found.join() !== "1") fail(`found ${found.join()}`);
      },
    },
  });

export const flatbush = index("flatbush", false);
export const flatbushPlain = index("flatbush-plain-flag", true);

type Listener = (event: { data: unknown }) => unknown;
type Ask = (fn: () => Uint8Array) => () => Uint8Array;
interface Posted {
  readonly code: string;
  readonly ab: SharedArrayBuffer;
}

/** What the package takes for a browser: a worker that nobody starts, and the listener of the one that runs. */
const browser = globalThis as unknown as { Worker: unknown; addEventListener: unknown };
let posted: Posted | undefined;
let listener: Listener | undefined;
browser.Worker = class {
  postMessage(message: Posted): void {
    posted = message;
  }
};
browser.addEventListener = (_: string, listen: Listener): void => {
  listener = listen;
};
const { createWorker } = (await import("await-sync" as string)) as { createWorker: () => Ask };
await import("await-sync/worker.js" as string);

/** One answer of three bytes, waited for by one thread and written by the other. */
const answer = (name: string, plain: boolean) =>
  sharedMemory({
    name,
    setup() {
      const ask = createWorker()(() => new Uint8Array([1, 2, 3]));
      return { ask, posted };
    },
    threads: {
      caller({ made: { ask }, fail }) {
        everything = plain;
        const got = ask();
        if ([...got].join() !== "1,2,3") fail(`the answer is ${[...got].join()}`);
      },
      async worker({ made }) {
        const port: { onmessage?: Listener } = {};
        await listener?.({
          data: { ...made.posted, port, code: "export default () => new Uint8Array([1, 2, 3])" },
        });
        await port.onmessage?.({ data: [] });
      },
    },
  });

export const awaitSync = answer("await-sync", false);
export const awaitSyncPlain = answer("await-sync-plain-store", true);
