/** Correct conversations, in which the monitor finds nothing. */
import { describe, expect, it } from "vitest";
import { Monitor, mergeFindings } from "../../src/monitor/monitor.ts";
import { PCI } from "../../src/wire/pci.ts";
import { agreed, EVENT_IDX, INDIRECT, le } from "./case.ts";
import { Talk, type TalkOptions } from "./talk.ts";

const found = (talk: Talk) => talk.monitor.findings.map(({ id, detail }) => `${id}: ${detail}`);

/** Blocks read and written for more than a lap of the ring. */
function blkTraffic(options: TalkOptions): Talk {
  const talk = new Talk("blk", options);
  talk.find().negotiate();
  talk.configField(0, 8, 100);
  talk.setUp(0).ready();
  for (let round = 0; round < 20; round++) {
    talk.queue().free = 0;
    const header = { length: 16, bytes: [...le(4, 0), ...le(4, 0), ...le(8, round)] };
    const parts = [header, { length: 512, write: true }, { length: 1, write: true }];
    talk.round(parts, [...Array(513).fill(0)]);
    talk.idle();
  }
  return talk;
}

describe("the monitor finds nothing in", () => {
  it.each([
    ["flags", agreed(9)],
    ["event index", agreed(9, EVENT_IDX, INDIRECT)],
  ])("block requests with %s", (_name, options) => {
    expect(found(blkTraffic(options))).toEqual([]);
  });

  it("a device that is reset and used again", () => {
    const talk = new Talk("rng");
    talk.boot().round([{ length: 16, write: true }], [1, 2, 3]);
    talk.reset();
    talk.write("status", 1);
    talk.write("status", 3);
    talk.read("hostFeatures", 0);
    talk.write("guestFeatures", 0);
    talk
      .setUp(0)
      .ready()
      .round([{ length: 16, write: true }], [1, 2, 3]);
    talk.idle();
    expect(found(talk)).toEqual([]);
  });

  it("an interrupt that a reset comes too late to prevent, and in time to take back", () => {
    const talk = new Talk("rng");
    talk.boot().write("status", 0);
    talk.raise(1);
    talk.clearIsr();
    talk.pci(false, PCI.status, 2, 0);
    expect(found(talk)).toEqual([]);
  });

  it("an answer of all ones: nobody is there", () => {
    const talk = new Talk("rng");
    talk.boot();
    talk.read("status", 0xff);
    talk.read("isr", 0xff);
    talk.pci(false, 0, 4, 0xffff_ffff);
    expect(found(talk)).toEqual([]);
  });
});

describe("findings", () => {
  it("of two sides that saw the same are one", () => {
    const talk = new Talk("rng");
    talk.find().negotiate();
    talk.write("status", 2);
    const [finding] = talk.monitor.findings;
    expect(finding).toMatchObject({
      id: "STATUS-DRV-02",
      strength: "MUST",
      device: "00:04.0",
      queue: -1,
      count: 1,
    });
    expect(mergeFindings([talk.monitor.findings, talk.monitor.findings])).toEqual([finding]);
  });

  it("that drivers of the time are known for are tolerated", () => {
    const talk = new Talk("rng");
    const monitor = new Monitor({ ram: talk.ram, sides: ["driver"] });
    for (const [write, value] of [
      [true, 0],
      [true, 1],
    ] as const) {
      monitor.observer.access({ space: "port", write: true, address: 0xcf8, width: 4, value: 0x8000_2010 });
      monitor.observer.access({ space: "port", write: true, address: 0xcfc, width: 4, value: 0xc000 });
      monitor.observer.access({ space: "port", write: true, address: 0xcf8, width: 4, value: 0x8000_2004 });
      monitor.observer.access({ space: "port", write: true, address: 0xcfc, width: 2, value: 7 });
      monitor.observer.access({ space: "port", write, address: 0xc012, width: 1, value });
    }
    expect(monitor.findings).toMatchObject([{ id: "STATUS-DRV-05", tolerated: expect.any(String) }]);
  });
});
