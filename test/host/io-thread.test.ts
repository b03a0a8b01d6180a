/** An I/O thread, stepped beside the host's first thread. */
import { describe, expect, it } from "vitest";
import { KickSender } from "../../src/bus/kick.ts";
import { MailboxBus } from "../../src/bus/mailbox.ts";
import { ThreadCaller } from "../../src/bus/thread-call.ts";
import type { DeviceModel, DevicePart, QueueContext } from "../../src/host/device.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { LEGACY, LEGACY_HEADER_BYTES } from "../../src/wire/legacy-registers.ts";
import { COMMAND, PCI } from "../../src/wire/pci.ts";
import { IO_BASE, PM_CONTROL } from "../support/fake-driver.ts";
import { BUFFER_AT, hostRig, RING_AT } from "../support/host-rig.ts";

/** Device configuration, without MSI-X. */
const CONFIG_AT = IO_BASE + LEGACY_HEADER_BYTES;
const BUFFER = [{ address: BUFFER_AT, length: 8 }];
const echo: DevicePart = { queueNotified: (queue) => queue.serve((chain) => queue.push(chain, 0)) };

/** Queue 0 stays with the first thread, 1 may go. */
function ioRig(part: DevicePart = echo, kickFastPath = true) {
  const model: DeviceModel = {
    features: 1,
    queues: [{ name: "here" }, { name: "there" }],
    config: Uint8Array.of(1, 2),
    parts: { queues: [1], share: null },
    queueNotified: (queue) => queue.serve((chain) => queue.push(chain, 0)),
    configWritten: () => {},
  };
  const rig = hostRig({ model, part, kickFastPath });
  const { io } = rig;
  if (io === undefined) throw new Error("no I/O thread");
  rig.driver.enable();
  rig.driver.write(LEGACY.guestFeatures, 1);
  const ring = rig.driver.setUpQueue(1, RING_AT);
  return { ...rig, io, ring, kinds: () => rig.calls.map(({ kind }) => kind) };
}

describe("a queue that is handed over", () => {
  it.each([true, false])("is served by the I/O thread alone, fast kicks %s", (fast) => {
    const { driver, ring, io, host } = ioRig(echo, fast);
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    while (host.poll());
    expect(ring.takeUsed()).toEqual([]);
    expect(io.hasWork()).toBe(true);
    io.poll();
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 0 }]);
    expect(io.poll()).toBe(false);
  });

  it("is kicked past the first thread, unless a register write is still to be served: then through it", () => {
    const { io, host, plan, control, hostBell, calls } = ioRig();
    const [cpu] = plan.cpus;
    if (cpu === undefined) throw new Error("no CPU");
    const bells = { host: hostBell, cpu: new Doorbell(control, cpu.doorbell) };
    const bus = new MailboxBus(control, cpu, bells, new KickSender(control, plan, hostBell));
    const kick = (): void => bus.out(IO_BASE + LEGACY.queueNotify.offset, 2, 1);
    kick();
    expect([io.hasWork(), host.hasWork()]).toEqual([true, false]);
    io.poll();
    calls.length = 0;
    bus.out(CONFIG_AT, 1, 5);
    kick();
    expect([io.hasWork(), host.hasWork()]).toEqual([false, true]);
    host.poll();
    expect(calls.map(({ kind }) => kind)).toEqual(["changed"]);
    expect([io.hasWork(), host.hasWork()]).toEqual([true, false]);
  });

  it("leaves the others where they are", () => {
    const { driver, host } = ioRig();
    const here = driver.setUpQueue(0, RING_AT + 0x4000);
    here.offerChain(0, BUFFER);
    driver.kick(0);
    host.poll();
    expect(here.takeUsed()).toEqual([{ id: 0, length: 0 }]);
  });

  it("is refused by the first thread where its ring would leave RAM", () => {
    const { driver, calls, kinds } = ioRig();
    calls.length = 0;
    driver.write(LEGACY.queuePfn, 0xfff_ffff);
    expect([kinds(), driver.read(LEGACY.queuePfn)]).toEqual([["detach"], 0]);
  });

  it("comes back with a reset: what was taken stays away from RAM, kicks find nobody", () => {
    let held: (() => void) | undefined;
    const { driver, ring, io, host, kinds } = ioRig({
      queueNotified(queue) {
        const chain = queue.pop();
        held = () => {
          if (chain) queue.push(chain, 0);
          queue.flush();
        };
      },
    });
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    io.poll();
    driver.write(LEGACY.status, 0);
    expect(kinds().at(-1)).toBe("reset");
    held?.();
    driver.kick(1);
    expect([io.poll(), host.poll(), ring.takeUsed()]).toEqual([false, true, []]);
  });
});

describe("what an I/O thread is told", () => {
  it("is features and configuration, as they are now", () => {
    let context: QueueContext | undefined;
    const { driver, io, ring, fn } = ioRig({
      queueNotified: (_queue, its) => {
        context = its;
      },
    });
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    io.poll();
    expect([context?.features, [...(context?.config ?? [])]]).toEqual([1, [1, 2]]);
    driver.bus.out(CONFIG_AT, 1, 7);
    fn.device.updateConfig(1, Uint8Array.of(9));
    expect([...(context?.config ?? [])]).toEqual([7, 9]);
  });

  it("is when the device may not touch RAM: kicks wait for it", () => {
    const { driver, io, ring } = ioRig();
    ring.offerChain(0, BUFFER);
    driver.setBusMaster(false);
    driver.kick(1);
    expect([io.poll(), io.hasWork(), ring.takeUsed()]).toEqual([true, false, []]);
    driver.setBusMaster(true);
    expect([io.poll(), ring.takeUsed().length]).toEqual([true, 1]);
  });

  it("is each mask that is set, and nothing where nothing was let through before", () => {
    const { driver, calls, kinds } = ioRig();
    driver.enableMsix(2);
    calls.length = 0;
    driver.maskVector(1, false);
    expect(kinds()).toEqual([]);
    driver.maskVector(1, true);
    driver.maskVector(1, true);
    expect(kinds()).toEqual(["changed"]);
  });
});

