import { expect, test, vi } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { untilInterrupted } from "../../src/cli/interrupt.ts";

/** What the process would do by itself. */
async function interruptible<T>(work: (ends: () => void) => Promise<T>): Promise<{ got: T; ended: number }> {
  const ends = vi.fn();
  const others = process.listeners("SIGINT");
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", ends);
  try {
    return { got: await work(ends), ended: ends.mock.calls.length };
  } finally {
    process.off("SIGINT", ends);
    for (const each of others) process.on("SIGINT", each);
  }
}

test.each([
  [EXIT.fine, EXIT.interrupted],
  [EXIT.finding, EXIT.finding],
  [EXIT.failure, EXIT.failure],
  // Of what prove could not decide.
  [EXIT.usage, EXIT.interrupted],
])("an interrupted command that would end with %i says so and ends with %i", async (code, expected) => {
  const { got, ended } = await interruptible(() =>
    untilInterrupted(async (signal) => {
      process.emit("SIGINT");
      expect(signal.aborted).toBe(true);
      return code;
    }),
  );
  expect(got).toBe(expected);
  expect(ended).toBe(0);
});

test("a second Ctrl-C does not wait for the report", async () => {
  const { ended } = await interruptible(() =>
    untilInterrupted(async () => {
      process.emit("SIGINT");
      process.emit("SIGINT");
      return EXIT.fine;
    }),
  );
  expect(ended).toBe(1);
});

test("a command that nobody interrupts leaves everything as it was", async () => {
  const { got, ended } = await interruptible(async () => {
    const code = await untilInterrupted(async () => EXIT.fine);
    process.emit("SIGINT");
    return code;
  });
  expect(got).toBe(EXIT.fine);
  expect(ended).toBe(1);
});
