/** Network devices. */
import { agreed, bits, breaksOf, type Case, le } from "./case.ts";
import type { Part, Talk, TalkOptions } from "./talk.ts";

const net = breaksOf("net");
const CTRL_VQ = 17;
const MQ = 22;
const MRG = 15;
const [RX, TX, CTRL] = [0, 1, 2];
const BUFFER = 1600;

interface Header {
  readonly flags?: number;
  readonly gso?: number;
  readonly length?: number;
  readonly size?: number;
  readonly start?: number;
  readonly offset?: number;
  readonly buffers?: number;
}
const header = ({
  flags = 0,
  gso = 0,
  length = 0,
  size = 0,
  start = 0,
  offset = 0,
  buffers,
}: Header = {}): number[] => [
  flags,
  gso,
  ...le(2, length),
  ...le(2, size),
  ...le(2, start),
  ...le(2, offset),
  ...(buffers === undefined ? [] : le(2, buffers)),
];
const zeros = (length: number): number[] => [...Array(length).fill(0)];

/** Queues 0 to 2 and DRIVER_OK. */
const up = (talk: Talk, queues = 3): Talk => talk.boot(queues);
function transmit(talk: Talk, head: Header, bytes = 60, queue = TX): void {
  const all = header(head);
  talk.round([{ length: all.length, bytes: all }, { length: bytes }], [], queue);
}
function receive(talk: Talk, head: Header, frame: readonly number[] = zeros(60), queue = RX): void {
  const all = header(head);
  const room: Part[] =
    head.buffers === undefined
      ? [
          { length: all.length, write: true },
          { length: BUFFER, write: true },
        ]
      : [{ length: BUFFER, write: true }];
  talk.round(room, [...all, ...frame], queue);
}
const OWN = 2 + 256 ** 5;
const OTHER = [2, 0, 0, 0, 0, 9];
const frameFor = (address: readonly number[]): number[] => [...address, ...zeros(54)];
const tableOf = (...unicast: readonly (readonly number[])[]): number[] => [
  ...le(4, unicast.length),
  ...unicast.flat(),
  ...le(4, 0),
];
/** From a reset to the end of promiscuous mode. */
function filtering(talk: Talk): Talk {
  if (talk.monitor.observer.devices.length === 0) talk.find();
  talk.negotiate().configField(0, 6, OWN);
  for (let index = 0; index < 3; index++) talk.setUp(index);
  control(talk.ready(), 0, 0, [0]);
  return talk;
}
function control(talk: Talk, family: number, command: number, data: readonly number[], ack = 0): void {
  const middle: Part[] = data.length === 0 ? [] : [{ length: data.length, bytes: data }];
  talk.round([{ length: 2, bytes: [family, command] }, ...middle, { length: 1, write: true }], [ack], CTRL);
}
const ctrl = (...more: number[]): TalkOptions => agreed(CTRL_VQ, ...more);

/** Pairs of statements: the same breach on transmit and on receive. */
function bothWays(
  tx: string,
  rx: string,
  head: Header,
  txOptions: TalkOptions,
  rxOptions: TalkOptions = txOptions,
): Case[] {
  return [
    net(tx, (t) => transmit(up(t, 2), head), txOptions),
    net(rx, (t) => receive(up(t, 2), head), rxOptions),
  ];
}

const FILTERED: TalkOptions = { ...agreed(5, CTRL_VQ, 18, 20), size: 16 };

