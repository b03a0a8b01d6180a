/** Register traffic: recorded, written, read, and played to a device alone. */
import { describe, expect, it } from "vitest";
import { replayRegisters } from "../../src/machine/replay-registers.ts";
import type { TraceEvent } from "../../src/observe/record/event.ts";
import {
  accessesOf,
  formatRegisters,
  parseRegisters,
  type RegisterFile,
  RegisterFileError,
} from "../../src/observe/report/register-file.ts";

const SLOT = 4;
const BAR0 = 0x10;
/** What a driver does to find out the features of an entropy device at ports 0xc000. */
const file: RegisterFile = {
  device: "rng",
  slot: SLOT,
  indirect: true,
  eventIndex: false,
  accesses: [
    { write: false, space: "pci", offset: 0, width: 2, value: 0x1af4 },
    { write: true, space: "pci", offset: BAR0, width: 4, value: 0xc000 },
    { write: true, space: "pci", offset: 4, width: 2, value: 7 },
    { write: false, space: "io", offset: 18, width: 1, value: 0 },
    { write: true, space: "io", offset: 18, width: 1, value: 1 },
    { write: false, space: "io", offset: 18, width: 1, value: 1 },
    { write: false, space: "io", offset: 0, width: 4, value: 1 << 28 },
    { write: true, space: "msix", offset: 0x0c, width: 4, value: 1 },
  ],
};

describe("register traffic", () => {
  it("is the same after a trip through a file", () => {
    expect(parseRegisters(formatRegisters(file), "file")).toEqual(file);
  });

  it("comes out of a thread's events", () => {
    const event = (kind: TraceEvent["kind"], detail: number, place: number, value: number): TraceEvent => ({
      time: 0,
      kind,
      slot: SLOT,
      place,
      value,
      detail,
      duration: 0,
    });
    const events = [event("access", 1, 18, 7), event("kick", 0x102, 1, 1), event("submit", 0, 0, 3)];
    expect(accessesOf(events, SLOT)).toEqual([
      { write: false, space: "io", offset: 18, width: 1, value: 7 },
      { write: true, space: "io", offset: 16, width: 2, value: 1 },
    ]);
    expect(accessesOf(events, SLOT + 1)).toEqual([]);
  });

  it("is answered by the same device as it was", async () => {
    const replay = await replayRegisters(file, { type: "rng" });
    expect(replay).toEqual({ accesses: 8, reads: 4, differences: [], violations: [] });
  });

  it("is answered otherwise by another device, and says where", async () => {
    const replay = await replayRegisters({ ...file, eventIndex: true }, { type: "rng" });
    expect(replay.differences).toEqual([{ at: 7, access: file.accesses[6], found: (1 << 28) | (1 << 29) }]);
  });

  it.each([
    ["", /is empty/],
    ["something else\n", /holds no register traffic/],
    ["# virtlab registers 9\n", /has version 9/],
    ["# virtlab registers 1\n# device rng\n", /does not say which device/],
    [`${formatRegisters(file)}r pci zz 2 0\n`, /file:12: expected/],
    [formatRegisters(file).slice(0, -3), /is cut short/],
  ])("is refused when it is no good: %j", (text, message) => {
    expect(() => parseRegisters(text, "file")).toThrow(message);
    expect(() => parseRegisters(text, "file")).toThrow(RegisterFileError);
  });
});
