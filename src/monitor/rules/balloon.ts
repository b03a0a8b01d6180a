/** Balloons: which pages are whose, statistics [5.5]. */
import {
  BALLOON_FEATURE as F,
  BALLOON_PAGE_SIZE as PAGE,
  BALLOON_QUEUE as QUEUE,
  STAT_BYTES,
} from "../../wire/balloon.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { Chain } from "../model.ts";
import { type Moments, ruleOf } from "../moments.ts";
import { getU16, getU32, type Peek } from "../peek.ts";

const PFNS_MAX = 65_536;
const TAG_MAX = 9;

const on = ruleOf(VIRTIO_TYPE.balloon);

/** Page numbers of a chain on the inflate or deflate queue. */
function pages(chain: Chain | undefined, peek: Peek): readonly number[] {
  if (chain === undefined) return [];
  chain.content ??= readPages(chain, peek);
  return chain.content as readonly number[];
}
function readPages(chain: Chain, peek: Peek): number[] {
  const bytes = peek.bytes(chain.readable, 0, Math.min(chain.readableBytes, 4 * PFNS_MAX));
  return Array.from({ length: bytes.length >> 2 }, (_, k) => getU32(bytes, 4 * k));
}

/** Tags of a statistics buffer, in order. */
function tags(chain: Chain, peek: Peek): number[] {
  const bytes = peek.bytes(chain.readable, 0, Math.min(chain.readableBytes, 100 * STAT_BYTES));
  return Array.from({ length: Math.floor(bytes.length / STAT_BYTES) }, (_, k) =>
    getU16(bytes, STAT_BYTES * k),
  );
}
const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const isSwapped = (found: readonly number[]): boolean =>
  found.length > 0 && found.some((tag) => tag > TAG_MAX) && found.every((tag) => swap16(tag) <= TAG_MAX);

/** A page of the driver's access that is in one of these sets. */
function touched({ offset, length, peek }: Moments["bytes"], set: ReadonlySet<number>): number | undefined {
  if (set.size === 0) return undefined;
  const first = Math.floor(peek.ram.addressOf(offset) / PAGE);
  const last = Math.floor((peek.ram.addressOf(offset) + length - 1) / PAGE);
  for (let page = first; page <= last; page++) if (set.has(page)) return page;
  return undefined;
}

