/** What happens on threads that are not seen has no order but what the rings give it: nothing is judged by another. */
import { describe, expect, it } from "vitest";
import { agreed, le } from "./case.ts";
import { Talk, type TalkOptions } from "./talk.ts";

const [CTRL_VQ, MAC, ANNOUNCE, MQ, MAC_ADDR] = [17, 5, 21, 22, 23];
const PAIRED = agreed(CTRL_VQ, MAC, ANNOUNCE, MQ, MAC_ADDR, 16);
const CTRL = 4;
const [RX1, TX1] = [2, 3];
const FRAME = [{ length: 10, bytes: Array(10).fill(0) }, { length: 60 }];
const ROOM = [
  { length: 10, write: true },
  { length: 1600, write: true },
];
const ADDRESS = [2, 0, 0, 0, 0, 9];

const ids = (talk: Talk) => talk.monitor.findings.map(({ id }) => id);

/** A network device of two pairs, both in use. */
function paired(options: TalkOptions): Talk {
  const talk = new Talk("net", { ...PAIRED, ...options });
  talk.find().negotiate();
  talk.configField(8, 2, 2);
  for (let index = 0; index <= CTRL; index++) talk.setUp(index);
  talk.ready();
  setPairs(talk, 2);
  return talk;
}
function command(talk: Talk, family: number, what: number, data: readonly number[]): number {
  const queue = talk.queue(CTRL);
  if (queue.avail === queue.collected) queue.free = 0;
  const middle = data.length === 0 ? [] : [{ length: data.length, bytes: data }];
  return talk.offer([{ length: 2, bytes: [family, what] }, ...middle, { length: 1, write: true }], CTRL);
}
function setPairs(talk: Talk, pairs: number): void {
  const head = command(talk, 4, 0, le(2, pairs));
  talk.take(CTRL);
  talk.give(head, [0], CTRL);
}

describe("seen from the device's side", () => {
  const DEVICE = { sides: ["device"] } as const;

  it("a frame may have been sent before its pair was given up", () => {
    const talk = paired(DEVICE);
    talk.offer(FRAME, TX1);
    setPairs(talk, 1);
    talk.take(TX1);
    expect(ids(talk)).toEqual([]);
    talk.offer(FRAME, TX1);
    talk.take(TX1);
    expect(ids(talk)).toEqual(["NET-DRV-36"]);
  });

  it("a request may be older than the capacity that it exceeds", () => {
    const talk = new Talk("blk", DEVICE);
    talk.find().negotiate();
    talk.configField(0, 8, 100);
    talk.setUp(0).ready();
    const read = () =>
      talk.offer([
        { length: 16, bytes: [...le(4, 0), ...le(4, 0), ...le(8, 60)] },
        { length: 512, write: true },
        { length: 1, write: true },
      ]);
    read();
    talk.configChange();
    talk.configField(0, 8, 50);
    talk.take();
    expect(ids(talk)).toEqual([]);
    read();
    talk.take();
    expect(ids(talk)).toEqual(["BLK-DRV-06"]);
  });

  it("pages may have been deflated before the target was raised", () => {
    const talk = new Talk("balloon", DEVICE);
    talk.find().negotiate().setUp(0).setUp(1).ready();
    talk.configField(0, 4, 2);
    const page = (index: number) => le(4, talk.ram.base / 4096 + index);
    talk.round([{ length: 8, bytes: [...page(4), ...page(5)] }], [], 0);
    talk.configWrite(4, 2, 4);
    const deflate = (index: number) => talk.offer([{ length: 4, bytes: page(index) }], 1);
    talk.configChange();
    talk.configField(0, 4, 1);
    deflate(4);
    talk.configChange();
    talk.configField(0, 4, 9);
    talk.take(1);
    expect(ids(talk)).toEqual([]);
    deflate(5);
    talk.take(1);
    expect(ids(talk)).toEqual(["BALLOON-DRV-04"]);
  });

  it("another CPU's kick may be served after the reset that it came before", () => {
    const talk = new Talk("rng", { ...DEVICE, cpus: 2 });
    talk.boot().reset().kick();
    expect(ids(talk)).toEqual([]);
    const alone = new Talk("rng", DEVICE);
    alone.boot().reset().kick();
    expect(ids(alone)).toEqual(["LEGACY-DRV-19"]);
  });
});

