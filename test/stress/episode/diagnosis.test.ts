import { expect, test } from "vitest";
import type { RunReport } from "../../../src/machine/run.ts";
import { whyStalled } from "../../../src/stress/episode/diagnosis.ts";

const NOTHING = { functions: [] } as never;
const state = { functions: [], queues: [], underWay: [] };

test.each([
  [null, null, "the host does not answer: a handler of a device has not returned"],
  [null, state, "the host does not answer: a handler of a device has not returned"],
  [state, null, "the guest does not answer: its program, or a handler, has not returned"],
])("who does not answer is said, the host first (host %j, guest %j)", (host, guest, sentence) => {
  expect(whyStalled({ host, guest } as unknown as RunReport, NOTHING)).toEqual([sentence]);
});

test("two sides that answer and no queue that waits: nothing to say", () => {
  expect(whyStalled({ host: state, guest: state } as unknown as RunReport, NOTHING)).toEqual([]);
});

const QUEUE = { busName: "00:04.0", index: 1, inFlight: 2, lastUsed: 0, kicksSent: 1, outstanding: 2 };

test("what the host is still opening is said, and so is a queue that the device knows nothing of", () => {
  const idle = { ...QUEUE, index: 0, inFlight: 0 };
  const reset = { name: "00:04.0 console", queues: [], kickPending: false };
  const why = (functions: readonly object[], underWay: readonly string[] = []) =>
    whyStalled(
      { host: { ...state, underWay }, guest: { ...state, queues: [QUEUE, idle] } } as unknown as RunReport,
      { functions } as never,
    );
  expect(why([reset])).toEqual([
    "00:04.0, queue 1: the driver has 2 buffers in it, but the device in its slot has no such queue set up: " +
      "it was reset or replaced, and the driver was not told",
  ]);
  expect(why([], ["opening 00:04.0 console, for 5 ms"])).toEqual([
    "the host has not ended opening 00:04.0 console, for 5 ms",
    "00:04.0, queue 1: the driver has 2 buffers in it, but its slot is empty: " +
      "the device was pulled out, and the driver has not let go",
  ]);
});

test("a chain that a device holds is one", () => {
  const shown = { name: "00:04.0 blk", queues: [{ index: 1, avail: { index: 1 }, used: { index: 0 } }] };
  const host = { ...state, functions: [{ name: shown.name, model: {}, queues: [] }] };
  const taken = { ...QUEUE, inFlight: 1, outstanding: 1 };
  const held = [undefined, { active: { lastAvail: 1 } }];
  const report = {
    host: { ...host, functions: [{ ...host.functions[0], queues: held }] },
    guest: { ...state, queues: [taken] },
  };
  expect(whyStalled(report as unknown as RunReport, { functions: [shown] } as never)).toEqual([
    "00:04.0 blk, queue 1: the device holds 1 chain: its back-end has not answered",
  ]);
});

test("buffers that are only offered are no reason, and a link that is down is said", () => {
  const disk = { ...QUEUE, index: 0, inFlight: 1, outstanding: 1 };
  const receive = { ...disk, busName: "00:05.0", inFlight: 8, outstanding: 0 };
  const lies = (index: number) => ({ index: 0, avail: { index }, used: { index: 0 } });
  const shown = [
    { name: "00:04.0 blk", queues: [lies(1)], kickPending: false },
    { name: "00:05.0 net", queues: [lies(8)], kickPending: false },
  ];
  const functions = shown.map(({ name }) => ({
    ...{ name, queues: [{ active: { lastAvail: 0 } }], model: name.endsWith("net") ? { linkUp: false } : {} },
  }));
  const why = (queues: readonly object[]) =>
    whyStalled(
      { host: { ...state, functions }, guest: { ...state, queues } } as unknown as RunReport,
      { functions: shown } as never,
    );
  const lost = (where: string, index: number) =>
    `${where}, queue 0: avail.idx is ${index}, the device has taken 0, no kick is pending: ` +
    "a kick was lost, or the device did not look again";
  const down = "00:05.0 net: its link is down: frames are lost there";
  expect(why([disk, receive])).toEqual([lost("00:04.0 blk", 1), down]);
  // Where nobody awaits anything, whatever lies there may be why.
  expect(why([{ ...disk, inFlight: 0, outstanding: 0 }, receive])).toContain(lost("00:05.0 net", 8));
});
