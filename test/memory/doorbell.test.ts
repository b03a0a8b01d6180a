import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { allocateShared } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import type { WaitResult } from "../../src/memory/shared-memory.ts";
import { InjectingMemory } from "../support/injecting-memory.ts";
import { startThread, type Thread } from "../support/thread.ts";
import type { RingerData } from "./ringer.thread.ts";

const BELL = 64;
const WORK = 128;
/** Long enough that only a lost wake-up ever takes it. */
const LOST_MS = 10_000;

class CountingMemory extends InjectingMemory {
  asyncWaits = 0;
  override waitAsync32(offset: number, expected: number, timeoutMs: number, at: number) {
    this.asyncWaits++;
    return super.waitAsync32(offset, expected, timeoutMs, at);
  }
}

function fixture() {
  const memory = new CountingMemory(allocateShared(192));
  return { memory, bell: new Doorbell(memory, BELL) };
}

describe("Doorbell in one thread", () => {
  it("costs a ring nothing but a look while nobody sleeps", () => {
    const { bell } = fixture();
    bell.ring();
    expect(bell.describe()).toEqual({ rings: 0, sleepers: 0 });
  });

  it("leaves a ring before the announcement to the look that follows it", () => {
    const { memory, bell } = fixture();
    memory.store32(WORK, 1, 0);
    bell.ring();
    bell.announce();
    expect(memory.load32(WORK, 0)).toBe(1);
    bell.cancel();
    expect(bell.describe().sleepers).toBe(0);
  });

  it("returns at once from a sleep that was rung after its announcement", async () => {
    const { bell } = fixture();
    const blocking = bell.announce();
    bell.ring();
    expect(bell.sleep(blocking, LOST_MS)).toBe("not-equal");
    const asynchronous = bell.announce();
    bell.ring();
    await bell.sleepAsync(asynchronous);
    expect(bell.describe()).toEqual({ rings: 2, sleepers: 0 });
    expect(bell.wakeups).toBe(2);
  });

  it.each(["before", "after"] as const)("loses no ring that comes %s the ticket is read", (when) => {
    const { memory, bell } = fixture();
    memory.inject(when, "doorbell: look", () => {
      memory.store32(WORK, 1, 0);
      bell.ring();
    });
    const ticket = bell.announce();
    const saw = memory.load32(WORK, 0) === 1;
    const slept: WaitResult = bell.sleep(ticket, 1);
    expect(saw || slept !== "timed-out").toBe(true);
  });

  it("loses no ring that comes between the announcement and the ticket, nor work published before it", () => {
    const { memory, bell } = fixture();
    memory.inject("before", "doorbell: announce sleep", () => {
      memory.store32(WORK, 1, 0);
      bell.ring();
    });
    bell.announce();
    expect(memory.load32(WORK, 0)).toBe(1);
    bell.cancel();
  });

  it("times out when nobody rings, and counts no wake-up", () => {
    const { bell } = fixture();
    expect(bell.sleep(bell.announce(), 1)).toBe("timed-out");
    expect([bell.wakeups, bell.describe().sleepers]).toEqual([0, 0]);
  });

  it("wakes an asynchronous sleep by a ring from its own thread", async () => {
    const { bell } = fixture();
    const sleeping = bell.sleepAsync(bell.announce());
    bell.ring();
    await sleeping;
    expect(bell.describe()).toEqual({ rings: 1, sleepers: 0 });
  });

  it("waits anew after it was woken", async () => {
    const { memory, bell } = fixture();
    for (let round = 1; round <= 3; round++) {
      const sleeping = bell.sleepAsync(bell.announce());
      expect(memory.asyncWaits).toBe(round);
      bell.ring();
      await sleeping;
    }
  });

  it("queues one waiter however many sleeps end early, and a later ring still wakes", async () => {
    const { memory, bell } = fixture();
    for (let round = 0; round < 100; round++) await bell.sleepAsync(bell.announce(), Promise.resolve());
    expect(memory.asyncWaits).toBe(1);
    expect(bell.describe().sleepers).toBe(0);
    const sleeping = bell.sleepAsync(bell.announce());
    expect(memory.asyncWaits).toBe(1);
    bell.ring();
    await sleeping;
    // The left-over waiter is gone: the word has no sleeper any more.
    expect(memory.notify32(BELL, 0)).toBe(0);
  });

  it("is woken by a ring between announcement and sleep though an early-ended sleep left its waiter", async () => {
    const { bell } = fixture();
    await bell.sleepAsync(bell.announce(), Promise.resolve());
    const ticket = bell.announce();
    bell.ring();
    await bell.sleepAsync(ticket);
    expect(bell.describe().sleepers).toBe(0);
  });

  it("leaves no waiter behind when a ring comes between two asynchronous sleeps", async () => {
    const { memory, bell } = fixture();
    await bell.sleepAsync(bell.announce(), Promise.resolve());
    // A ring that finds a sleeper moves the word on; here it is a blocking one.
    const blocking = bell.announce();
    bell.ring();
    bell.sleep(blocking, LOST_MS);
    const sleeping = bell.sleepAsync(bell.announce());
    bell.ring();
    await sleeping;
    expect(memory.notify32(BELL, 0)).toBe(0);
    expect(bell.describe().sleepers).toBe(0);
  });

  it("takes the announcement back when what should wake it early fails", async () => {
    const { bell } = fixture();
    const failing = bell.sleepAsync(bell.announce(), Promise.reject(new Error("back-end failed")));
    await expect(failing).rejects.toThrow("back-end failed");
    expect(bell.describe().sleepers).toBe(0);
  });
});

