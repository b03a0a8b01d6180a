import { afterEach, describe, expect, it, vi } from "vitest";
import { BusTimeoutError } from "../../src/bus/port-bus.ts";
import { MAILBOX_SLOTS } from "../../src/memory/plan.ts";
import { startThread, type Thread } from "../support/thread.ts";
import { BEFORE_KICK_PORT, OVERTAKEN, QUEUES, RUNS, SERVED } from "./mailbox-host.data.ts";
import { controlPage } from "./mailbox-parts.ts";
import { RegisterFile } from "./register-file.ts";

const SOON_MS = 5;
const NOTIFY_PORT = 0xc010;

describe("MailboxBus and MailboxServer, stepped", () => {
  it("posts a ring's worth of writes without waiting for anybody", () => {
    const page = controlPage();
    const bus = page.bus(undefined, { deadlineMs: SOON_MS });
    for (let index = 0; index < MAILBOX_SLOTS - 2; index++) bus.out(4, 4, index);
    const registers = new RegisterFile(page.memory, page.spare(SERVED));
    expect(page.server().serve(registers)).toBe(MAILBOX_SLOTS - 2);
    expect(registers.log.map(({ value }) => value)).toEqual(Array.from({ length: 254 }, (_, index) => index));
  });

  it("serves one ring's worth at most, however fast the guest is", () => {
    const page = controlPage();
    const bus = page.bus();
    const server = page.server();
    const more = {
      portRead: () => 0,
      portWrite: () => bus.out(0, 1, 0),
      mmioRead: () => 0,
      mmioWrite: () => {},
    };
    bus.out(0, 1, 0);
    expect(server.serve(more)).toBe(MAILBOX_SLOTS);
    expect(server.pending()).toBe(true);
  });

  it("keeps its place when either end is attached again", () => {
    const page = controlPage();
    const registers = new RegisterFile(page.memory, page.spare(SERVED));
    page.bus().out(0, 4, 1);
    page.server().serve(registers);
    page.bus().out(0, 4, 2);
    const server = page.server();
    expect([server.pending(), server.serve(registers), server.pending()]).toEqual([true, 1, false]);
    expect(registers.log.map(({ value }) => value)).toEqual([1, 2]);
  });

  it("leaves a record alone that a host answered and did not live to retire", () => {
    const page = controlPage();
    const bus = page.bus(undefined, { deadlineMs: SOON_MS });
    const registers = new RegisterFile(page.memory, page.spare(SERVED));
    page.memory.inject("before", "mailbox: read reply index", () => {
      page.memory.inject("before", "mailbox: retire request", () => {
        throw new Error("the host dies");
      });
      expect(() => page.server().serve(registers)).toThrow("the host dies");
    });
    expect(bus.in(0, 1)).toBe(0);
    const next = page.server();
    const served: number[] = [];
    // The fence finds a host at work.
    page.memory.inject("before", "mailbox: read reply index", () => served.push(next.serve(registers)));
    for (let index = 0; index < MAILBOX_SLOTS; index++) bus.out(4, 4, index);
    served.push(next.serve(registers));
    // The read again, as many writes as are posted, the fence; then the rest.
    expect(served).toEqual([MAILBOX_SLOTS, 2]);
    expect(registers.log.map(({ value }) => value)).toEqual(Array.from({ length: 256 }, (_, index) => index));
  });

  it("finds a reply that comes between the last look and the sleep", () => {
    const page = controlPage();
    const bus = page.bus();
    const server = page.server();
    const registers = new RegisterFile(page.memory, page.spare(SERVED));
    bus.out(0, 4, 99);
    page.memory.inject("after", "doorbell: announce sleep", () => server.serve(registers));
    const slept = vi.fn();
    page.memory.inject("before", "doorbell: sleep", slept);
    expect(bus.in(0, 4)).toBe(99);
    expect(slept).not.toHaveBeenCalled();
    expect(page.cpuBell.describe().sleepers).toBe(0);
  });

  it("lets an interrupt wake it and goes on waiting for the reply", () => {
    const page = controlPage();
    const bus = page.bus();
    const server = page.server();
    const registers = new RegisterFile(page.memory, page.spare(SERVED));
    page.memory.inject("after", "doorbell: look", () => page.controller.post(7));
    page.memory.inject("after", "doorbell: announce sleep", () => server.serve(registers), 1);
    expect(bus.in(0, 1)).toBe(0);
    expect([page.memory.waiting, page.controller.pending()]).toEqual([0, true]);
  });
});

