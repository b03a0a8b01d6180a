import { expect, it } from "vitest";
import { QueueConfig } from "../../src/host/queue-config.ts";
import { ServedQueues } from "../../src/host/served-queues.ts";
import { PAGE_SIZE } from "../../src/wire/numbers.ts";
import { queuePair, RING_OFFSET } from "../virtqueue/queue-pair.ts";

const SIZE = 8;

/** A driver that gives each buffer back at once, for as long as it is told to. */
function refilled(limit: { chains: number }, mustYield?: () => boolean) {
  const pair = queuePair({ size: SIZE });
  const { driver, ram, buffers } = pair;
  const violations: string[] = [];
  let wakes = 0;
  const served = new ServedQueues({
    configs: [new QueueConfig(0, "requests", SIZE)],
    ram,
    interrupt: () => {},
    violated: (kind) => violations.push(kind),
    leftWork: () => wakes++,
    ...(mustYield && { mustYield }),
  });
  served.setUp(0, ram.addressOf(RING_OFFSET) / PAGE_SIZE, { features: 0, epoch: 1 });
  let chains = 0;
  const add = () => {
    driver.addInbuf(buffers, 8, 1);
    driver.publish();
  };
  /** How many chains one turn of the thread serves. */
  const turn = (): number => {
    const before = chains;
    served.run((queue) =>
      queue.serve((chain) => {
        chains++;
        queue.push(chain, 0);
        queue.flush();
        while (driver.get() !== undefined);
        if (chains < limit.chains) add();
      }),
    );
    return chains - before;
  };
  return { served, add, turn, violations, wakes: () => wakes };
}

it("leaves a queue that is refilled as fast as it is served, and goes on with it in the next turn", () => {
  const { served, add, turn, violations, wakes } = refilled({ chains: 1000 });
  add();
  served.kicked.add(0);
  expect([turn(), served.runnable, wakes()]).toEqual([256, true, 1]);
  expect([turn(), turn(), served.runnable]).toEqual([256, 256, true]);
  expect([turn(), served.runnable, wakes()]).toEqual([232, false, 3]);
  expect(violations).toEqual([]);
});

it("leaves it sooner for somebody who waits for the thread", () => {
  const { served, add, turn } = refilled({ chains: 100 }, () => true);
  add();
  served.kicked.add(0);
  expect(turn()).toBe(4);
  expect(served.runnable).toBe(true);
});

it("forgets what was left when the queue is taken down", () => {
  const { served, add, turn } = refilled({ chains: 1000 });
  add();
  served.kicked.add(0);
  turn();
  served.detach(0);
  expect([served.runnable, turn()]).toEqual([false, 0]);
});
