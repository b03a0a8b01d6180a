import { describe, expect, it } from "vitest";
import { allocateShared } from "../../src/memory/attach.ts";
import { LiveMemory } from "../../src/memory/live-memory.ts";
import { InjectingMemory } from "../support/injecting-memory.ts";
import { bufferMemoryContract } from "./shared-memory.contract.ts";

bufferMemoryContract("LiveMemory", (buffer) => new LiveMemory(buffer));
bufferMemoryContract("InjectingMemory (of the tests)", (buffer) => new InjectingMemory(buffer));

describe("allocateShared", () => {
  it("says what was asked for when there is not so much", () => {
    expect(() => allocateShared(2 ** 52)).toThrow(/cannot allocate 4503599627370496 bytes/);
  });
});
