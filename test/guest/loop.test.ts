/** The guest loop in live mode: programs run to their end, and an idle guest sleeps. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { rng } from "../../src/drivers/rng.ts";
import { GuestLoop } from "../../src/guest/loop.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { echoModel } from "../support/models.ts";

/** A guest with a loop, and a host that is polled now and then on the same thread. */
function liveMachine() {
  const machine = new DirectMachine();
  machine.add({ model: echoModel({ queues: [{ name: "input" }] }) });
  machine.guest.boot([rng]);
  const hostTurns = setInterval(() => machine.host.poll(), 1);
  const loop = new GuestLoop(machine.guest, machine.doorbell);
  return { machine, loop, [Symbol.dispose]: () => clearInterval(hostTurns) };
}

test("a program's result and its failure come out of run", async () => {
  using live = liveMachine();
  expect(await live.loop.run(async () => 42)).toBe(42);
  await expect(live.loop.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const thrower = () => {
    throw new Error("at once");
  };
  await expect(live.loop.run(thrower)).rejects.toThrow("at once");
});

test("interrupts wake the program, hundreds of times", async () => {
  using live = liveMachine();
  const [source] = live.machine.guest.virtio.findAll(rng);
  const total = await live.loop.run(async () => {
    let bytes = 0;
    for (let round = 0; round < 200; round++) bytes += (await source?.read(16))?.length ?? 0;
    return bytes;
  });
  expect(total).toBe(3200);
  expect(live.machine.guest.memory.allocatedBytes).toBeLessThan(16_384);
});

test("timers and long chains of continuations are not starved", async () => {
  using live = liveMachine();
  const result = await live.loop.run(async () => {
    let links = 0;
    const late = delay(5).then(() => links);
    for (const until = performance.now() + 50; performance.now() < until; links++) await undefined;
    return { links, seen: await late };
  });
  expect(result.links).toBeGreaterThan(1000);
});

test("an idle guest sleeps: it costs hardly any CPU time", async () => {
  const machine = new DirectMachine();
  const loop = new GuestLoop(machine.guest, machine.doorbell);
  await loop.run(() => delay(20));
  const before = process.cpuUsage();
  await loop.run(() => delay(500));
  const { user, system } = process.cpuUsage(before);
  expect(loop.sleeps).toBeLessThan(10);
  expect((user + system) / 1000).toBeLessThan(100);
});

test("stop ends run, whatever the program waits for", async () => {
  using live = liveMachine();
  const forever = live.loop.run(() => new Promise(() => {}));
  setTimeout(() => live.loop.stop(), 5);
  await expect(forever).rejects.toThrow("stopped");
});