describe("Doorbell between threads", () => {
  let thread: Thread<string> | undefined;
  afterEach(async () => {
    await thread?.stop();
  });

  /** What every sleeper does: announce, look, sleep. */
  function sleepUnlessWork(memory: InjectingMemory, bell: Doorbell): void {
    const ticket = bell.announce();
    if (memory.load32(WORK, 0) !== 0) bell.cancel();
    else expect(bell.sleep(ticket, LOST_MS)).not.toBe("timed-out");
  }

  async function ringer(memory: InjectingMemory, options: { sleepers: number; rounds: number }) {
    const data: RingerData = { buffer: memory.buffer, bell: BELL, work: WORK, ...options };
    thread = startThread<string>(new URL("ringer.thread.ts", import.meta.url), data);
    await thread.next();
    return thread;
  }

  it("wakes a blocking sleeper each time", async () => {
    const { memory, bell } = fixture();
    const rounds = 2000;
    const other = await ringer(memory, { sleepers: 1, rounds });
    for (let round = 0; round < rounds; round++) {
      sleepUnlessWork(memory, bell);
      expect(memory.exchange32(WORK, 0, 0)).toBe(1);
    }
    await other.ended();
    expect(bell.describe().sleepers).toBe(0);
  });

  it("wakes an asynchronous sleeper each time, early-ended sleeps in between or not", async () => {
    const { memory, bell } = fixture();
    const rounds = 500;
    const other = await ringer(memory, { sleepers: 1, rounds });
    for (let round = 0; round < rounds; round++) {
      // An early end may meet the ring, or not: the work tells.
      while (memory.load32(WORK, 0) === 0) {
        const ticket = bell.announce();
        const early = round % 2 === 0 ? delay(0) : undefined;
        if (memory.load32(WORK, 0) === 0) await bell.sleepAsync(ticket, early);
        else bell.cancel();
      }
      memory.store32(WORK, 0, 0);
    }
    await other.ended();
    expect(bell.describe().sleepers).toBe(0);
  });

  it("wakes a blocking sleep nested in an asynchronous one, and both by the same ring", async () => {
    const { memory, bell } = fixture();
    const rounds = 50;
    const other = await ringer(memory, { sleepers: 2, rounds });
    for (let round = 0; round < rounds; round++) {
      const outer = bell.sleepAsync(bell.announce());
      sleepUnlessWork(memory, bell);
      await outer;
      memory.store32(WORK, 0, 0);
    }
    await other.ended();
    expect(bell.describe().sleepers).toBe(0);
  });
});
