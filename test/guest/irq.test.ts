/** The interrupt core over a source that the test plays. */
import { expect, test } from "vitest";
import type { InterruptSource } from "../../src/bus/interrupt-source.ts";
import { IrqCore } from "../../src/guest/irq.ts";

function setUp() {
  const log: string[] = [];
  const posted: { vectors: number[]; lines: number[] } = { vectors: [], lines: [] };
  const levels = [false, false, false, false];
  const source: InterruptSource = {
    pending: () => posted.vectors.length + posted.lines.length > 0,
    take(vector, line) {
      for (const each of posted.vectors.splice(0)) vector(each);
      for (const each of posted.lines.splice(0)) line(each);
    },
    asserted: (line) => levels[line] ?? false,
  };
  const irq = new IrqCore(source, (message) => log.push(message));
  const raise = (line: number) => {
    levels[line] = true;
    posted.lines.push(line);
  };
  const allocate = () => {
    const message = irq.allocateMsi();
    if (message === undefined) throw new Error("no vector");
    return message;
  };
  return { irq, log, posted, levels, raise, allocate };
}

test("a message reaches its handler, and the table counts it", () => {
  const { irq, posted, allocate } = setUp();
  const message = allocate();
  irq.requestIrq(message.irq, () => true, "virtio0-config", {});
  posted.vectors.push(message.data);
  expect(message).toEqual({ irq: 24, address: 0xfee00000, data: 0x30 });
  expect(irq.poll()).toBe(true);
  expect(irq.poll()).toBe(false);
  expect(irq.table()).toEqual([{ irq: 24, counts: [1], chip: "PCI-MSI-edge", names: ["virtio0-config"] }]);
});

test("disable nests, and the last enable takes what is pending", () => {
  const { irq, posted, allocate } = setUp();
  const message = allocate();
  let calls = 0;
  irq.requestIrq(message.irq, () => ++calls > 0, "a", {});
  irq.disable();
  irq.disable();
  posted.vectors.push(message.data);
  expect(irq.poll()).toBe(false);
  irq.enable();
  expect(calls).toBe(0);
  irq.enable();
  expect(calls).toBe(1);
});

test("an interrupt that arrives in a handler is taken after it", () => {
  const { irq, posted, allocate } = setUp();
  const [one, two] = [allocate(), allocate()];
  const order: string[] = [];
  irq.requestIrq(two.irq, () => order.push("two") > 0, "two", {});
  const first = () => {
    order.push("one begins");
    posted.vectors.push(two.data);
    irq.poll();
    order.push("one ends");
    return true;
  };
  irq.requestIrq(one.irq, first, "one", {});
  posted.vectors.push(one.data);
  irq.poll();
  expect(order).toEqual(["one begins", "one ends", "two"]);
});

test("a line's handlers are called in turn for as long as it is up", () => {
  const { irq, levels, raise } = setUp();
  const order: string[] = [];
  irq.requestIrq(17, () => order.push("a") < 0, "a", {}, { shared: true });
  const lower = () => {
    order.push("b");
    levels[1] = order.length < 4;
    return true;
  };
  irq.requestIrq(17, lower, "b", {}, { shared: true });
  raise(1);
  irq.poll();
  expect(order).toEqual(["a", "b", "a", "b"]);
});

test("a line that nobody handles is switched off, and on again when its handlers change", () => {
  const { irq, log, levels, raise } = setUp();
  irq.requestIrq(16, () => false, "deaf", {}, { shared: true });
  raise(0);
  irq.poll();
  expect(log).toEqual(["irq 16: nobody cared"]);
  expect(irq.table()[0]?.counts).toEqual([1000]);
  raise(0);
  irq.poll();
  expect(irq.table()[0]?.counts).toEqual([1000]);
  const handle = () => {
    levels[0] = false;
    return true;
  };
  irq.requestIrq(16, handle, "listener", {}, { shared: true });
  irq.poll();
  expect(irq.table()[0]?.counts).toEqual([1001]);
});

