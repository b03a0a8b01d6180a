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

test("what the host is still opening is said, and so is a queue that the device knows nothing of", () => {
  const queue = { busName: "00:04.0", index: 1, inFlight: 2, lastUsed: 0, kicksSent: 1 };
  const idle = { ...queue, index: 0, inFlight: 0 };
  const reset = { name: "00:04.0 console", queues: [], kickPending: false };
  const why = (functions: readonly object[], underWay: readonly string[] = []) =>
    whyStalled(
      { host: { ...state, underWay }, guest: { ...state, queues: [queue, idle] } } as unknown as RunReport,
      { functions } as never,
    );
  const strange = (how: string) =>
    `00:04.0, queue 1: the driver has 2 requests out and ${how}: it was reset, or swapped, without the driver`;
  expect(why([reset])).toEqual([strange("the device knows no such queue")]);
  expect(why([], ["opening 00:04.0 console, for 5 ms"])).toEqual([
    "the host has not ended opening 00:04.0 console, for 5 ms",
    strange("there is no such device"),
  ]);
});
