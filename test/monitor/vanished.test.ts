/** Functions that leave without a word: pulled out, swapped, or their host killed. */
import { afterEach, describe, expect, it, test } from "vitest";
import { Machine } from "../../src/machine/machine.ts";
import { PAGE_SIZE } from "../../src/wire/numbers.ts";
import { COMMAND, CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress, PCI } from "../../src/wire/pci.ts";
import { MSIX_AT, Talk } from "./talk.ts";

const SLOT = 4;
const MSIX = { msix: 4 };
const NONE = 0xffff;
const BUFFER = [{ length: 16, write: true }];
const ids = (talk: Talk) => talk.monitor.findings.map(({ id }) => id);

/** What a driver does that has not noticed: each answer is nobody's, and what it makes of them is nonsense. */
function goOn(talk: Talk): void {
  talk.offer(BUFFER);
  talk.offer(BUFFER);
  talk.configRead(33, 0xff);
  talk.read("isr", 0xff);
  talk.read("hostFeatures", 0xffff_ffff);
  talk.write("guestFeatures", 0xffff_ffff);
  talk.read("status", 0xff);
  talk.write("status", 0xff);
  talk.kick(7);
  talk.pci(false, PCI.headerType, 1, 0xff);
  talk.pci(false, PCI.command, 2, 0xffff);
  talk.offer(BUFFER);
  talk.idle();
}

/** Found once more, it is held to the rules again. */
function breakOne(talk: Talk): void {
  talk.find().negotiate();
  talk.write("status", 2);
}

describe("a function that was pulled out", () => {
  it("is held to nothing, nor is its driver, until the next one is found", () => {
    const talk = new Talk("rng");
    talk.boot().offer(BUFFER);
    goOn(talk);
    talk.pci(false, PCI.vendorId, 2, NONE);
    talk.find().negotiate();
    talk.write("status", 0x83);
    expect(ids(talk)).toEqual([]);
    breakOne(talk);
    expect(ids(talk)).toEqual(["STATUS-DRV-02"]);
  });

  it("and swapped for another, which has no address yet", () => {
    for (const [offset, width, value] of [
      [PCI.bar0, 4, 1],
      [PCI.command, 2, 0],
    ] as const) {
      const talk = new Talk("rng");
      talk.boot().offer(BUFFER);
      talk.pci(false, offset, width, value);
      // What its driver restores is not a conversation with the new one.
      talk.pci(true, PCI.bar0, 4, 0xc000);
      talk.pci(true, PCI.command, 2, COMMAND.IO | COMMAND.BUS_MASTER);
      goOn(talk);
      expect(ids(talk)).toEqual([]);
      breakOne(talk);
      expect(ids(talk)).toEqual(["STATUS-DRV-02"]);
    }
  });

  it.each([
    [2, 2, 3],
    [0, 4, 0x3_0011],
  ])(
    "and swapped for another, which has no MSI-X on yet and so its configuration elsewhere (+%i)",
    (offset, width, value) => {
      const talk = new Talk("balloon", MSIX);
      talk.boot();
      talk.pci(false, MSIX_AT + offset, width, value);
      talk.pci(true, MSIX_AT + 2, 2, 0x4003);
      talk.configWrite(4, 1);
      expect(ids(talk)).toEqual([]);
    },
  );

  it("and swapped for another while the size of its BAR was asked for", () => {
    const talk = new Talk("rng");
    talk.find();
    talk.pci(true, PCI.bar0, 4, 0xffff_ffff);
    talk.pci(false, PCI.bar0, 4, 1);
    expect(ids(talk)).toEqual([]);
  });

  it("as its host knows before the bus shows it", () => {
    const talk = new Talk("rng");
    talk.boot().offer(BUFFER);
    talk.take();
    talk.answer(0, Array(16).fill(1));
    talk.element(0, 16);
    talk.publishUsed();
    talk.monitor.observer.slotChanged(SLOT);
    talk.idle();
    talk.raise();
    talk.look16("device: read avail.idx", talk.queue().base + talk.queue().layout.availIndex);
    talk.kick(7);
    expect(ids(talk)).toEqual([]);
    breakOne(talk);
    expect(ids(talk)).toEqual(["STATUS-DRV-02"]);
  });

  it("and the next one too, before the driver has noticed either", () => {
    const talk = new Talk("rng", MSIX);
    talk.boot().offer(BUFFER);
    const { base, layout } = talk.queue();
    const address = (talk.address(2 * PAGE_SIZE) + PAGE_SIZE - 1) & -PAGE_SIZE;
    const ring = { index: 0, size: 8, address, startAt: 0, vector: NONE };
    talk.monitor.observer.adopt({
      ...{ slot: SLOT + 1, ioBase: 0xc100, status: 7, features: 0, msixAt: 0 },
      queues: [ring],
    });
    for (let swaps = 0; swaps < 2; swaps++) {
      talk.monitor.observer.slotChanged(SLOT);
      talk.find();
    }
    talk.look16("driver: read used.idx", base + layout.usedIndex);
    expect(ids(talk)).toEqual([]);
  });

  it("and swapped while it was identified: what it is nobody knows", () => {
    const talk = new Talk("rng");
    talk.monitor.observer.slotChanged(SLOT);
    talk.pci(false, PCI.vendorId, 2, 0x1af4);
    talk.monitor.observer.slotChanged(SLOT);
    talk.pci(true, PCI.bar0, 4, 0xffff_ffff);
    talk.pci(true, PCI.bar0, 4, 0xc000);
    talk.pci(true, PCI.command, 2, COMMAND.IO);
    talk.write("status", 0x7f);
    expect(ids(talk)).toEqual([]);
  });
});