describe("what no queue may be served beside", () => {
  it("is done while kicks wait, and parts then have what is shared anew", async () => {
    const shares: unknown[] = [];
    const { driver, io, ring, fn } = ioRig({ ...echo, shared: (share) => void shares.push(share) });
    const done = fn.device.standStill(async () => {
      ring.offerChain(0, BUFFER);
      driver.kick(1);
      io.poll();
      return ring.takeUsed();
    });
    expect(await done).toEqual([]);
    io.poll();
    expect([ring.takeUsed().length, shares]).toEqual([1, [null]]);
  });

  it("goes on until the last of several that overlap is done", async () => {
    const { driver, io, ring, fn } = ioRig();
    const ends: (() => void)[] = [];
    const [first, second] = [0, 1].map(() =>
      fn.device.standStill(() => new Promise<void>((end) => ends.push(end))),
    );
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    ends[0]?.();
    await first;
    io.poll();
    expect(ring.takeUsed()).toEqual([]);
    ends[1]?.();
    await second;
    io.poll();
    expect(ring.takeUsed().length).toBe(1);
  });

  it("may outlast the device, whose parts are gone then", async () => {
    const { fn, host, kinds } = ioRig();
    await fn.device.standStill(() => host.removeDevice(fn));
    expect(kinds()).toEqual(["attach", "changed", "reset"]);
  });
});

describe("an I/O thread's interrupts", () => {
  it("go to the queue's vector as it is now, or to the line", () => {
    const { driver, io, ring, cpu, takeInterrupts } = ioRig();
    const serve = (): void => {
      ring.offerChain(0, BUFFER);
      driver.kick(1);
      io.poll();
    };
    serve();
    expect([cpu.asserted(3), driver.read(LEGACY.isr), cpu.asserted(3)]).toEqual([true, 1, false]);
    takeInterrupts();
    driver.enableMsix(4);
    driver.write(LEGACY.queueSelect, 1);
    for (const vector of [3, 2]) {
      driver.write(LEGACY.queueVector, vector);
      serve();
      expect(takeInterrupts()).toEqual({ vectors: [64 + vector], lines: [] });
    }
    driver.maskVector(2, true);
    serve();
    expect([takeInterrupts().vectors, driver.pendingVectors()]).toEqual([[], 4]);
    driver.maskVector(2, false);
    expect(takeInterrupts().vectors).toEqual([66]);
  });

  it("leave the line alone while Command bit 10 is set", () => {
    const { driver, io, ring, cpu } = ioRig();
    const decode = COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER;
    driver.configWrite(PCI.command, 2, decode | COMMAND.INTX_DISABLE);
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    io.poll();
    expect(cpu.asserted(3)).toBe(false);
    driver.configWrite(PCI.command, 2, decode);
    expect(cpu.asserted(3)).toBe(true);
  });

  it("that come in D3hot are sent when the power is back", () => {
    let finish = (): void => {};
    const { driver, io, ring, takeInterrupts } = ioRig({
      queueNotified(queue) {
        const chain = queue.pop();
        finish = () => {
          if (chain) queue.push(chain, 0);
          queue.flush();
        };
      },
    });
    driver.enableMsix(4);
    driver.write(LEGACY.queueSelect, 1);
    driver.write(LEGACY.queueVector, 1);
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    io.poll();
    driver.configWrite(PM_CONTROL, 2, 3);
    finish();
    expect(takeInterrupts().vectors).toEqual([]);
    driver.configWrite(PM_CONTROL, 2, 0);
    expect(takeInterrupts().vectors).toEqual([65]);
  });
});

describe("a queue that is refilled as fast as it is served", () => {
  function endless(after: (served: number) => void = () => {}) {
    let served = 0;
    const rig = ioRig({
      queueNotified: (queue) =>
        queue.serve((chain) => {
          queue.push(chain, 0);
          rig.ring.offer(0);
          after(++served);
          if (served === 10_000) throw new Error("for ever");
        }),
    });
    rig.ring.offerChain(0, BUFFER);
    rig.driver.kick(1);
    return { ...rig, served: () => served };
  }

  it("is left after a while and goes on in the next turn, as one kick", () => {
    const { io, served } = endless();
    const turns = Array.from({ length: 3 }, () => {
      io.poll();
      return served();
    });
    expect(turns).toEqual([256, 512, 768]);
    const [part] = io.describe().functions;
    expect(part?.queues[1]?.counters).toMatchObject({ kicksReceived: 1, spurious: 0 });
  });

  it("wakes the thread if it is left where its part served it alone, as from a timer", () => {
    let later = (): void => {};
    const { driver, io, ring } = ioRig({
      queueNotified(queue) {
        later = () =>
          queue.serve((chain) => {
            queue.push(chain, 0);
            ring.offer(0);
          });
      },
    });
    ring.offerChain(0, BUFFER);
    driver.kick(1);
    io.poll();
    const before = io.work.ended;
    later();
    expect([io.work.ended - before, io.hasWork()]).toEqual([1, true]);
  });

  it("is left at once when the first thread calls", () => {
    const rig = endless((served) => {
      if (served === 20) new ThreadCaller(rig.control, own, () => {}, rig.hostBell, { spins: 1 }).ask(0);
    });
    const own = rig.plan.ioThreads[0] ?? { callAsked: 0, callDone: 0 };
    rig.io.poll();
    // It looks for a call every few chains.
    expect(rig.served()).toBeLessThan(28);
  });
});
