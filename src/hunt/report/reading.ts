/** What a recorded execution means, in sentences: the findings, what it hangs on, and which handshake was left open. */
import { type SiteLabel, siteLabel } from "../../wire/sites.ts";
import type { CriticalPair } from "../critical.ts";
import type { Recording } from "../hunter.ts";
import type { TraceAccess } from "../trace.ts";
import { describeAccess, placeOf, valueInWords } from "./steps.ts";

/** One handshake of the ring: who publishes what, who looks, and which wish decides about telling. */
interface Handshake {
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

export function readInWords(recording: Recording, critical: readonly CriticalPair[] = []): string[] {
  const { findings, rings } = recording;
  const accesses = recording.entries.filter((entry) => entry.type === "access");
  const sentences = findings.map(({ oracle, text }) => `${oracle}: ${text}`);
  const named = new Set(findings.map(({ text }) => text));
  const broken = recording.statements.filter((text) => !named.has(text));
  sentences.push(...broken.map((text) => `It breaks a statement of the specification: ${text}.`));
  sentences.push(...critical.map((pair) => hangsOn(recording, pair)));
  const queues = rings.length > 1 ? rings : [undefined];
  for (const ring of queues) {
    const own = accesses.filter(
      (access) => ring === undefined || (placeOf(recording, access).ring ?? ring) === ring,
    );
    const whose = ring === undefined ? "" : ` of ${ring.name}`;
    for (const handshake of HANDSHAKES) sentences.push(...openHandshake(handshake, own, whose));
  }
  return sentences;
}

/** "It hangs on one order: step 31 (…) came before step 40 (…). The other way round it passes." */
function hangsOn(recording: Recording, { first, second }: CriticalPair): string {
  const named = (order: number): string => {
    const entry = recording.entries.find((each) => each.order === order);
    const actor = recording.actors[entry?.actor ?? -1]?.name ?? "";
    if (entry?.type !== "access") return `step ${order} (${actor})`;
    return `step ${order} (${actor}: ${describeAccess(entry, placeOf(recording, entry))})`;
  };
  if (first === undefined) return `It hangs on ${named(second)}: one step earlier it passes.`;
  return `It hangs on ${named(first)} coming before ${named(second)}: the other way round it passes.`;
}

function openHandshake(handshake: Handshake, accesses: readonly TraceAccess[], whose: string): string[] {
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
    `The ${publisher} published ${index} ${published.value}${whose} at step ${published.order}; the ${looker} ${saw}.`,
  ];
  const wish = last(...handshake.wishes);
  const told = last(...handshake.tells);
  if (told !== undefined && told.order > published.order) {
    sentences.push(`A ${telling} was sent at step ${told.order}.`);
  } else if (wish !== undefined) {
    const what = siteLabel(wish.site).replace(/^.*read /, "");
    const value = valueInWords(wish, wish.value);
    sentences.push(
      wish.order < published.order
        ? `No ${telling} followed: at step ${wish.order}, before it published, the ${publisher} had read ${what} as ${value}.`
        : `No ${telling} followed: at step ${wish.order} the ${publisher} read ${what} as ${value}.`,
    );
  }
  return sentences;
}
