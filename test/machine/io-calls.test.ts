/** What an I/O thread hears of the bus, and when it counts. */
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import type { BusNews } from "../../src/bus/watched-bus.ts";
import { BusNewsReader } from "../../src/machine/io-calls.ts";

const access = (write: boolean, value: number, space: "port" | "memory" = "port"): BusNews => ({
  kind: "access",
  access: { space, write, address: 0xc000, width: 1, value, began: 0 },
});
const SLOT: BusNews = { kind: "slot", slot: 4 };

function listening() {
  const { port1, port2 } = new MessageChannel();
  const told: BusNews[] = [];
  const reader = new BusNewsReader({ news: port2 }, (news) => told.push(news));
  const say = (...all: BusNews[]): void => {
    for (const news of all) port1.postMessage(news);
  };
  return { reader, told, say };
}

test("a write counts once the first thread has called about it, or gone on", () => {
  const { reader, told, say } = listening();
  say(access(false, 1), access(true, 0));
  reader.listen();
  expect(told).toEqual([access(false, 1)]);
  reader.listen();
  expect(told).toHaveLength(1);
  reader.called();
  expect(told).toEqual([access(false, 1), access(true, 0)]);
  say(access(true, 3));
  reader.listen();
  expect(told).toHaveLength(2);
  say(SLOT);
  reader.listen();
  expect(told.slice(2)).toEqual([access(true, 3), SLOT]);
});

test("a call brings what was said before it, and a write to memory counts at once", () => {
  const { reader, told, say } = listening();
  say(access(true, 1), access(true, 0));
  reader.called();
  expect(told).toEqual([access(true, 1), access(true, 0)]);
  say(access(true, 2, "memory"));
  reader.listen();
  expect(told).toHaveLength(3);
});