describe("a host that does not answer", () => {
  it("makes a read fail after the deadline, with what was asked and how far the host is", () => {
    const bus = controlPage().bus(undefined, { deadlineMs: SOON_MS });
    bus.out(4, 4, 1);
    expect(() => bus.in(0xc012, 1)).toThrow(BusTimeoutError);
    expect(() => bus.in(0xc012, 1)).toThrow(
      "no answer from the host within 5 ms: in of 1 bytes at 0xc012 (record 2, host retired 0)",
    );
  });

  it("makes a configuration write and a write into a full ring fail too", () => {
    expect(() => controlPage().bus(undefined, { deadlineMs: SOON_MS }).out(0xcf8, 4, 0)).toThrow(
      /: out of 4/,
    );
    const bus = controlPage().bus(undefined, { deadlineMs: SOON_MS });
    const fill = () => {
      for (let index = 0; index < MAILBOX_SLOTS; index++) bus.out(4, 4, index);
    };
    expect(fill).toThrow(/: fence of/);
  });

  it("is not asked again: nobody knows what it has served", () => {
    const page = controlPage();
    const bus = page.bus(undefined, { deadlineMs: SOON_MS });
    expect(() => bus.in(0, 1)).toThrow(BusTimeoutError);
    expect(page.server().serve(new RegisterFile(page.memory, page.spare(SERVED)))).toBe(1);
    expect(() => bus.in(4, 1)).toThrow(BusTimeoutError);
    expect(() => bus.out(4, 1, 1)).toThrow(BusTimeoutError);
    expect(page.server().pending()).toBe(false);
  });
});

describe("kicks and posted writes", () => {
  /** One host round as the loop does it: kicks are taken, writes served, queues run. */
  function hostRound(page: ReturnType<typeof controlPage>, order: "take first" | "serve first"): string[] {
    const events: string[] = [];
    const server = page.server();
    const kicks = page.kickReceiver();
    const handler = {
      portRead: () => 0,
      portWrite: (_port: number, _width: number, value: number) => void events.push(`write ${value}`),
      mmioRead: () => 0,
      mmioWrite: () => {},
    };
    const kicked: number[] = [];
    const take = () => kicks.take((_, queue) => kicked.push(queue));
    if (order === "take first") take();
    server.serve(handler);
    if (order === "serve first") take();
    events.push(...kicked.map((queue) => `kick ${queue}`));
    return events;
  }
  function fixture() {
    const page = controlPage();
    page.kickReceiver().publish(0, NOTIFY_PORT, QUEUES);
    const bus = page.bus(page.kickSender());
    const writeThenKick = (queue: number) => {
      bus.out(8, 4, queue);
      bus.out(NOTIFY_PORT, 2, queue);
    };
    return { page, writeThenKick };
  }

  it("keep their order when kicks are taken before the mailbox is served", () => {
    const { page, writeThenKick } = fixture();
    writeThenKick(1);
    expect(hostRound(page, "take first")).toEqual(["write 1", "kick 1"]);
  });

  it("keep it when both come between the two", () => {
    const { page, writeThenKick } = fixture();
    page.memory.inject("before", "mailbox: read request index", () => writeThenKick(2));
    const events = [...hostRound(page, "take first"), ...hostRound(page, "take first")];
    expect(events).toEqual(["write 2", "kick 2"]);
  });

  it("lose it when the mailbox is served first: the order matters", () => {
    const { page, writeThenKick } = fixture();
    page.memory.inject("before", "kick: take bits", () => writeThenKick(3));
    const events = [...hostRound(page, "serve first"), ...hostRound(page, "serve first")];
    expect(events).toEqual(["kick 3", "write 3"]);
  });

  describe("to a host on another thread", () => {
    let thread: Thread<string> | undefined;
    afterEach(async () => {
      await thread?.stop();
    });

    it("never overtake a write, and the last of each queue arrives", async () => {
      const page = controlPage();
      const { memory } = page;
      page.kickReceiver().publish(1, NOTIFY_PORT, QUEUES);
      thread = startThread<string>(new URL("mailbox-host.thread.ts", import.meta.url), memory.buffer);
      await thread.next();
      const bus = page.bus(page.kickSender());
      const runs = (queue: number) => memory.load32(page.spare(RUNS + queue), 0);
      for (let round = 0; round < 20_000; round++) {
        const queue = round % QUEUES;
        bus.out(BEFORE_KICK_PORT, 4, queue);
        const before = runs(queue);
        bus.out(NOTIFY_PORT, 2, queue);
        // Now and then wait for this very kick; a lost one shows as a test that never ends.
        if (round % 16 === 0) while (runs(queue) === before);
      }
      expect(memory.load32(page.spare(OVERTAKEN), 0)).toBe(0);
    });
  });
});
