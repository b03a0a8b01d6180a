import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/host/device.ts";
import { checkDescription, type MachineDescription, parseSize } from "../../src/machine/description.ts";

const faulty = (description: unknown) => () => checkDescription(description as MachineDescription);

describe("a machine description", () => {
  it("has a default for everything", () => {
    expect(checkDescription({})).toMatchObject({
      memory: 64 << 20,
      memoryBase: 1 << 20,
      interrupts: "auto",
      kickFastPath: true,
      devices: [],
    });
  });

  it("gives devices the next free slots, around those that are named", () => {
    const { devices } = checkDescription({ devices: [{ type: "a" }, { type: "b", slot: 5 }, { type: "c" }] });
    expect(devices.map(({ slot }) => slot)).toEqual([4, 5, 6]);
  });

  it.each([
    [{ memori: 1 }, 'unknown key "memori" (did you mean memory?)'],
    [{ memory: "64Q" }, 'memory: expected a size such as 64M, 1G or 4096, got "64Q"'],
    [{ memory: 1000 }, "memory: expected 1M to 4G"],
    [{ memory: "5G" }, "memory: expected 1M to 4G"],
    [{ memory: "1M", queueSize: 32768, devices: [{ type: "rng" }] }, "bytes for the queues described"],
    [{ queueSize: 3 }, "queueSize: expected a power of two from 1 to 32768, got 3"],
    [{ queueSize: 65536 }, "queueSize: expected a power of two"],
    [{ interrupts: "mix" }, "interrupts: expected one of auto, msix"],
    [{ indirect: "on" }, 'indirect: expected true or false, got "on"'],
    [{ memoryBase: 100 }, "memoryBase: expected a multiple of 4096"],
    [{ devices: {} }, "devices: expected a list"],
    [{ devices: [{}] }, "devices[0].type: expected a name"],
    [{ devices: [{ type: "rng", slot: 2 }] }, "devices[0].slot: expected a whole number from 4 to 31"],
    [
      {
        devices: [
          { type: "rng", slot: 4 },
          { type: "rng", slot: 4 },
        ],
      },
      "slot 4 is taken",
    ],
    [{ devices: [{ type: "rng", vectors: 65 }] }, "devices[0].vectors: expected a whole number from 0 to 64"],
    [{ deadlines: { stalMs: 1 } }, 'unknown key "stalMs" (did you mean stallMs?)'],
    [null, "machine description: expected an object"],
  ])("%j is refused, saying what was expected and what came", (description, message) => {
    expect(faulty(description)).toThrow(UsageError);
    expect(faulty(description)).toThrow(message);
  });

  it("reads sizes as QEMU does: units are powers of 1024", () => {
    expect(["4096", "4k", "64M", "1.5G"].map((text) => parseSize("size", text))).toEqual([
      4096,
      4096,
      64 << 20,
      1.5 * 2 ** 30,
    ]);
  });
});