test("a buffer that came back may be lent again by a driver whose function nobody knows", () => {
  const talk = new Talk("rng");
  talk.boot();
  const address = talk.address(16);
  talk.round([{ length: 16, write: true, address }], [1, 2, 3, 4]);
  const other = talk.monitor.observer;
  const configure = (offset: number, width: number, value: number) => {
    const at = configAddress({ bus: 0, slot: SLOT + 1, function: 0 }, offset);
    other.access({ space: "port", write: true, address: CONFIG_ADDRESS_PORT, width: 4, value: at });
    other.access({ space: "port", write: true, address: CONFIG_DATA_PORT, width, value });
  };
  other.slotChanged(SLOT + 1);
  configure(PCI.bar0, 4, 0xc100);
  configure(PCI.command, 2, COMMAND.IO);
  talk.touch("driver", false, address, 16);
  expect(ids(talk)).toEqual([]);
});

describe("a function that sleeps", () => {
  it("answers nothing, and what it was told before still stands", () => {
    const talk = new Talk("rng");
    talk.boot();
    talk.pci(false, PCI.capabilityPointer, 1, 0x40);
    talk.pci(false, 0x40, 2, 1);
    talk.pci(true, 0x44, 2, 3);
    talk.read("isr", 0xff);
    talk.pci(true, 0x44, 2, 0);
    talk.write("status", 4);
    expect(ids(talk)).toEqual(["STATUS-DRV-02"]);
  });
});

describe("an answer of all ones that a device may give", () => {
  /** A vector that was accepted before and is refused now: PCI-DEV-39 and -43, if anybody is there. */
  const refused = (): Talk => {
    const talk = new Talk("rng", MSIX);
    talk.find().negotiate().setUp(0);
    talk.mapVector("queueVector", 2);
    talk.setUp(1).mapVector("queueVector", 2, NONE);
    return talk;
  };

  it("is a finding if the device is there afterwards", () => {
    const talk = refused();
    talk.read("status", 3);
    talk.pci(false, PCI.vendorId, 2, NONE);
    expect(ids(talk)).toEqual(["PCI-DEV-39", "PCI-DEV-43"]);
  });

  it("and none if it is gone", () => {
    const talk = refused();
    talk.ready();
    talk.pci(false, PCI.vendorId, 2, NONE);
    expect(ids(talk)).toEqual([]);
  });
});

describe("on a live machine", () => {
  const PROGRAM = new URL("entropy.guest.ts", import.meta.url);
  const MISER = new URL("miserly-rng.ts", import.meta.url).pathname;
  const RUN_MS = 30_000;
  let machine: Machine | undefined;
  afterEach(async () => machine?.stop());

  it(
    "devices that are pulled out and hosts that are killed break nothing; those that follow are watched",
    async () => {
      machine = await Machine.start({ devices: [{ type: "rng" }], watch: { monitor: true } });
      const busy = machine.run(PROGRAM, 1e9);
      await machine.restartHost();
      expect(await busy).toMatchObject({ verdict: "crashed", monitor: { findings: [] } });
      await machine.unplug(SLOT, { surprise: true });
      await machine.plug({ type: MISER, slot: SLOT });
      const { host, guest } = await machine.run(PROGRAM, 1);
      for (const side of [host, guest]) expect(side?.findings?.map(({ id }) => id)).toEqual(["RNG-DEV-01"]);
    },
    RUN_MS,
  );
});