describe("seen from the driver's side", () => {
  const DRIVER = { sides: ["driver"] } as const;

  it("a frame may have come before its pair was given up", () => {
    const talk = paired(DRIVER);
    const [first, second] = [talk.offer(ROOM, RX1), talk.offer(ROOM, RX1)];
    const receive = (head: number) => {
      talk.answer(head, Array(70).fill(0), RX1);
      talk.element(head, 70, RX1);
      talk.publishUsed(RX1);
    };
    receive(first);
    setPairs(talk, 1);
    talk.collect(RX1);
    expect(ids(talk)).toEqual([]);
    talk.collect(RX1);
    receive(second);
    talk.collect(RX1);
    expect(ids(talk)).toEqual(["NET-DEV-42"]);
  });

  it("an address may have changed before the command is answered", () => {
    const talk = paired(DRIVER);
    const set = (last: number) => command(talk, 1, 1, [...ADDRESS.slice(0, 5), last]);
    talk.give(set(9), [0], CTRL);
    const head = set(10);
    talk.configRead(5, 10);
    expect(ids(talk)).toEqual([]);
    talk.give(head, [0], CTRL);
    talk.configRead(5, 9);
    expect(ids(talk)).toEqual(["NET-DEV-37"]);
  });

  it("a device may announce itself again", () => {
    const talk = paired(DRIVER);
    talk.configRead(6, 3, 2);
    talk.give(
      talk.offer(
        [
          { length: 2, bytes: [3, 0] },
          { length: 1, write: true },
        ],
        CTRL,
      ),
      [0],
      CTRL,
    );
    talk.configRead(6, 3, 2);
    expect(ids(talk).filter((id) => id === "NET-DEV-41")).toEqual([]);
  });

  it("another CPU may stock its own queues", () => {
    const talk = paired({ ...DRIVER, cpus: 2 });
    talk.offer(ROOM, 0);
    talk.idle();
    expect(ids(talk)).toEqual([]);
  });
});

describe("beside threads that serve queues", () => {
  it("a line may be up for what one of them has set in the ISR", () => {
    const talk = new Talk("rng", { elsewhere: true });
    talk.boot().line();
    expect(ids(talk)).toEqual([]);
  });

  it("an interrupt may be on its way when the reset is heard of", () => {
    const talk = new Talk("rng", { msix: 4 });
    talk.find().negotiate().setUp(0);
    talk.mapVector("queueVector", 1);
    talk.ready();
    const head = talk.offer([{ length: 16, write: true }]);
    talk.take();
    talk.answer(head, [1]);
    talk.element(head, 1);
    talk.publishUsed();
    talk.interruptWanted();
    talk.write("status", 0);
    talk.raise();
    talk.message(65);
    expect(ids(talk)).toEqual([]);
  });

  it("a message that is sent late is of the queue whose vector it is", () => {
    const talk = new Talk("rng", { msix: 4 });
    talk.find().negotiate();
    for (const index of [0, 1]) {
      talk.setUp(index);
      talk.mapVector("queueVector", 1 + index);
    }
    talk.ready();
    // Asleep, it keeps its messages; both are sent when the thread is told that it is awake.
    for (const index of [1, 0]) {
      const head = talk.offer([{ length: 16, write: true }], index);
      talk.take(index);
      talk.give(head, [1], index);
    }
    talk.monitor.observer.called();
    talk.message(66);
    talk.message(65);
    expect(ids(talk)).toEqual([]);
  });
});
