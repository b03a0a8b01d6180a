/** From a machine's run to a trace file, and from the file to where the time went. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
/** The phases of Chrome's trace-event format that we use, and the keys that each must have. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  M: ["name", "pid", "args"],
  X: ["name", "cat", "pid", "tid", "ts", "dur"],
  B: ["name", "pid", "tid", "ts"],
  E: ["pid", "tid", "ts"],
  b: ["name", "cat", "id", "pid", "tid", "ts"],
  e: ["name", "cat", "id", "pid", "tid", "ts"],
  s: ["name", "cat", "id", "pid", "tid", "ts"],
  t: ["name", "cat", "id", "pid", "tid", "ts"],
  f: ["name", "cat", "id", "pid", "tid", "ts"],
};

interface Drawn {
  readonly ph: string;
  readonly ts: number;
  readonly id?: number;
  readonly tid?: number;
}

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
    const { traceEvents, otherData } = JSON.parse(readFileSync(FILE, "utf8")) as {
      traceEvents: (Drawn & Record<string, unknown>)[];
      otherData: TraceHeader;
    };
    const lacking = traceEvents.filter((event) => KEYS[event.ph]?.some((key) => !(key in event)) ?? true);
    expect(lacking).toEqual([]);
    expect(otherData).toMatchObject({ format: "virtlab trace", version: 1, dropped: { guest: 0, host: 0 } });
  });

  it("joins each request across the threads by arrows", () => {
    const { traceEvents } = JSON.parse(readFileSync(FILE, "utf8")) as { traceEvents: Drawn[] };
    const flows = new Map<number | undefined, string>();
    for (const { ph, tid, id } of traceEvents) {
      if ("stf".includes(ph)) flows.set(id, `${flows.get(id) ?? ""} ${ph}${tid}`);
    }
    const shapes = new Set(flows.values());
    expect([...shapes]).toEqual([" s1 t2 t2 f1"]);
  });

  it("goes forward in time on each thread", () => {
    const { traceEvents } = JSON.parse(readFileSync(FILE, "utf8")) as { traceEvents: Drawn[] };
    const instants = traceEvents.filter(({ ph }) => ph === "s" || ph === "f");
    expect(instants.every(({ ts }, at) => ts >= (instants[at - 1]?.ts ?? 0))).toBe(true);
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
