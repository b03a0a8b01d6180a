/** Which side, field and kind of access a site means, and which field of a ring an offset is. */
import { DESCRIPTOR_BYTES, USED_ELEMENT_BYTES } from "../wire/ring.ts";
import { type Site, type SiteLabel, site } from "../wire/sites.ts";
import type { Queue } from "./model.ts";
import { RING_FIELDS, type RingField, type Side } from "./moments.ts";
import { lookPart, type Part, storePart } from "./rule-book.ts";

export interface RingSite {
  readonly side: Side;
  readonly field: RingField;
  readonly label: SiteLabel;
  /** Which rules are asked about it. */
  readonly store: Part<"store">;
  readonly look: Part<"look">;
}

const TABLE: readonly (readonly [SiteLabel, RingField])[] = [
  ["driver: write descriptor", "descriptor"],
  ["driver: write avail ring entry", "availEntry"],
  ["driver: publish avail.idx", "availIndex"],
  ["driver: write avail.flags", "availFlags"],
  ["driver: write used_event", "usedEvent"],
  ["driver: read used.flags", "usedFlags"],
  ["driver: read avail_event", "availEvent"],
  ["driver: read used.idx", "usedIndex"],
  ["driver: read used element", "usedElement"],
  ["device: read avail.idx", "availIndex"],
  ["device: read avail ring entry", "availEntry"],
  ["device: read descriptor", "descriptor"],
  ["device: write used element", "usedElement"],
  ["device: publish used.idx", "usedIndex"],
  ["device: write used.flags", "usedFlags"],
  ["device: write avail_event", "availEvent"],
  ["device: read avail.flags", "availFlags"],
  ["device: read used_event", "usedEvent"],
];

const BY_SITE: (RingSite | undefined)[] = [];
for (const [label, field] of TABLE) {
  const side = label.startsWith("driver") ? "driver" : "device";
  BY_SITE[site(label)] = { side, field, label, store: storePart(side, field), look: lookPart(side, field) };
}

export const ringSite = (number: Site): RingSite | undefined => BY_SITE[number];

/** Which slot of a field lies at an offset of RAM; -1: another field does. */
export function slotAt({ layout, base, size }: Queue, field: RingField, offset: number): number {
  const at = offset - base;
  switch (field) {
    case "descriptor":
      return at >= 0 && at < layout.availFlags ? (at / DESCRIPTOR_BYTES) | 0 : -1;
    case "availEntry":
      return at >= layout.availRing && at < layout.usedEvent ? (at - layout.availRing) >> 1 : -1;
    case "usedElement":
      return at >= layout.usedRing && at < layout.usedRing + USED_ELEMENT_BYTES * size
        ? ((at - layout.usedRing) / USED_ELEMENT_BYTES) | 0
        : -1;
    default:
      return at === layout[field] ? 0 : -1;
  }
}

/** The field that lies at an offset of RAM within the queue's ring, if it does. */
export function fieldAt(queue: Queue, offset: number): { field: RingField; slot: number } | undefined {
  for (const field of RING_FIELDS) {
    const slot = slotAt(queue, field, offset);
    if (slot >= 0) return { field, slot };
  }
  return undefined;
}

/** Whose half of the ring a field is in. */
export const writerOf = (field: RingField): Side =>
  field === "usedElement" || field === "usedIndex" || field === "usedFlags" || field === "availEvent"
    ? "device"
    : "driver";
