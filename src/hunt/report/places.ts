/** Addresses in the protocol's words: "avail.ring[1] of queue 0", "CPU 0's doorbell". */
import { attachMemory, type SharedBuffer } from "../../memory/attach.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import type { ControlPlan } from "../../memory/plan.ts";
import { DEFAULT_RAM_BASE } from "../../memory/ram.ts";
import { PAGE_SIZE } from "../../wire/numbers.ts";
import { DESCRIPTOR_BYTES, type RingLayout, ringLayout, USED_ELEMENT_BYTES } from "../../wire/ring.ts";

/** A queue's ring block in RAM. */
export interface Ring {
  readonly name: string;
  readonly offset: number;
  readonly layout: RingLayout;
}

export interface Place {
  /** What a report can be filtered by: a queue, or a part of the machine. */
  readonly area: string;
  readonly text: string;
  /** A field that the site's label leaves open: which entry, which half. */
  readonly detail: string;
  /** Where its ring lies, if it is in one: tells queues apart. */
  readonly ring?: Ring;
}

/** From the functions' cards in the control page, also of one that was pulled out: see `bus/function-card.ts`. */
export function ringsOf(buffer: SharedBuffer, plan: ControlPlan): Ring[] {
  const control = attachMemory(buffer);
  const several = plan.functions.length > 1;
  return plan.functions.flatMap(({ card }, index) =>
    Array.from({ length: control.read32(card + 12, 0) }, (_, queue) => ({
      name: several ? `queue ${queue} of device ${index}` : `queue ${queue}`,
      offset: control.read32(card + 16 + 8 * queue, 0) * PAGE_SIZE - DEFAULT_RAM_BASE,
      layout: ringLayout(control.read32(card + 20 + 8 * queue, 0)),
    })).filter(({ offset, layout }) => offset >= 0 && layout.size > 0),
  );
}

const DESCRIPTOR_FIELDS = ["addr", "addr", "addr high", "addr high", "len", "len", "flags", "next"];

export function ramPlace(rings: readonly Ring[], offset: number): Place {
  const ring = rings.find((each) => offset >= each.offset && offset < each.offset + each.layout.bytes);
  if (ring === undefined) return { area: "buffers", text: `RAM at 0x${offset.toString(16)}`, detail: "" };
  const [field, open] = ringField(ring.layout, offset - ring.offset);
  return { area: ring.name, text: `${field} of ${ring.name}`, detail: open ? field : "", ring };
}

/** The field's name, and whether it is one of several. */
function ringField(layout: RingLayout, at: number): [field: string, open: boolean] {
  if (at < layout.availFlags) {
    const field = DESCRIPTOR_FIELDS[(at % DESCRIPTOR_BYTES) >>> 1] ?? "";
    return [`descriptor ${Math.floor(at / DESCRIPTOR_BYTES)} ${field}`, true];
  }
  if (at < layout.availIndex) return ["avail.flags", false];
  if (at < layout.availRing) return ["avail.idx", false];
  if (at < layout.usedEvent) return [`avail.ring[${(at - layout.availRing) >>> 1}]`, true];
  if (at < layout.usedEvent + 2) return ["used_event", false];
  if (at < layout.usedFlags) return ["padding", true];
  if (at < layout.usedIndex) return ["used.flags", false];
  if (at < layout.usedRing) return ["used.idx", false];
  if (at >= layout.availEvent) return at < layout.availEvent + 2 ? ["avail_event", false] : ["padding", true];
  const element = at - layout.usedRing;
  const field = element % USED_ELEMENT_BYTES < 4 ? "id" : "len";
  return [`used.ring[${Math.floor(element / USED_ELEMENT_BYTES)}].${field}`, true];
}

export function controlPlace(plan: ControlPlan, offset: number): Place {
  const within = (start: number, bytes: number): boolean => offset >= start && offset < start + bytes;
  const place = (area: string, text: string, detail = ""): Place => ({ area, text, detail });
  if (within(plan.hostDoorbell, Doorbell.BYTES)) return place("doorbells", "host's doorbell", "host's");
  if (within(plan.kickSummary, 4)) return place("kicks", "functions that were kicked", "functions");
  if (within(plan.intxLines, 16)) {
    const line = (offset - plan.intxLines) / 4;
    return place("interrupts", `INTx line ${line}`, `line ${line}`);
  }
  for (const [cpu, own] of plan.cpus.entries()) {
    if (within(own.doorbell, Doorbell.BYTES))
      return place("doorbells", `CPU ${cpu}'s doorbell`, `CPU ${cpu}'s`);
    if (offset >= own.mailboxHead && offset < own.mailboxHead + (own.mailboxRecords - own.mailboxHead) + 4096)
      return place("mailbox", `CPU ${cpu}'s mailbox`);
    if (within(own.summary, own.mailboxHead - own.summary)) {
      return place("interrupts", `CPU ${cpu}'s pending interrupts`);
    }
  }
  for (const [index, own] of plan.functions.entries()) {
    const whose = plan.functions.length > 1 ? ` of device ${index}` : "";
    const which = whose.replace(" of ", "");
    if (within(own.isr, 4)) return place("interrupts", `ISR${whose}`, which);
    if (offset >= own.msixControl && offset < own.kicks) return place("interrupts", `MSI-X${whose}`, which);
    if (offset >= own.kicks && offset < own.notifyPort) return place("kicks", `kick bits${whose}`, which);
    if (within(own.notifyPort, 4)) return place("kicks", `notify port${whose}`, which);
    if (offset >= own.card) continue;
  }
  return place("other", `control page at 0x${offset.toString(16)}`);
}
