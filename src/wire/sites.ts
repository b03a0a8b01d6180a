/**
 * Sites: every shared access that matters to ordering names one, so that the hunter can print it, replay can
 * key on it and the monitor can watch it. The number is a small constant; the label is in the protocol's words.
 * One static table, because every thread must agree on the numbers whatever it loaded first.
 */

const LABELS = [
  "other",
  // Driver side of a split virtqueue.
  "driver: write descriptor",
  "driver: write avail ring entry",
  "driver: publish avail.idx",
  "driver: write avail.flags",
  "driver: write used_event",
  "driver: read used.flags",
  "driver: read avail_event",
  "driver: read used.idx",
  "driver: read used element",
  // Device side of a split virtqueue.
  "device: read avail.idx",
  "device: read avail ring entry",
  "device: read descriptor",
  "device: write used element",
  "device: publish used.idx",
  "device: write used.flags",
  "device: write avail_event",
  "device: read avail.flags",
  "device: read used_event",
  // Buffers.
  "driver: buffer",
  "device: buffer",
  // Port mailbox.
  "mailbox: write request",
  "mailbox: publish request",
  "mailbox: read request index",
  "mailbox: read request",
  "mailbox: retire request",
  "mailbox: read space",
  "mailbox: write reply",
  "mailbox: publish reply",
  "mailbox: read reply index",
  "mailbox: read reply",
  // Kick fast path.
  "kick: look up notify port",
  "kick: publish notify port",
  "kick: set bit",
  "kick: look up thread",
  "kick: publish thread",
  "kick: take bits",
  // Doorbells.
  "doorbell: ring",
  "doorbell: look for sleeper",
  "doorbell: wake",
  "doorbell: look",
  "doorbell: announce sleep",
  "doorbell: sleep",
  "doorbell: wake up",
  // Interrupts.
  "isr: set",
  "isr: read and clear",
  "isr: look again",
  "intx: assert line",
  "intx: deassert line",
  "intx: read line",
  "msix: read entry",
  "msix: write entry",
  "msix: read control",
  "msix: write control",
  "msix: set pending",
  "msix: take pending",
  "msix: read pending",
  "msi: post vector",
  "msi: take vectors",
  // Run control.
  "run: state",
  // Calls between threads of one side.
  "call: request",
  "call: ask",
  "call: look for a call",
  "call: done",
  "call: look whether it is done",
] as const;

export type SiteLabel = (typeof LABELS)[number];
export const SITE_LABELS: readonly SiteLabel[] = LABELS;
/** A site number; 0 is "other". */
export type Site = number;

const NUMBERS = new Map<string, Site>(LABELS.map((label, index) => [label, index]));

/** The number of a label; resolved once, at module load, into a constant of the module that uses it. */
export function site(label: SiteLabel): Site {
  const number = NUMBERS.get(label);
  if (number === undefined) throw new Error(`unknown site: ${label}`);
  return number;
}

export const siteLabel = (number: Site): string => LABELS[number] ?? `site ${number}`;
export const SITE_COUNT = LABELS.length;
