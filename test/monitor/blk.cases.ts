/** Block devices. */
import { agreed, bits, breaksOf, type Case, le } from "./case.ts";
import type { Part, Talk } from "./talk.ts";

const blk = breaksOf("blk");
const ZONE_REPORT = 16;

interface Shape {
  readonly sector?: number;
  readonly data?: number;
  readonly out?: boolean;
  readonly header?: readonly number[];
}

function parts(type: number, { sector = 0, data = 0, out = false, header }: Shape = {}): Part[] {
  const bytes = header ?? [...le(4, type), ...le(4, 0), ...le(8, sector)];
  const middle: Part[] = data === 0 ? [] : [{ length: data, write: !out }];
  return [{ length: 16, bytes }, ...middle, { length: 1, write: true }];
}
/** A request all the way, its status byte (and zeroed data) written by the device. */
function request(talk: Talk, type: number, shape: Shape = {}, status = 0): void {
  const { data = 0, out = false } = shape;
  talk.round(parts(type, shape), [...Array(out ? 0 : data).fill(0), status]);
}
const capacity = (talk: Talk, sectors: number): void => talk.configField(0, 8, sectors);

export const blkCases: readonly Case[] = [
  blk("BLK-DEV-01", (t) => {
    t.find().negotiate();
    t.read("status", 3);
  }),
  blk("BLK-DEV-02", (t) => t.find().negotiate(), { offer: bits(11) }),
  blk("BLK-DEV-03", (t) => t.boot().configRead(32, 1), { offer: bits(9, 11), accept: bits(11) }),
  blk("BLK-DEV-04", (t) => t.boot().configRead(33, 1), { offer: bits(9) }),
  blk(
    "BLK-DEV-08",
    (t) => {
      t.find().negotiate();
      t.configRead(32, 1);
      t.ready().configRead(32, 0);
    },
    agreed(9, 11),
  ),
  blk(
    "BLK-DEV-09",
    (t) => {
      t.find().negotiate();
      t.configRead(32, 1);
      t.write("guestFeatures", bits(11));
      t.configRead(32, 0);
    },
    agreed(9, 11),
  ),
  blk("BLK-DRV-05", (t) => {
    t.boot().raise(2);
    t.readIsr();
    t.idle();
  }),
  blk("BLK-DRV-06", (t) => {
    t.find().negotiate();
    capacity(t, 100);
    t.setUp(0).ready();
    request(t, 0, { sector: 100, data: 512 });
  }),
  blk("BLK-DRV-07", (t) => t.find().negotiate(), { offer: bits(5) }),
  blk("BLK-DRV-08", (t) => request(t.boot(), 4, { sector: 1 }), agreed(9)),
  blk("BLK-DRV-09", (t) => request(t.boot(), 0, { data: 500 })),
  blk("BLK-DRV-11", (t) => request(t.boot(), 8, { data: 64 })),
  blk("BLK-DEV-10", (t) => {
    t.boot();
    t.raise(2);
    t.readIsr();
    capacity(t, 100);
    capacity(t, 200);
  }),
  blk("BLK-DEV-11", (t) => request(t.boot(), 1, { data: 512, out: true }), agreed(5)),
  blk("BLK-DEV-18", (t) => request(t.boot(), ZONE_REPORT, { data: 512 }, 0)),
  blk("BLK-DRV-16", (t) => t.boot().round([{ length: 16, bytes: le(16, 0) }])),
  blk("BLK-DRV-17", (t) => request(t.boot(), 11, { data: 16, out: true })),
  blk(
    "BLK-DRV-18",
    (t) => {
      t.find().negotiate();
      t.configField(12, 4, 1);
      t.setUp(0).ready();
      const [header, data, status] = parts(0, { data: 512 }) as [Part, Part, Part];
      t.round([header, data, { length: 512, write: true }, status], [...Array(1025).fill(0)]);
    },
    agreed(2),
  ),
  blk("BLK-DEV-20", (t) => request(t.boot(), 0, { data: 512 }, 9)),
  blk("BLK-BOTH-01", (t) => t.boot().configRead(20, 0x0002_0000, 4), agreed(6)),
  blk("BLK-BOTH-02", (t) => request(t.boot(), 0x0100_0000, { data: 512, out: true })),
  blk("BLK-DEV-21", (t) => request(t.boot(), 5, {}, 2), agreed(9)),
  blk(
    "BLK-DRV-20",
    (t) => {
      const tail: Part[] = [
        { length: 96, write: true },
        { length: 16, write: true },
        { length: 1, write: true },
      ];
      t.boot().round([{ length: 20, bytes: le(4, 2) }, { length: 4 }, ...tail], [...Array(113).fill(0)]);
    },
    agreed(7),
  ),
  blk("BLK-DRV-21", (t) => {
    t.boot().round(
      [
        { length: 8, bytes: le(8, 0) },
        { length: 8 },
        { length: 512, write: true },
        { length: 1, write: true },
      ],
      [...Array(513).fill(0)],
    );
  }),
  blk(
    "BLK-DRV-22",
    (t) => {
      t.boot().round(
        [
          { length: 16, bytes: le(4, 2) },
          { length: 6 },
          { length: 112, write: true },
          { length: 1, write: true },
        ],
        [...Array(113).fill(0)],
      );
    },
    agreed(7),
  ),
];
