/** A queue as it lies in memory, in the protocol's words, with what looks wrong. It needs neither side's help. */
import type { Ram } from "../memory/ram.ts";
import { FunctionView, QueueView } from "../observe/record/functions.ts";
import { FEATURE, hasFeature } from "../wire/features.ts";
import { PAGE_SIZE } from "../wire/numbers.ts";
import { isQueueSize, needEvent, ringLayout, USED_ELEMENT_BYTES } from "../wire/ring.ts";
import { Device, Queue } from "./model.ts";
import { Peek } from "./peek.ts";
import { walk } from "./walk.ts";

export interface QueuePlace {
  readonly index: number;
  readonly pfn: number;
  readonly size: number;
}

/** What else is going on, without which a pair of indices says little. */
export interface Surroundings {
  readonly features: number;
  readonly hostAsleep: boolean;
  readonly guestAsleep: boolean;
  /** A kick that the host has not taken, an interrupt that the guest has not. */
  readonly kickPending: boolean;
  readonly interruptPending: boolean;
}

export interface DumpedChain {
  readonly head: number;
  readonly indirect: boolean;
  readonly segments: readonly {
    readonly address: number;
    readonly length: number;
    readonly writable: boolean;
  }[];
  readonly faults: readonly string[];
}

export interface DumpedQueue {
  readonly index: number;
  readonly size: number;
  readonly address: number;
  readonly avail: { readonly flags: number; readonly index: number; readonly usedEvent: number };
  readonly used: { readonly flags: number; readonly index: number; readonly availEvent: number };
  /** Published and not returned. */
  readonly inFlight: number;
  /** The newest of them, as far as the ring is in order. */
  readonly chains: readonly DumpedChain[];
  /** The newest used elements. */
  readonly returned: readonly { readonly id: number; readonly length: number }[];
  readonly wrong: readonly string[];
}

const CHAINS_MAX = 16;
const RETURNED_MAX = 8;

export function dumpQueue(ram: Ram, place: QueuePlace, around: Surroundings): DumpedQueue | undefined {
  const { index, pfn, size } = place;
  if (pfn === 0 || !isQueueSize(size)) return undefined;
  const layout = ringLayout(size);
  const base = ram.offsetOf(pfn * PAGE_SIZE, layout.bytes);
  if (base < 0) return undefined;
  const peek = new Peek(ram);
  const view = new FunctionView(0);
  view.accepted = around.features;
  const queue = new Queue(new Device(view, []), new QueueView(index), layout, base);
  const word = (offset: number): number => peek.u16(base + offset);
  const avail = {
    flags: word(layout.availFlags),
    index: word(layout.availIndex),
    usedEvent: word(layout.usedEvent),
  };
  const used = {
    flags: word(layout.usedFlags),
    index: word(layout.usedIndex),
    availEvent: word(layout.availEvent),
  };
  const inFlight = (avail.index - used.index) & 0xffff;
  const slots = Math.min(inFlight, size, CHAINS_MAX);
  const chains = Array.from({ length: slots }, (_, k) => {
    const slot = (avail.index - slots + k) & (size - 1);
    const { head, indirect, segments, faults } = walk(queue, word(layout.availRing + 2 * slot), peek);
    return { head, indirect, segments, faults };
  });
  const returned = Array.from({ length: Math.min(used.index, size, RETURNED_MAX) }, (_, k) => {
    const at = base + layout.usedRing + USED_ELEMENT_BYTES * ((used.index - 1 - k) & (size - 1));
    return { id: peek.u32(at), length: peek.u32(at + 4) };
  });
  const found = { index, size, address: pfn * PAGE_SIZE, avail, used, inFlight, chains, returned };
  return { ...found, wrong: wrongWith(found, around) };
}

function wrongWith(queue: Omit<DumpedQueue, "wrong">, around: Surroundings): string[] {
  const { avail, used, size, inFlight, chains, returned } = queue;
  const wrong: string[] = [];
  if (inFlight > size)
    wrong.push(
      `avail.idx ${avail.index} and used.idx ${used.index} are ${inFlight} apart in a queue of ${size}`,
    );
  for (const { head, faults } of chains)
    if (faults.length > 0) wrong.push(`head ${head}: ${faults.join(", ")}`);
  const heads = chains.map(({ head }) => head);
  const twice = heads.find((head, at) => heads.indexOf(head) !== at);
  if (twice !== undefined) wrong.push(`head ${twice} is available twice`);
  const beyond = returned.find(({ id }) => id >= size);
  if (beyond !== undefined) wrong.push(`used element names ${beyond.id}, the queue has ${size}`);
  return [...wrong, ...missing(queue, around)];
}

/** Somebody sleeps who should have been woken. */
function missing({ avail, used, inFlight }: Omit<DumpedQueue, "wrong">, around: Surroundings): string[] {
  const event = hasFeature(around.features, FEATURE.EVENT_IDX);
  const found: string[] = [];
  if (event && avail.flags !== 0) found.push(`avail.flags is ${avail.flags} with event index`);
  if (event && used.flags !== 0) found.push(`used.flags is ${used.flags} with event index`);
  const untaken = event ? (avail.index - used.availEvent) & 0xffff : inFlight;
  const kickDue = event ? untaken > 0 && untaken <= inFlight : (used.flags & 1) === 0 && inFlight > 0;
  if (around.hostAsleep && !around.kickPending && kickDue) {
    found.push(
      event
        ? `avail.idx ${avail.index} has passed avail_event ${used.availEvent}, the host sleeps and no kick is pending: a kick was lost`
        : `${inFlight} buffers are out, the device asks for kicks, the host sleeps and no kick is pending: a kick may be lost`,
    );
  }
  const passed =
    event && used.index !== avail.usedEvent && needEvent(avail.usedEvent, used.index, avail.usedEvent);
  if (around.guestAsleep && !around.interruptPending && passed && inFlight < 0x8000) {
    found.push(
      `used.idx ${used.index} has passed used_event ${avail.usedEvent}, the guest sleeps and no interrupt is pending: ` +
        "an interrupt was lost, or its handler did not look",
    );
  }
  return found;
}
