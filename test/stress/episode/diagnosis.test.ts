import { expect, test } from "vitest";
import type { RunReport } from "../../../src/machine/run.ts";
import { whyStalled } from "../../../src/stress/episode/diagnosis.ts";

const NOTHING = { functions: [] } as never;
const state = { functions: [], queues: [] };

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
