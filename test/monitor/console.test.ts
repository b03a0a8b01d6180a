import { expect, test } from "vitest";
import { hear, MULTIPORT, message, ports, TX } from "./other.cases.ts";
import { Talk } from "./talk.ts";

const PORT_READY = message(1, 3, 1);
const CONSOLE_PORT = message(0, 4, 1);

test("a driver may be idle with an answer that waits until the device has taken earlier messages", () => {
  const talk = new Talk("console", MULTIPORT);
  const ids = () => talk.monitor.findings.map(({ id }) => id);
  ports(talk);
  const earlier = talk.offer([{ length: 8, bytes: PORT_READY }], TX);
  hear(talk, CONSOLE_PORT);
  talk.idle();
  expect(ids()).toEqual([]);
  talk.take(TX);
  talk.give(earlier, [], TX, 0);
  talk.idle();
  expect(ids()).toEqual(["CON-DRV-04"]);
});
