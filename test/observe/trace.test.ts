/** From a machine's run to a trace file, and from the file to where the time went. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, type CompleteEventModel } from "@tracerbench/trace-model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runAcceptance } from "../../src/machine/acceptance.ts";
import { Machine } from "../../src/machine/machine.ts";
import { allocateShared } from "../../src/memory/attach.ts";
import { LiveMemory } from "../../src/memory/live-memory.ts";
import { EventRing, eventRingBytes } from "../../src/observe/record/event-ring.ts";
import { Analysis, type Request, STAGES } from "../../src/observe/report/analysis.ts";
import { analysisPage } from "../../src/observe/report/analysis-page.ts";
import { analysisJson, analysisText } from "../../src/observe/report/analysis-text.ts";
import { readTrace, TraceError, type TraceHeader, writeTrace } from "../../src/observe/report/trace-file.ts";

const folder = mkdtempSync(join(tmpdir(), "virtlab-trace-"));
const FILE = join(folder, "trace.json");
const RUN_MS = 60_000;
/** Sums of times in microseconds, as doubles. */
const ROUNDING_US = 1e-6;
/** What every trace event has, and what it has by its phase, by the trace-event format. */
const COMMON = { pid: "number", tid: "number", ts: "number", ph: "string", cat: "string", name: "string" };
const BY_PHASE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  M: {},
  X: { dur: "number" },
  b: { id: "string" },
  e: { id: "string" },
  s: { id: "string" },
  t: { id: "string" },
  f: { id: "string", bp: "string" },
};

type Drawn = Extract<Parameters<typeof buildModel>[0], readonly unknown[]>[number] & { readonly id?: string };
const drawn = () =>
  JSON.parse(readFileSync(FILE, "utf8")) as { traceEvents: Drawn[]; otherData: TraceHeader };

async function analyse(file: string): Promise<{ header: TraceHeader | undefined; analysis: Analysis }> {
  const analysis = new Analysis();
  let header: TraceHeader | undefined;
  for await (const part of readTrace(file)) {
    if ("format" in part) header = part;
    else analysis.add(part);
  }
  return { header, analysis };
}

beforeAll(async () => {
  let machine: Machine | undefined;
  const { verified } = await runAcceptance(
    { watch: { traceEvents: 1 << 16 } },
    { disk: undefined, diskSize: "2M", write: false, protection: "read-only", seed: 1 },
    undefined,
    async (description) => {
      machine = await Machine.start(description);
      return machine;
    },
  );
  expect(verified).toBe(true);
  const recordings = machine?.recordings() ?? null;
  if (recordings === null) throw new Error("the machine kept no events");
  await writeTrace(FILE, recordings);
}, RUN_MS);
afterAll(() => rmSync(folder, { recursive: true }));

describe("a trace file", () => {
  it("is JSON of Chrome's trace-event format", () => {
    const { traceEvents, otherData } = drawn();
    const odd = traceEvents.filter((event) => {
      const wanted = { ...COMMON, args: "object", ...(BY_PHASE[event.ph] ?? { unknown: "phase" }) };
      return Object.entries(wanted).some(([key, type]) => typeof event[key as keyof Drawn] !== type);
    });
    expect(odd).toEqual([]);
    expect(otherData).toMatchObject({ format: "virtlab trace", version: 1, dropped: { guest: 0, host: 0 } });
  });

  it("is read by somebody else's model of traces as two threads", () => {
    const { traceEvents } = drawn();
    const { processes, events, start, end } = buildModel(traceEvents);
    expect(processes.map(({ name }) => name)).toEqual(["virtlab"]);
    expect(processes[0]?.threads.map(({ name }) => name).sort()).toEqual(["guest", "host"]);
    expect(events.length).toBe(traceEvents.length);
    const asleep = events.filter(({ name }) => name === "asleep");
    expect(asleep.length).toBeGreaterThan(0);
    expect(asleep.every(({ duration }) => duration >= 0 && duration <= end - start)).toBe(true);
  });

  it("has slices that lie one after another or one within another", () => {
    const threads = buildModel(drawn().traceEvents).processes[0]?.threads ?? [];
    for (const { events } of threads) {
      const slices = events.filter((event): event is CompleteEventModel => event.ph === "X");
      expect(slices.length).toBeGreaterThan(100);
      const open: number[] = [];
      for (const { start, end } of slices) {
        while ((open.at(-1) ?? Number.POSITIVE_INFINITY) <= start) open.pop();
        expect(end).toBeLessThanOrEqual((open.at(-1) ?? Number.POSITIVE_INFINITY) + ROUNDING_US);
        open.push(end);
      }
    }
  });

  it("joins each request across the threads by arrows", () => {
    const flows = new Map<string | undefined, string>();
    for (const { ph, tid, id } of drawn().traceEvents) {
      if ("stf".includes(ph)) flows.set(id, `${flows.get(id) ?? ""} ${ph}${tid}`);
    }
    const shapes = new Set(flows.values());
    expect([...shapes]).toEqual([" s1 t2 t2 f1"]);
  });

  it("goes forward in time", () => {
    const times = drawn().traceEvents.map(({ ts }) => ts);
    expect(times.every((ts, at) => ts >= (times[at - 1] ?? 0))).toBe(true);
  });
});

