/** Which side, field and kind of access a site means, and which field of a ring an offset is. */
import { DESCRIPTOR_BYTES, USED_ELEMENT_BYTES } from "../wire/ring.ts";
import { type Site, type SiteLabel, site } from "../wire/sites.ts";
import type { Queue } from "./model.ts";
import type { RingField, Side } from "./moments.ts";

export interface RingSite {
  readonly side: Side;
  readonly field: RingField;
  readonly label: SiteLabel;
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
  BY_SITE[site(label)] = { side: label.startsWith("driver") ? "driver" : "device", field, label };
}

export const ringSite = (number: Site): RingSite | undefined => BY_SITE[number];

/** The field that lies at an offset of RAM within the queue's ring, if it does. */
export function fieldAt(queue: Queue, offset: number): { field: RingField; slot: number } | undefined {
  const { layout, size } = queue;
  const at = offset - queue.base;
  if (at < 0 || at >= layout.bytes) return undefined;
  if (at < layout.availFlags) return { field: "descriptor", slot: Math.floor(at / DESCRIPTOR_BYTES) };
  if (at === layout.availFlags) return { field: "availFlags", slot: 0 };
  if (at === layout.availIndex) return { field: "availIndex", slot: 0 };
  if (at < layout.usedEvent) return { field: "availEntry", slot: (at - layout.availRing) >> 1 };
  if (at === layout.usedEvent) return { field: "usedEvent", slot: 0 };
  if (at === layout.usedFlags) return { field: "usedFlags", slot: 0 };
  if (at === layout.usedIndex) return { field: "usedIndex", slot: 0 };
  if (at >= layout.usedRing && at < layout.usedRing + USED_ELEMENT_BYTES * size) {
    return { field: "usedElement", slot: Math.floor((at - layout.usedRing) / USED_ELEMENT_BYTES) };
  }
  return at === layout.availEvent ? { field: "availEvent", slot: 0 } : undefined;
}

/** Whose half of the ring a field is in. */
export const writerOf = (field: RingField): Side =>
  field === "usedElement" || field === "usedIndex" || field === "usedFlags" || field === "availEvent"
    ? "device"
    : "driver";