export const balloonRules = [
  on("BALLOON-DRV-01", "write", ({ name, value, device }) =>
    name === "guestFeatures" && device.offers(F.MUST_TELL_HOST) && (value & 1) === 0
      ? "MUST_TELL_HOST is not accepted"
      : undefined,
  ),
  on("BALLOON-DRV-04", "available", ({ device, queue, chain }) => {
    if (queue.index !== QUEUE.deflate || device.has(F.DEFLATE_ON_OOM) || !queue.settled) return false;
    const target = device.configField(0, 4);
    const size = device.session.balloon.ballooned.size;
    return (
      target !== undefined &&
      target >= size &&
      size > 0 &&
      `head ${chain.head} deflates: the target is ${target}, the balloon has ${size}`
    );
  }),
  on(
    "BALLOON-DRV-05",
    "bytes",
    (moment) => {
      const { ballooned, deflating } = moment.device.session.balloon;
      const page = touched(moment, ballooned);
      return page !== undefined && !deflating.has(page) && `page ${page} is used and was not deflated`;
    },
    { side: "driver" },
  ),
  on(
    "BALLOON-DRV-06",
    "bytes",
    (moment) => {
      const page = touched(moment, moment.device.session.balloon.deflating);
      return (
        page !== undefined &&
        moment.device.has(F.MUST_TELL_HOST) &&
        `page ${page} is used before its deflate was acknowledged`
      );
    },
    { side: "driver" },
  ),
  on(
    "BALLOON-DRV-07",
    "bytes",
    (moment) => {
      const page = touched(moment, moment.device.session.balloon.inflating);
      return page !== undefined && `page ${page} is used while it is being offered`;
    },
    { side: "driver" },
  ),
  on("BALLOON-DRV-08", "available", ({ device, queue, chain, peek }) => {
    if (queue.index !== QUEUE.deflate) return false;
    const early = pages(chain, peek).find((page) => device.session.balloon.inflating.has(page));
    return early !== undefined && `page ${early} is deflated before its inflate was acknowledged`;
  }),
  on("BALLOON-DRV-09", "driverIdle", ({ device }) =>
    device.session.balloon.changed &&
    device.session.balloon.inflating.size + device.session.balloon.deflating.size === 0
      ? "the balloon changed and `actual` was not written"
      : undefined,
  ),
  on("BALLOON-DRV-10", "available", ({ device, queue, chain, peek }) => {
    if (queue.index > QUEUE.deflate) return false;
    if (chain.writable.length > 0 || chain.readableBytes % 4 !== 0)
      return `head ${chain.head} is no list of page numbers`;
    const bad = pages(chain, peek).find((page) => peek.ram.offsetOf(page * PAGE, PAGE) < 0);
    if (bad !== undefined) return `page ${bad} is not in RAM`;
    const { ballooned, inflating } = device.session.balloon;
    if (queue.index === QUEUE.inflate) return false;
    const foreign = pages(chain, peek).find((page) => !ballooned.has(page) && !inflating.has(page));
    return foreign !== undefined && `page ${foreign} is deflated and was not in the balloon`;
  }),
  on("BALLOON-DRV-12", "config", ({ write, offset, width }) =>
    write && offset >= 4 && offset < 8 && width !== 4
      ? `actual is written ${width} bytes at a time`
      : undefined,
  ),
  on("BALLOON-DRV-13", "available", ({ queue }) =>
    queue.index === QUEUE.stats && queue.outstanding.size > 0
      ? "a second statistics buffer is outstanding"
      : undefined,
  ),
  on("BALLOON-DRV-14", "driverIdle", ({ device, view }) => {
    const stats = device.queues.get(QUEUE.stats);
    const due = stats !== undefined && device.has(F.STATS_VQ) && (view.status & 4) !== 0;
    return (
      due &&
      stats.outstanding.size === 0 &&
      stats.usedIndex === stats.availIndex &&
      "no statistics buffer is on offer"
    );
  }),
  on("BALLOON-DRV-15", "available", ({ device, queue, chain, peek }) => {
    if (queue.index !== QUEUE.stats || device.session.balloon.statsOffered === 0) return false;
    const found = tags(chain, peek);
    const unset = found.length === 0 || (found.length > 1 && found.every((tag) => tag === found[0]));
    return unset && !isSwapped(found) && "a statistics buffer is offered unfilled";
  }),
  on("BALLOON-DRV-16", "available", ({ queue, chain }) => {
    const bytes = chain.readableBytes;
    return queue.index === QUEUE.stats && bytes % STAT_BYTES !== 0 && `a statistics buffer of ${bytes} bytes`;
  }),
  on("BALLOON-DRV-17", "available", ({ device, queue, chain, peek }) => {
    const before = device.session.balloon.statsTags;
    if (queue.index !== QUEUE.stats || before === undefined || chain.readableBytes % STAT_BYTES !== 0)
      return false;
    const now = tags(chain, peek);
    const unset = now.length === 0 || (now.length > 1 && now.every((tag) => tag === now[0]));
    const set = [...now].sort().join(",");
    return !unset && set !== before && !isSwapped(now) && `statistics ${set}, they were ${before}`;
  }),
  on("BALLOON-BOTH-02", "available", ({ queue, chain, peek, device }) => {
    const found =
      queue.index === QUEUE.stats && device.session.balloon.statsOffered > 0 ? tags(chain, peek) : [];
    return isSwapped(found) && `tags ${found.join(", ")} have their bytes the wrong way round`;
  }),
];

/** Not rules: whose each page is. They come after the rules. */
export const balloonNotes = [
  on("", "available", ({ device, queue, chain, peek }) => {
    const { balloon } = device.session;
    if (queue.index === QUEUE.inflate) for (const page of pages(chain, peek)) balloon.inflating.add(page);
    else if (queue.index === QUEUE.deflate)
      for (const page of pages(chain, peek)) balloon.deflating.add(page);
    else if (queue.index === QUEUE.stats) {
      if (balloon.statsOffered > 0) balloon.statsTags ??= [...tags(chain, peek)].sort().join(",");
      balloon.statsOffered++;
    }
  }),
  on("", "used", ({ device, queue, element, peek }) => {
    const { balloon } = device.session;
    if (queue.index > QUEUE.deflate) return;
    for (const page of pages(element.chain, peek)) {
      if (queue.index === QUEUE.inflate) {
        if (balloon.inflating.delete(page)) balloon.ballooned.add(page);
      } else {
        balloon.deflating.delete(page);
        balloon.ballooned.delete(page);
      }
    }
    balloon.changed = true;
  }),
  on("", "config", ({ device, write, offset, width }) => {
    if (write && offset + width > 7) device.session.balloon.changed = false;
  }),
];
