/** One thing that a thread did, as it is kept for timelines. */

export const EVENT_KINDS = [
  /** A register, configuration or memory access; `value`, and how long it took. */
  "access",
  "kick",
  /** Driver: a head goes into the avail ring; avail.idx is stored; a used element is read. */
  "submit",
  "publish",
  "collect",
  /** Device: an avail entry is read; a used element is written; used.idx is stored. */
  "take",
  "fill",
  "publishUsed",
  /** The suppression word says no to a kick or an interrupt. */
  "kickSpared",
  "interruptSpared",
  /** Device: ISR bits are set, the line goes up, a message is posted. Driver: it takes messages or lines. */
  "isr",
  "line",
  "message",
  "interrupt",
  "sleep",
  "block",
  "wake",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface TraceEvent {
  /** Milliseconds since the machine's epoch. */
  readonly time: number;
  readonly kind: EventKind;
  /** PCI slot, or -1 where it is nobody's. */
  readonly slot: number;
  /** Queue index, or the offset of an access. */
  readonly place: number;
  /** Head, index or value. */
  readonly value: number;
  /** Access: width, and 256 more for a write. Otherwise: the number of the kind's own. */
  readonly detail: number;
  /** Nanoseconds. */
  readonly duration: number;
}
