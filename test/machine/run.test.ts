/** When a guest that is asked how far it is counts as stalled. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Side } from "../../src/machine/control.ts";
import type { GuestProgress, GuestService, Outcome } from "../../src/machine/protocol.ts";
import { runProgram } from "../../src/machine/run.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const STALL_MS = 5000;
const after = <T>(ms: number, value: () => T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value()), ms));

/** A guest with a request out: how long its answers take, one after the other, and what they tell. */
function guestThat(answer: {
  readonly takesMs: (call: number) => number;
  readonly completed: () => number;
}): Side<GuestService> {
  let calls = 0;
  const progress = (): Promise<GuestProgress> =>
    after(answer.takesMs(++calls), () => ({
      outstanding: 1,
      completed: answer.completed(),
      sleeps: 0,
      waitsForOthers: false,
      report: null,
    }));
  const run = () => after(60_000, (): Outcome<unknown> => ({ ok: true, value: "done" }));
  return { service: { run, progress }, gone: new Promise<never>(() => {}) } as unknown as Side<GuestService>;
}

async function run(guest: Side<GuestService>) {
  const running = runProgram(guest, { module: "", args: null }, { stallMs: STALL_MS, gone: [] } as never);
  await vi.advanceTimersByTimeAsync(70_000);
  return running;
}

test("a guest that answers, and does not move, has stalled", async () => {
  const { error } = await run(guestThat({ takesMs: () => 1, completed: () => 7 }));
  expect(error?.message).toBe(`1 request outstanding and nothing happened for ${STALL_MS} ms`);
});

test("one that was busy for longer, and has moved when it answers, has not", async () => {
  let completed = 0;
  // Nobody waits so long for an answer; some do not come, then they come again.
  const takesMs = (call: number) => (call % 8 < 4 ? 1 : 3000);
  const { error, result } = await run(guestThat({ takesMs, completed: () => ++completed }));
  expect([error, result]).toEqual([null, "done"]);
});
