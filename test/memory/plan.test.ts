import { describe, expect, it } from "vitest";
import { Doorbell } from "../../src/memory/doorbell.ts";
import {
  CACHE_LINE,
  CARD_BYTES,
  type ControlPlan,
  INTX_LINES,
  KICK_WORDS,
  MAILBOX_RECORD_BYTES,
  MAILBOX_SLOTS,
  MAX_FUNCTIONS,
  MAX_QUEUES,
  planControl,
  VECTOR_WORDS,
} from "../../src/memory/plan.ts";
import { MSIX } from "../../src/wire/pci.ts";

interface Piece {
  readonly name: string;
  readonly from: number;
  readonly bytes: number;
  readonly align: number;
}

const SIZES = {
  runState: 4,
  hostDoorbell: Doorbell.BYTES,
  kickSummary: 4,
  intxLines: 4 * INTX_LINES,
  doorbell: Doorbell.BYTES,
  summary: 4,
  vectors: 4 * VECTOR_WORDS,
  mailboxHead: 4,
  mailboxTail: 4,
  mailboxReply: 8,
  mailboxRecords: MAILBOX_SLOTS * MAILBOX_RECORD_BYTES,
  callAsked: 4,
  callDone: 4,
  isr: 4,
  msixControl: 4,
  msixPending: MSIX.maxVectors / 8,
  msixTable: MSIX.maxVectors * MSIX.entryBytes,
  kicks: 4 * KICK_WORDS,
  notifyPort: 4,
  servers: 4 * MAX_QUEUES,
  card: CARD_BYTES,
} as const;

const pieces = ({ bytes: _, cpus, functions, ioThreads, ...own }: ControlPlan): Piece[] =>
  [own, ...cpus, ...functions, ...ioThreads].flatMap((part, index) =>
    Object.entries(part).flatMap(([name, from]: [string, number | readonly number[]]) =>
      [from].flat().map((at, place) => ({
        name: `${name} ${place} of part ${index}`,
        from: at,
        bytes: SIZES[name as keyof typeof SIZES],
        align: name.toLowerCase().includes("doorbell") ? Doorbell.ALIGN : 4,
      })),
    ),
  );

describe.each([
  { cpus: 1, functions: 0 },
  { cpus: 1, functions: 1 },
  { cpus: 3, functions: 5 },
  { cpus: 8, functions: MAX_FUNCTIONS },
  { cpus: 2, functions: 3, ioThreads: 2 },
])("planControl for $cpus CPUs, $functions functions and $ioThreads I/O threads", (shape) => {
  const plan = planControl(shape);
  const sorted = pieces(plan).sort((a, b) => a.from - b.from);

  it("has every structure inside its bytes, and offset 0 is nobody's", () => {
    expect(sorted.filter(({ from, bytes }) => !(from > 0 && from + bytes <= plan.bytes))).toEqual([]);
    expect([plan.cpus.length, plan.functions.length]).toEqual([shape.cpus, shape.functions]);
    expect(plan.ioThreads.map(({ kicks }) => kicks.length)).toEqual(
      Array.from({ length: shape.ioThreads ?? 0 }, () => shape.functions),
    );
  });

  it("overlaps nothing", () => {
    const overlaps = sorted.filter((piece, index) => {
      const before = sorted[index - 1];
      return before !== undefined && before.from + before.bytes > piece.from;
    });
    expect(overlaps).toEqual([]);
  });

  it("aligns everything", () => {
    expect(sorted.filter(({ from, align }) => from % align !== 0)).toEqual([]);
  });

  it("keeps words of a CPU that different threads write on different cache lines", () => {
    const line = (offset: number) => Math.floor(offset / CACHE_LINE);
    for (const cpu of plan.cpus) {
      const { mailboxHead, mailboxTail, mailboxReply, mailboxRecords, callAsked, callDone } = cpu;
      const words = [mailboxHead, mailboxTail, mailboxReply, mailboxRecords, callAsked, callDone];
      expect(new Set(words.map(line)).size).toBe(words.length);
    }
  });

  it("comes out the same on the other side", () => {
    expect(planControl(shape)).toEqual(plan);
  });
});

it("planControl refuses more functions than a word has bits", () => {
  expect(() => planControl({ cpus: 1, functions: MAX_FUNCTIONS + 1 })).toThrow(RangeError);
});