test("a line that was up before anybody listened is seen when somebody does", () => {
  const { irq, levels, raise } = setUp();
  raise(2);
  irq.poll();
  const handle = () => {
    levels[2] = false;
    return true;
  };
  irq.requestIrq(18, handle, "late", {});
  expect(irq.poll()).toBe(true);
  expect(levels[2]).toBe(false);
});

test("an irq is shared only if both want it", () => {
  const { irq } = setUp();
  irq.requestIrq(16, () => true, "owner", {});
  expect(() => irq.requestIrq(16, () => true, "other", {}, { shared: true })).toThrow("belongs to owner");
});

test("free goes by the cookie; a late message finds no handler and is counted", () => {
  const { irq, log, posted, allocate } = setUp();
  const message = allocate();
  const cookie = {};
  irq.requestIrq(message.irq, () => true, "a", cookie);
  expect(() => irq.freeIrq(message.irq, {})).toThrow("not requested");
  irq.freeIrq(message.irq, cookie);
  irq.freeMsi(message.irq);
  posted.vectors.push(message.data);
  irq.poll();
  expect(irq.strayVectors).toBe(1);
  expect(log).toEqual(["irq: no handler for vector 0x30"]);
});

test("vectors run out, and come back when freed", () => {
  const { irq, allocate } = setUp();
  const all = Array.from({ length: irq.availableMsi }, allocate);
  expect(all).toHaveLength(192);
  expect(irq.allocateMsi()).toBeUndefined();
  irq.freeMsi(all[7]?.irq ?? 0);
  expect(irq.allocateMsi()).toEqual(all[7]);
});

test("a handler that throws takes nothing from those whose interrupts were taken with its own", () => {
  const { irq, posted, levels, raise, allocate } = setUp();
  const [bad, good] = [allocate(), allocate()];
  const calls: string[] = [];
  const failing = () => {
    throw new Error("a bug in a driver");
  };
  irq.requestIrq(bad.irq, failing, "bad", {});
  irq.requestIrq(good.irq, () => calls.push("vector") > 0, "good", {});
  const listen = () => {
    levels[1] = false;
    return calls.push("line") > 0;
  };
  irq.requestIrq(17, listen, "line", {});
  posted.vectors.push(bad.data, good.data);
  raise(1);
  expect(() => irq.poll()).toThrow("a bug in a driver");
  expect(calls.sort()).toEqual(["line", "vector"]);
  expect(irq.accepts).toBe(true);
  irq.poll();
  expect(irq.pending).toBe(false);
});

test("a sharer of a line that throws does not keep the others from being asked, and the line is looked at again", () => {
  const { irq, levels, raise } = setUp();
  let failures = 2;
  const failing = () => {
    if (failures > 0) throw new Error(`failure ${failures--}`);
    levels[0] = false;
    return true;
  };
  let asked = 0;
  irq.requestIrq(16, failing, "bad", {}, { shared: true });
  irq.requestIrq(16, () => ++asked < 0, "good", {}, { shared: true });
  raise(0);
  expect(() => irq.poll()).toThrow("failure 2");
  expect(asked).toBe(1);
  expect(() => irq.poll()).toThrow("failure 1");
  irq.poll();
  expect(levels[0]).toBe(false);
  expect(irq.pending).toBe(false);
});

test("when several handlers throw, the first error comes out and the others are logged", () => {
  const { irq, log, posted, allocate } = setUp();
  const messages = [allocate(), allocate()];
  for (const [index, message] of messages.entries()) {
    const failing = () => {
      throw new Error(`handler ${index}`);
    };
    irq.requestIrq(message.irq, failing, `bad-${index}`, {});
    posted.vectors.push(message.data);
  }
  expect(() => irq.poll()).toThrow("handler 0");
  expect(log).toEqual(["irq 25: the handler of bad-1 threw, too: Error: handler 1"]);
  expect(irq.poll()).toBe(false);
});
