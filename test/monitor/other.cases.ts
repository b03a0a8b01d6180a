/** Entropy, consoles, balloons. */
import { agreed, bits, breaks, breaksOf, type Case, le } from "./case.ts";
import type { Talk } from "./talk.ts";

const con = breaksOf("console");
const balloon = breaksOf("balloon");
export const MULTIPORT = agreed(1);
export const [RX, TX] = [2, 3];

export const message = (id: number, event: number, value: number): number[] => [
  ...le(4, id),
  ...le(2, event),
  ...le(2, value),
];
/** A console with control queues that said it was ready. */
export function ports(talk: Talk): Talk {
  talk.find().negotiate();
  talk.configField(4, 4, 4);
  for (let index = 0; index < 4; index++) talk.setUp(index);
  talk.ready();
  tell(talk, 0xffff_ffff, 0, 1);
  return talk;
}
function tell(talk: Talk, id: number, event: number, value: number): void {
  talk.round([{ length: 8, bytes: message(id, event, value) }], [], TX);
}
export function hear(talk: Talk, bytes: readonly number[]): void {
  talk.round([{ length: 64, write: true }], bytes, RX);
}

const INFLATE = 0;
const DEFLATE = 1;
const STATS = 2;
const PAGE = 0x110 + 0x40;
const pfns = (...pages: number[]): number[] => pages.flatMap((page) => le(4, page));
const list = (...pages: number[]) => [{ length: 4 * pages.length, bytes: pfns(...pages) }];
/** A page in the balloon, and told so. */
function inflated(talk: Talk, page = PAGE): Talk {
  talk.round(list(page), [], INFLATE);
  talk.configWrite(4, 1, 4);
  return talk;
}
const stat = (tag: number): number[] => [...le(2, tag), ...le(8, 1)];
function stats(talk: Talk, ...tags: number[]): void {
  talk.round([{ length: 10 * tags.length, bytes: tags.flatMap(stat) }], [], STATS);
}
const withStats = { ...agreed(1), queues: 3 };
const two = { queues: 2 };

export const otherCases: readonly Case[] = [
  breaks("RNG-DRV-01", (t) => t.boot().offer([{ length: 16 }])),
  breaks("RNG-DRV-02", (t) => {
    t.boot();
    const address = t.address(16);
    t.round([{ length: 16, write: true, address }], [1, 2, 3, 4]);
    t.touch("driver", false, address, 16);
  }),
  breaks("RNG-DEV-01", (t) => t.boot().round([{ length: 16, write: true }], [])),

  con("CON-DRV-01", (t) => t.boot(2).offer([{ length: 16 }], 0)),
  con("CON-DRV-02", (t) => t.boot(2).offer([{ length: 16, write: true }], 1)),
  con("CON-DEV-03", (t) => hear(ports(t), message(9, 1, 1)), MULTIPORT),
  con("CON-DEV-04", (t) => hear(ports(t), message(1, 2, 1)), MULTIPORT),
  con("CON-DRV-03", (t) => t.boot(4).idle(), MULTIPORT),
  con(
    "CON-DRV-04",
    (t) => {
      hear(ports(t), message(0, 4, 1));
      t.idle();
    },
    MULTIPORT,
  ),
  con(
    "CON-DRV-06",
    (t) => {
      hear(ports(t), message(0, 1, 1));
      t.idle();
    },
    MULTIPORT,
  ),
  con("CON-DEV-05", (t) => hear(ports(t), [1, 2, 3]), MULTIPORT),
  con("CON-DRV-07", (t) => t.boot(3)),
  con("CON-BOTH-01", (t) => t.boot(2).configRead(0, 80 << 8, 2), agreed(0)),
  con("CON-BOTH-02", (t) => hear(ports(t), message(0, 0x0100, 0)), MULTIPORT),
  con(
    "CON-DRV-09",
    (t) =>
      ports(t).offer(
        [
          { length: 4, bytes: le(4, 0) },
          { length: 4, bytes: le(4, 3) },
        ],
        TX,
      ),
    MULTIPORT,
  ),

  balloon("BALLOON-DRV-01", (t) => t.boot(2), { offer: bits(0) }),
  balloon("BALLOON-DRV-04", (t) => {
    t.boot(2).configField(0, 4, 5);
    inflated(t).round(list(PAGE), [], DEFLATE);
  }),
  balloon("BALLOON-DRV-05", (t) => inflated(t.boot(2)).touch("driver", true, PAGE * 4096, 8), two),
  balloon(
    "BALLOON-DRV-06",
    (t) => {
      inflated(t.boot(2)).offer(list(PAGE), DEFLATE);
      t.touch("driver", true, PAGE * 4096, 8);
    },
    agreed(0),
  ),
  balloon("BALLOON-DRV-07", (t) => {
    t.boot(2).offer(list(PAGE), INFLATE);
    t.touch("driver", true, PAGE * 4096, 8);
  }),
  balloon("BALLOON-DRV-08", (t) => {
    t.boot(2).offer(list(PAGE), INFLATE);
    t.offer(list(PAGE), DEFLATE);
  }),
  balloon("BALLOON-DRV-09", (t) => {
    t.boot(2).round(list(PAGE), [], INFLATE);
    t.idle();
  }),
  balloon("BALLOON-DRV-10", (t) => t.boot(2).offer(list(0x7_0000), INFLATE)),
  balloon("BALLOON-DRV-12", (t) => {
    t.boot(2);
    t.configWrite(4, 1);
  }),
  balloon(
    "BALLOON-DRV-13",
    (t) => {
      t.boot();
      t.offer([{ length: 10, bytes: stat(1) }], STATS);
      t.offer([{ length: 10, bytes: stat(1) }], STATS);
    },
    withStats,
  ),
  balloon("BALLOON-DRV-14", (t) => t.boot().idle(), withStats),
  balloon(
    "BALLOON-DRV-15",
    (t) => {
      stats(t.boot(), 1, 2);
      t.offer([{ length: 20, bytes: [...Array(20).fill(0)] }], STATS);
    },
    withStats,
  ),
  balloon("BALLOON-DRV-16", (t) => t.boot().offer([{ length: 12, bytes: stat(1) }], STATS), withStats),
  balloon(
    "BALLOON-DRV-17",
    (t) => {
      stats(t.boot(), 1, 2);
      stats(t, 1, 2);
      stats(t, 1, 3);
    },
    withStats,
  ),
  balloon("BALLOON-BOTH-01", (t) => t.boot(2).configWrite(4, 0x0100_0000, 4)),
  balloon(
    "BALLOON-BOTH-02",
    (t) => {
      stats(t.boot(), 1, 2);
      stats(t, 0x0100, 0x0200);
    },
    withStats,
  ),
];
