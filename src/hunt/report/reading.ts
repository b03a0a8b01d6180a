/** What a recorded execution means: where each value came from, and which handshake was left open. */
import { ACCESS, isWrite } from "../../memory/scheduled-memory.ts";
import { type SiteLabel, siteLabel } from "../../wire/sites.ts";
import type { Recording } from "../hunter.ts";
import type { TraceAccess, TraceEntry } from "../trace.ts";

/** One handshake of the ring: who publishes what, who looks, and which wish decides about telling. */
interface Handshake {
  readonly name: string;
  readonly index: string;
  readonly publish: SiteLabel;
  readonly look: SiteLabel;
  /** The first thing that the looker does with an entry that it takes. */
  readonly take: SiteLabel;
  readonly publisher: string;
  readonly looker: string;
  readonly wishes: readonly SiteLabel[];
  readonly tells: readonly SiteLabel[];
  readonly telling: string;
}

const HANDSHAKES: readonly Handshake[] = [
  {
    name: "kick",
    index: "avail.idx",
    publish: "driver: publish avail.idx",
    look: "device: read avail.idx",
    take: "device: read avail ring entry",
    publisher: "driver",
    looker: "device",
    wishes: ["driver: read used.flags", "driver: read avail_event"],
    tells: ["kick: set bit", "mailbox: publish request"],
    telling: "kick",
  },
  {
    name: "interrupt",
    index: "used.idx",
    publish: "device: publish used.idx",
    look: "driver: read used.idx",
    take: "driver: read used element",
    publisher: "device",
    looker: "driver",
    wishes: ["device: read avail.flags", "device: read used_event"],
    tells: ["msi: post vector", "isr: set"],
    telling: "interrupt",
  },
];

/** By order of a read: the order of the write that it saw. Overlapping bytes count, whatever the width. */
export function readsFrom(entries: readonly TraceEntry[]): Map<number, number> {
  const writers = new Map<string, number>();
  const from = new Map<number, number>();
  for (const entry of entries) {
    if (entry.type !== "access") continue;
    const { memory, offset, bytes, kind, order } = entry;
    if (!isWrite(kind) || kind === ACCESS.update) {
      let latest = 0;
      for (let at = offset; at < offset + bytes; at++)
        latest = Math.max(latest, writers.get(`${memory} ${at}`) ?? 0);
      if (latest > 0) from.set(order, latest);
    }
    if (!isWrite(kind)) continue;
    for (let at = offset; at < offset + bytes; at++) writers.set(`${memory} ${at}`, order);
  }
  return from;
}

/** Sentences: the findings, then every handshake whose last publication nobody looked at. */
export function readInWords(recording: Recording): string[] {
  const { findings, entries } = recording;
  const accesses = entries.filter((entry) => entry.type === "access");
  const sentences = findings.map(({ oracle, text }) => `${oracle}: ${text}`);
  for (const handshake of HANDSHAKES) sentences.push(...openHandshake(handshake, accesses));
  return sentences;
}

function openHandshake(handshake: Handshake, accesses: readonly TraceAccess[]): string[] {
  const last = (...sites: readonly SiteLabel[]): TraceAccess | undefined =>
    accesses.findLast(({ site }) => sites.includes(siteLabel(site) as SiteLabel));
  const published = last(handshake.publish);
  const looked = last(handshake.look);
  const taken = last(handshake.take);
  if (published === undefined || (taken !== undefined && taken.order > published.order)) return [];
  const { index, publisher, looker, telling } = handshake;
  const saw =
    looked === undefined
      ? "never looked"
      : looked.order < published.order
        ? `last looked at step ${looked.order}, and saw ${looked.value}`
        : `saw ${looked.value} at step ${looked.order}, and took nothing`;
  const sentences = [
    `The ${publisher} published ${index} ${published.value} at step ${published.order}; the ${looker} ${saw}.`,
  ];
  const wish = last(...handshake.wishes);
  const told = last(...handshake.tells);
  if (told !== undefined && told.order > published.order) {
    sentences.push(`A ${telling} was sent at step ${told.order}.`);
  } else if (wish !== undefined) {
    const what = siteLabel(wish.site).replace(/^.*read /, "");
    sentences.push(
      `No ${telling} followed: at step ${wish.order} the ${publisher} had read ${what} as ${wish.value}.`,
    );
  }
  return sentences;
}
