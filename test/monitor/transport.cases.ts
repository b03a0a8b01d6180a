/** Status, features, PCI, the legacy registers, configuration. */
import { ringLayout } from "../../src/wire/ring.ts";
import { agreed, bits, breaks, breaksOf, type Case, EVENT_IDX } from "./case.ts";
import type { Talk } from "./talk.ts";

const NONE = 0xffff;
const MSIX = { msix: 4 };
const blk = breaksOf("blk");

/** Up to the vectors of queue 0, MSI-X on. */
const mapped = (talk: Talk, vector: number, answer: number): void => {
  talk.find().negotiate().setUp(0);
  talk.mapVector("queueVector", vector, answer);
};
const failed = (talk: Talk): void => {
  talk.find().negotiate();
  talk.write("status", 3 | 128);
};

export const transportCases: readonly Case[] = [
  breaks("STATUS-DRV-01", (t) => {
    t.find().reset();
    t.write("status", 1);
    t.write("status", 5);
  }),
  breaks("STATUS-DRV-02", (t) => {
    t.find().negotiate();
    t.write("status", 2);
  }),
  breaks("STATUS-DRV-03", (t) => {
    failed(t);
    t.write("status", 7 | 128);
  }),
  breaks("STATUS-DRV-05", (t) => {
    t.find();
    t.write("status", 0);
    t.write("status", 1);
  }),
  breaks("STATUS-DRV-10", (t) => t.find().negotiate().reset()),
  breaks("STATUS-DRV-11", (t) => {
    failed(t);
    t.setUp(0);
  }),
  breaks("STATUS-DRV-14", (t) => {
    t.boot();
    const head = t.offer([{ length: 16, write: true }]);
    t.descriptor(head, 0, { address: t.address(16), length: 16, flags: 2 });
  }),
  breaks("STATUS-DRV-15", (t) => {
    t.boot().offer([{ length: 16, write: true }]);
    t.write("queuePfn", 0);
  }),
  breaks("STATUS-DEV-04", (t) => {
    t.find();
    t.read("status", 4);
  }),
  breaks("STATUS-DEV-05", (t) => {
    t.find();
    t.write("status", 0);
    t.read("status", 3);
  }),
  breaks("STATUS-DEV-06", (t) => {
    const { base, layout } = t.boot().queue();
    t.reset();
    t.look16("device: read avail.idx", base + layout.availIndex);
  }),
  breaks(
    "STATUS-DEV-07",
    (t) => {
      t.boot();
      t.configRead(0, 80, 2);
      t.raise(2);
      t.readIsr();
      t.configRead(0, 80, 2);
      t.configRead(0, 90, 2);
    },
    agreed(0),
    "console",
  ),
  breaks("FEAT-DRV-01", (t) => t.find().negotiate(), { offer: 0, accept: bits(EVENT_IDX) }),
  breaks("FEAT-DRV-03", (t) => t.find().negotiate(), { offer: 0, accept: bits(26) }),
  breaks("FEAT-DEV-04", (t) => t.find().negotiate(), { offer: bits(26) }),
  breaks("FEAT-DRV-09", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.read("queueSize", 8);
    t.write("queuePfn", 0x7_0000);
  }),
  breaks("CONFIG-DRV-02", (t) => t.boot().configRead(20, 0), {}, "blk"),
  breaks("CONFIG-DRV-04", (t) => t.boot().configRead(2, 0)),
  breaks(
    "CONFIG-DRV-05",
    (t) => {
      t.find().negotiate();
      for (let byte = 0; byte < 8; byte++) t.configRead(byte, 1);
      t.ready();
    },
    {},
    "blk",
  ),
  breaks("SPLIT-DRV-02", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.read("queueSize", 12);
    t.write("queuePfn", 0x110);
  }),
  breaks("SPLIT-DRV-23", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.read("queueSize", 8);
    t.quiet.store16(0x1_0000 + ringLayout(8).usedFlags, 1, 0);
    t.place(0, 0x1_0000, 8);
  }),
  breaks("PCI-DEV-01", (t) => {
    t.find();
    t.pci(false, 0x0e, 1, 1);
  }),
  breaks("PCI-DEV-02", (t) => t.boot(), { identity: { vendor: 0x1234 } }),
  breaks("PCI-DEV-03", (t) => t.boot(), { identity: { device: 0x1001 } }),
  breaks("LEGACY-DEV-04", (t) => t.boot(), { identity: { revision: 1 } }),
  breaks("LEGACY-DEV-05", (t) => t.boot(), { identity: { subsystem: 0x40 } }),
  breaks("LEGACY-DEV-06", (t) => t.boot(), { identity: { device: 0x2000 } }),
  breaks("LEGACY-DEV-07", (t) => {
    t.find();
    t.pci(true, 0x10, 4, 0xffff_ffff);
    t.pci(false, 0x10, 4, 0xffff_fff1);
  }),
  breaks("LEGACY-DEV-11", (t) => {
    t.find();
    t.pci(false, 0x10, 4, 0xfe00_1000);
  }),
  breaks(
    "PCI-DEV-24",
    (t) => {
      mapped(t, 1, 1);
      t.mapVector("configVector", 0);
      t.ready().raise(2);
      t.read("isr", 2);
      t.raise(0);
      t.message(64);
    },
    MSIX,
  ),
  breaks("PCI-DEV-25", (t) => {
    t.boot().round([{ length: 16, write: true }], [1]);
    t.line();
  }),
  breaks("PCI-DEV-26", (t) => {
    t.boot();
    t.raise(2);
    t.pci(false, 6, 2, 0x10);
  }),
  breaks("PCI-DEV-27", (t) => {
    t.boot();
    t.raise(2);
    t.readIsr();
    t.read("isr", 2);
  }),
  // Cleared without a read, as it is when its function leaves: what comes after a reset was not set before it.
  breaks("PCI-DEV-27", (t) => {
    t.boot();
    t.raise(2);
    t.clearIsr();
    t.write("status", 0);
    t.read("isr", 2);
  }),
  breaks(
    "PCI-DRV-20",
    (t) => {
      mapped(t, 1, 1);
      t.ready().read("isr", 0);
    },
    MSIX,
  ),
  breaks("PCI-DEV-37", (t) => t.find(), { msix: 1 }),
  breaks("PCI-DEV-38", (t) => mapped(t, 2, 9), MSIX),
  breaks(
    "PCI-DEV-39",
    (t) => {
      mapped(t, 2, 2);
      t.setUp(1).mapVector("queueVector", 2, NONE);
    },
    MSIX,
  ),
  breaks("PCI-DEV-43", (t) => mapped(t, 2, NONE), MSIX),
  breaks(
    "PCI-DEV-44",
    (t) => {
      mapped(t, 1, 1);
      t.mapVector("queueVector", 2, 1);
    },
    MSIX,
  ),
  breaks("PCI-DEV-40", (t) => mapped(t, NONE, 1), MSIX),
  breaks("PCI-DEV-41", (t) => mapped(t, 2, 1), MSIX),
  breaks(
    "PCI-DEV-42",
    (t) => {
      mapped(t, 2, 2);
      t.ready().reset();
      t.write("status", 1);
      t.write("status", 3);
      t.write("queueSelect", 0);
      t.read("queueVector", 2);
    },
    MSIX,
  ),
  breaks("PCI-DRV-25", (t) => mapped(t, 9, NONE), MSIX),
  breaks(
    "PCI-DRV-26",
    (t) => {
      t.find().negotiate().setUp(0);
      t.write("queueVector", NONE);
      t.read("queueVector", NONE);
      t.write("queueVector", 2);
      t.read("queueVector", NONE);
      t.ready();
    },
    MSIX,
  ),
  breaks(
    "PCI-DEV-45",
    (t) => {
      t.boot();
      const head = t.offer([{ length: 16, write: true }]);
      t.take();
      t.give(head, [1]);
      t.message(65);
    },
    MSIX,
  ),
  breaks(
    "PCI-DEV-46",
    (t) => {
      t.boot().raise(2);
      t.message(64);
    },
    MSIX,
  ),
  breaks(
    "PCI-DEV-47",
    (t) => {
      t.find().negotiate().setUp(0);
      t.mapVector("queueVector", 1);
      t.ready();
      const head = t.offer([{ length: 16, write: true }]);
      t.take();
      t.give(head, [1]);
      t.line();
    },
    MSIX,
  ),
  breaks("PCI-DRV-31", (t) => {
    t.boot();
    const head = t.offer([{ length: 16, write: true }]);
    t.take();
    t.answer(head, [1]);
    t.element(head, 1);
    t.quiet.store16(t.queue().base + t.queue().layout.usedIndex, 1, 0);
    t.raise(3);
    t.readIsr();
    t.idle();
  }),
  breaks("LEGACY-DRV-21", (t) => {
    t.boot();
    const head = t.offer([{ length: 16, write: true }]);
    t.take();
    t.answer(head, [1]);
    t.element(head, 1);
    t.quiet.store16(t.queue().base + t.queue().layout.usedIndex, 1, 0);
    t.raise(2);
    t.readIsr();
    t.idle();
  }),
  breaks("LEGACY-DRV-02", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.write("queuePfn", 0x110);
  }),
  breaks("LEGACY-BOTH-01", (t) => {
    t.boot().entry(0);
    const { base, layout } = t.queue();
    t.store16("driver: publish avail.idx", base + layout.bytes + 2, 1);
  }),
  breaks("LEGACY-BOTH-02", (t) => {
    t.boot();
    t.entry(t.write_chain([{ length: 16, write: true }]));
    t.publish(0, 0x0100);
  }),
  breaks("LEGACY-DRV-04", (t) => {
    t.find().negotiate();
    t.write("status", 3 | 8);
  }),
  blk("LEGACY-DEV-02", (t) => {
    t.find().reset();
    t.write("status", 1);
    t.write("status", 3);
    t.read("hostFeatures", bits(9, 11));
    t.configWrite(32, 1);
    t.configRead(32, 0);
  }),
  blk("LEGACY-DEV-03", (t) => {
    t.find().negotiate().setUp(0);
    t.offer([{ length: 16 }, { length: 512, write: true }, { length: 1, write: true }]);
    t.idle();
  }),
  blk("LEGACY-DEV-08", (t) => {
    t.boot();
    t.configField(0, 8, 1000);
    t.configRead(0, 2000, 4);
  }),
  breaks("LEGACY-DRV-06", (t) => t.boot().raw(false, 20, 1, 0), MSIX),
  blk(
    "LEGACY-DEV-09",
    (t) => {
      t.find();
      t.msix(false);
      t.raw(false, 20, 1, 0x11);
      t.msix(true);
      t.raw(false, 24, 1, 0x22);
    },
    MSIX,
  ),
  breaks("LEGACY-DRV-09", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.read("queueSize", 8);
    t.write("queuePfn", t.ram.base + 0x1_0000);
  }),
  breaks("LEGACY-DRV-10", (t) => {
    t.find().negotiate();
    t.write("queueSize", 4);
  }),
  breaks(
    "LEGACY-DEV-12",
    (t) => {
      t.boot();
      const { base, layout } = t.queue();
      t.store16("driver: write avail.flags", base + layout.availFlags, 1);
      t.round([{ length: 16, write: true }], [1]);
      t.idle();
    },
    agreed(24),
  ),
  breaks("LEGACY-DEV-13", (t) => {
    t.find();
    t.pci(false, 0x34, 1, 0x60);
    t.pci(false, 0x60, 2, 0x09);
    t.negotiate();
  }),
  breaks("LEGACY-BOTH-03", (t) => t.find().negotiate(), { offer: bits(30) }),
  breaks("LEGACY-DRV-12", (t) => t.boot().raw(false, 12, 4, 8)),
  breaks("LEGACY-DRV-14", (t) => {
    failed(t);
    t.write("guestFeatures", 0);
  }),
  breaks(
    "LEGACY-DRV-15",
    (t) => {
      t.find().negotiate().setUp(0);
      t.write("guestFeatures", bits(EVENT_IDX));
    },
    { offer: bits(EVENT_IDX) },
  ),
  breaks(
    "LEGACY-DRV-16",
    (t) => {
      t.find().negotiate().setUp(0);
      t.write("queueVector", 1);
      t.ready();
    },
    MSIX,
  ),
  breaks(
    "LEGACY-DEV-14",
    (t) => {
      t.find().negotiate();
      t.read("configVector", 0);
    },
    MSIX,
  ),
  breaks("LEGACY-DEV-16", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.read("queueSize", 12);
  }),
  breaks("LEGACY-DRV-17", (t) => {
    t.find().negotiate();
    t.write("queueSelect", 0);
    t.read("queueSize", 8);
    t.quiet.store16(0x1_0010, 1, 0);
    t.place(0, 0x1_0000, 8);
  }),
  breaks("LEGACY-DRV-18", (t) => {
    t.find().reset();
    t.write("status", 1);
    t.write("status", 3);
    t.setUp(0).offer([{ length: 16, write: true }]);
    t.read("hostFeatures", bits(EVENT_IDX));
    t.write("guestFeatures", bits(EVENT_IDX));
  }),
  breaks("LEGACY-DRV-19", (t) => t.boot().kick(3)),
  breaks("LEGACY-DRV-22", (t) => {
    const { base, layout } = t.boot().queue();
    t.store16("driver: write avail.flags", base + layout.availFlags, 0);
    t.idle();
  }),
];