describe("an analysis", () => {
  it("has stages that add up to the whole for every request", async () => {
    const { analysis } = await analyse(FILE);
    const sum = ({ stagesUs }: Request) => STAGES.reduce((total, stage) => total + stagesUs[stage], 0);
    expect(analysis.requests.length).toBeGreaterThan(30);
    expect(analysis.unfinished).toBe(0);
    const off = analysis.requests.filter((each) => Math.abs(sum(each) - each.totalUs) > 0.01 * each.totalUs);
    expect(off).toEqual([]);
  });

  it("prints as text, as JSON and as a page", async () => {
    const { header, analysis } = await analyse(FILE);
    if (header === undefined) throw new Error("no header");
    const found = analysisJson(FILE, header, analysis);
    expect(found.stages.map(({ stage }) => stage)).toEqual([...STAGES, "whole"]);
    expect(analysisText(found, found)).toContain("1.00x");
    const page = analysisPage(found, analysis.requests);
    expect(page).not.toMatch(/(src|href)=/);
    expect(page.match(/<circle/g)?.length).toBe(analysis.requests.length);
  });
});

describe("a file that is no good", () => {
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const reading = (file: string) => expect(analyse(file)).rejects;

  it("says that it is empty", () => reading(write("empty", "")).toThrow(/is empty/));
  it("says that it is no trace", () =>
    reading(write("other", '{"traceEvents":[]}\n')).toThrow(/is no trace of virtlab/));
  it("says which version it has", async () => {
    const [first = "", ...rest] = readFileSync(FILE, "utf8").split("\n");
    const old = write("version", [first.replace('"version":1', '"version":7'), ...rest].join("\n"));
    await reading(old).toThrow(/has version 7; this virtlab reads version 1/);
  });
  it("says that it is cut short, between lines and within one", async () => {
    const text = readFileSync(FILE, "utf8");
    const between = write("between", text.slice(0, text.indexOf("\n", 5000) + 1));
    await reading(between).toThrow(/is cut short/);
    const within = write("within", text);
    truncateSync(within, 5003);
    await reading(within).toThrow(TraceError);
  });
  it("is refused without being read whole, however large it is", async () => {
    const [first = ""] = readFileSync(FILE, "utf8").split("\n");
    const large = write("large", `${first}\n`);
    // Sparse: as many zeros as anybody may want.
    truncateSync(large, 5 * 2 ** 30);
    const before = process.memoryUsage.rss();
    await reading(large).toThrow(/is damaged/);
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 28);
  });
  it("is an error when it cannot be written, and nothing else", async () => {
    const nothing = { events: [], dropped: 0 };
    await expect(
      writeTrace(join(folder, "none", "trace"), { guest: nothing, host: nothing }),
    ).rejects.toThrow(/ENOENT/);
    await expect(writeTrace("/dev/full", { guest: nothing, host: nothing })).rejects.toThrow(/ENOSPC/);
  });
});

describe("an event ring", () => {
  it("keeps the newest events and counts the others", () => {
    const ring = new EventRing(new LiveMemory(allocateShared(eventRingBytes(4))));
    for (let n = 0; n < 10; n++) ring.add(n + 0.5, "take", 4, 0, n);
    const { events, dropped } = ring.read();
    expect(dropped).toBe(6);
    expect(events.map(({ time, value }) => [time, value])).toEqual([
      [6.5, 6],
      [7.5, 7],
      [8.5, 8],
      [9.5, 9],
    ]);
  });
});
