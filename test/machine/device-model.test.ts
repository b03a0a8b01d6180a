/** What a user's create() returns, when it is no model: one line that names the module. */
import { expect, test } from "vitest";
import { type DeviceModel, defineDevice, UsageError } from "../../src/host/device.ts";
import { createModel } from "../../src/machine/device-model.ts";
import { livePlatform } from "../../src/machine/platform.ts";

const good = { features: 0, queues: [{ name: "requests" }], queueNotified() {} };

const create = (made: unknown) =>
  createModel(
    defineDevice({ name: "mine", virtioId: 42, summary: "", create: () => made as DeviceModel }),
    "./mine.js",
    {},
    livePlatform,
  );

test.each<[unknown, string]>([
  [null, "got null"],
  [undefined, "got undefined"],
  [() => good, "got a function"],
  [{}, "with features as a number of 32 bits, got undefined"],
  [{ ...good, features: 0.5 }, "with features as a number of 32 bits, got 0.5"],
  [{ ...good, queues: 5 }, "with a list of queues, got 5"],
  [{ ...good, queues: [null] }, "each of its queues with a name; queue 0 has none"],
  [{ ...good, queues: [{ name: "a" }, {}] }, "each of its queues with a name; queue 1 has none"],
  [{ ...good, queues: [{ name: "a", size: 3 }] }, "powers of two up to 32768; that of a is 3"],
  [{ ...good, queueNotified: undefined }, "with a function queueNotified, got undefined"],
  [{ ...good, config: [1, 2] }, "with config as a Uint8Array, got an object"],
  [{ ...good, reset: true }, "with reset as a function, got true"],
])("%j is refused", async (made, says) => {
  const error: unknown = await create(made).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UsageError);
  const { message } = error as Error;
  expect(message).toMatch(/^device \.\/mine\.js: expected create\(\) to return a model, [^\n]+$/);
  expect(message).toContain(says);
});

test("a model is handed on as it is, a queue of no entries among its queues", async () => {
  const model = { ...good, queues: [{ name: "a", size: 0 }] };
  expect(await create(model)).toBe(model);
});