export const netCases: readonly Case[] = [
  net("NET-DRV-01", (t) => t.find().negotiate(), { offer: bits(1, 7), accept: bits(7) }),
  net("NET-DEV-01", (t) => t.find().negotiate(), { offer: bits(7) }),
  net("NET-DEV-11", (t) => t.find().negotiate(), { offer: bits(20) }),
  net("NET-DRV-11", (t) => t.find().negotiate(), { offer: bits(17, 20), accept: bits(20) }),
  net("NET-DEV-02", (t) => up(t, 2).configRead(8, 0, 2), ctrl(MQ)),
  net("NET-DEV-03", (t) => up(t, 2).configRead(10, 20, 2), agreed(3)),
  net(
    "NET-DEV-04",
    (t) => {
      up(t, 2).configRead(10, 1500, 2);
      t.configRead(10, 1400, 2);
    },
    agreed(3),
  ),
  net(
    "NET-DEV-05",
    (t) => {
      up(t, 2).configRead(10, 100, 2);
      receive(t, {}, zeros(200));
    },
    agreed(3),
  ),
  net(
    "NET-DRV-09",
    (t) => {
      up(t, 2).configRead(10, 100, 2);
      transmit(t, {}, 200);
    },
    agreed(3),
  ),
  net("NET-DRV-03", (t) => t.find().negotiate(), { offer: bits(5) }),
  net("NET-DRV-07", (t) => t.find().negotiate(), { offer: bits(3) }),
  net(
    "NET-DRV-06",
    (t) => {
      up(t, 2).raise(2);
      t.readIsr();
      t.idle();
    },
    agreed(16),
  ),
  net(
    "NET-DRV-08",
    (t) => {
      up(t, 2).configRead(10, 9000, 2);
      t.offer(
        [
          { length: 10, write: true },
          { length: BUFFER, write: true },
        ],
        RX,
      );
    },
    agreed(3),
  ),
  net("NET-DRV-12", (t) => up(t, 2).offer([{ length: 6, bytes: zeros(6) }], TX)),
  net("NET-DRV-13", (t) => transmit(up(t, 2), { buffers: 1 }), agreed(MRG)),
  ...bothWays("NET-DRV-14", "NET-DEV-20", { flags: 1, start: 14, offset: 16 }, {}),
  ...bothWays(
    "NET-DRV-15",
    "NET-DEV-21",
    { flags: 1, gso: 4, length: 74, size: 1000, start: 14, offset: 16 },
    agreed(0, 11),
    agreed(1, 7),
  ),
  ...bothWays(
    "NET-DRV-16",
    "NET-DEV-22",
    { flags: 1, gso: 0x81, length: 54, size: 1000, start: 14, offset: 16 },
    agreed(0, 11),
    agreed(1, 7),
  ),
  ...bothWays("NET-DRV-17", "NET-DEV-23", { flags: 1, start: 50, offset: 16 }, agreed(0), agreed(1)),
  ...bothWays(
    "NET-DRV-18",
    "NET-DEV-24",
    { flags: 1, gso: 1, length: 54, size: 1000, start: 14, offset: 16 },
    agreed(0),
    agreed(1),
  ),
  ...bothWays(
    "NET-DRV-19",
    "NET-DEV-25",
    { flags: 1, gso: 1, length: 54, size: 0, start: 14, offset: 16 },
    agreed(0, 11),
    agreed(1, 7),
  ),
  ...bothWays(
    "NET-DRV-21",
    "NET-DEV-27",
    { flags: 1, gso: 1, length: 20, size: 1000, start: 14, offset: 16 },
    agreed(0, 11),
    agreed(1, 7),
  ),
  net("NET-DRV-22", (t) => transmit(up(t, 2), { flags: 2 })),
  net("NET-DRV-24", (t) =>
    up(t, 2).offer(
      [
        { length: 10, write: true },
        { length: 512, write: true },
      ],
      RX,
    ),
  ),
  net("NET-DRV-25", (t) => up(t, 2).offer([{ length: 8, write: true }], RX), agreed(MRG)),
  net("NET-DRV-27", (t) => up(t, 2).idle()),
  net("NET-DEV-17", (t) => receive(up(t, 2), { buffers: 0 }), agreed(MRG)),
  net("NET-DEV-19", (t) => receive(up(t, 2), { buffers: 2 }), agreed(MRG)),
  net(
    "NET-DEV-18",
    (t) => {
      up(t, 2);
      const first = t.offer([{ length: BUFFER, write: true }], RX);
      const second = t.offer([{ length: BUFFER, write: true }], RX);
      t.take(RX);
      t.answer(first, [...header({ buffers: 2 }), ...zeros(60)], RX);
      t.answer(second, zeros(60), RX);
      t.element(first, 72, RX);
      t.element(second, 60, RX);
      t.deliver(RX);
    },
    agreed(MRG),
  ),
  net("NET-DRV-29", (t) => up(t).round([{ length: 2, bytes: [0, 0] }, { length: 1 }], [], CTRL), ctrl(18)),
  net("NET-DEV-31", (t) => control(up(t), 0, 0, [1], 7), ctrl(18)),
  net("NET-DEV-32", (t) => control(up(t), 0, 0, [1], 1), ctrl(18)),
  net("NET-DEV-33", (t) => control(up(t), 0, 2, [1], 1), ctrl(18, 20)),
  net("NET-DRV-30", (t) => control(up(t), 0, 0, [1], 0), ctrl()),
  net("NET-DRV-31", (t) => control(up(t), 1, 1, zeros(6), 0), ctrl()),
  net("NET-DRV-32", (t) => control(up(t), 1, 0, [...le(4, 3), ...le(4, 0)], 0), ctrl(18)),
  net("NET-BOTH-04", (t) => control(up(t), 1, 0, [0, 0, 0, 1, ...zeros(6), ...le(4, 0)], 0), ctrl(18)),
  net("NET-BOTH-05", (t) => control(up(t), 2, 0, [0x01, 0x15], 0), ctrl(19)),
  net(
    "NET-BOTH-06",
    (t) => {
      t.find().negotiate();
      t.configField(8, 2, 1);
      for (let index = 0; index < 3; index++) t.setUp(index);
      control(t.ready(), 4, 0, le(2, 0x0100));
    },
    ctrl(MQ),
  ),
  net(
    "NET-DRV-35",
    (t) => {
      t.find().negotiate();
      t.configField(8, 2, 1);
      for (let index = 0; index < 3; index++) t.setUp(index);
      control(t.ready(), 4, 0, le(2, 5), 1);
    },
    ctrl(MQ),
  ),
  net(
    "NET-DRV-34",
    (t) => {
      t.find().negotiate();
      t.configField(8, 2, 2);
      for (const index of [0, 1, 4]) t.setUp(index);
      t.ready().round(
        [
          { length: 2, bytes: [4, 0] },
          { length: 2, bytes: le(2, 2) },
          { length: 1, write: true },
        ],
        [0],
        4,
      );
    },
    ctrl(MQ),
  ),
  net(
    "NET-DRV-36",
    (t) => {
      t.find().negotiate();
      t.configField(8, 2, 2);
      for (let index = 0; index < 5; index++) t.setUp(index);
      transmit(t.ready(), {}, 60, 3);
    },
    ctrl(MQ),
  ),
  net(
    "NET-DEV-42",
    (t) => {
      t.find().negotiate();
      t.configField(8, 2, 2);
      for (let index = 0; index < 5; index++) t.setUp(index);
      receive(t.ready(), {}, zeros(60), 2);
    },
    ctrl(MQ),
  ),
  net(
    "NET-DRV-33",
    (t) => {
      up(t).configRead(6, 3, 2);
      t.idle();
    },
    ctrl(16, 21),
  ),
  net(
    "NET-DEV-41",
    (t) => {
      up(t).configRead(6, 3, 2);
      control(t, 3, 0, []);
      t.configRead(6, 3, 2);
    },
    ctrl(16, 21),
  ),
  net(
    "NET-DEV-37",
    (t) => {
      control(up(t), 1, 1, [2, 0, 0, 0, 0, 9]);
      t.configRead(5, 8);
    },
    ctrl(5, 23),
  ),
  net(
    "NET-DEV-34",
    (t) => {
      control(filtering(t), 0, 5, [1]);
      receive(t, {}, frameFor([255, 255, 255, 255, 255, 255]));
    },
    FILTERED,
  ),
  net(
    "NET-DEV-35",
    (t) => {
      control(filtering(t), 1, 0, tableOf(OTHER));
      receive(filtering(t), {}, frameFor(OTHER));
    },
    FILTERED,
  ),
  net(
    "NET-DEV-36",
    (t) => {
      control(filtering(t), 1, 0, tableOf(OTHER));
      control(t, 1, 0, tableOf());
      receive(t, {}, frameFor(OTHER));
    },
    FILTERED,
  ),
  net("NET-DEV-38", (t) => receive(filtering(t), {}, frameFor(OTHER)), FILTERED),
  net("NET-DEV-40", (t) => receive(up(t), {}, [...zeros(12), 0x81, 0, 0, 7, ...zeros(50)]), ctrl(19)),
  net("NET-DRV-39", (t) => control(up(t), 5, 0, le(8, bits(7))), ctrl(2)),
  net("NET-BOTH-07", (t) => control(up(t), 5, 0, [0, 0, 0, 0, 0, 0, 0, 2]), ctrl(1, 2)),
  net("NET-BOTH-01", (t) => up(t, 2).configRead(6, 0x0100, 2), agreed(16)),
  net("NET-DRV-41", (t) => up(t, 2).configWrite(6, 1), agreed(16)),
  net("NET-BOTH-02", (t) => transmit(up(t, 2), { flags: 1, start: 14 << 8, offset: 16 << 8 }), agreed(0)),
  net("NET-BOTH-03", (t) =>
    up(t, 2).round(
      [
        { length: 10, write: true },
        { length: BUFFER, write: true },
      ],
      zeros(4),
      RX,
    ),
  ),
  net("NET-DRV-43", (t) => up(t, 2).round([{ length: 70, bytes: zeros(70) }], [], TX)),
  net(
    "NET-DRV-44",
    (t) =>
      up(t).round(
        [
          { length: 3, bytes: [0, 0, 1] },
          { length: 1, write: true },
        ],
        [0],
        CTRL,
      ),
    ctrl(18),
  ),
];
