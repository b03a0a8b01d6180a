/** Text for people: the bus as `lspci` prints it, interrupts as /proc/interrupts does, queues and latencies. */
import Table from "cli-table3";
import { VIRTIO_VENDOR } from "../../wire/pci.ts";
import { virtioType } from "../../wire/virtio-ids.ts";
import type { LatencySummary } from "../record/histogram.ts";

export interface PciRow {
  /** "00:04.0" */
  readonly bdf: string;
  readonly vendor: number;
  readonly device: number;
  readonly subsystemDevice: number;
  readonly revision: number;
  readonly classCode: number;
  readonly irq: number;
  readonly bars: readonly {
    readonly index: number;
    readonly kind: "io" | "memory";
    readonly address: number;
    readonly bytes: number;
  }[];
  readonly msix: { readonly size: number; readonly enabled: boolean };
  readonly driver: string | null;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

const size = (bytes: number): string =>
  bytes >= 1 << 20 ? `${bytes >> 20}M` : bytes >= 1024 ? `${bytes >> 10}K` : String(bytes);

/** Of what a PC has besides virtio, by base class and subclass. */
const CLASS_NAMES: Readonly<Record<string, string>> = {
  "0101": "IDE interface",
  "0600": "Host bridge",
  "0601": "ISA bridge",
  "0680": "Bridge",
};

function functionName(row: PciRow): string {
  if (row.vendor === VIRTIO_VENDOR) return virtioType(row.subsystemDevice).label;
  return CLASS_NAMES[hex(row.classCode >>> 8, 4)] ?? `Class ${hex(row.classCode, 6)}`;
}

/** `lspci -v`, as much of it as there is. */
export function formatLspci(rows: readonly PciRow[]): string {
  return rows
    .map((row) => {
      const lines = [
        `${row.bdf} ${functionName(row)} [${hex(row.vendor, 4)}:${hex(row.device, 4)}] (rev ${hex(row.revision, 2)})`,
      ];
      if (row.driver !== null || row.bars.length > 0) lines.push(`        Flags: IRQ ${row.irq}`);
      for (const bar of row.bars) {
        lines.push(
          bar.kind === "io"
            ? `        I/O ports at ${hex(bar.address, 4)} [size=${size(bar.bytes)}]`
            : `        Memory at ${hex(bar.address, 8)} (32-bit, non-prefetchable) [size=${size(bar.bytes)}]`,
        );
      }
      if (row.msix.size > 0) {
        lines.push(
          `        Capabilities: MSI-X: Enable${row.msix.enabled ? "+" : "-"} Count=${row.msix.size}`,
        );
      }
      if (row.driver !== null) lines.push(`        Kernel driver in use: ${row.driver}`);
      return lines.join("\n");
    })
    .join("\n");
}

export interface InterruptRow {
  readonly irq: number;
  /** Per virtual CPU. */
  readonly counts: readonly number[];
  readonly chip: string;
  readonly names: readonly string[];
}

/** /proc/interrupts. */
export function formatInterrupts(rows: readonly InterruptRow[]): string {
  const cpus = Math.max(1, ...rows.map((row) => row.counts.length));
  const head = `      ${Array.from({ length: cpus }, (_, cpu) => `CPU${cpu}`.padStart(11)).join("")}`;
  const lines = rows.map(
    (row) =>
      `${String(row.irq).padStart(4)}: ${row.counts.map((count) => String(count).padStart(11)).join("")}   ` +
      `${row.chip.padEnd(18)} ${row.names.join(", ")}`,
  );
  return [head, ...lines].join("\n");
}

export interface QueueRow {
  readonly device: string;
  readonly name: string;
  readonly size: number;
  readonly requests: number;
  readonly bytes: number;
  readonly kicksSent: number;
  readonly kicksSuppressed: number;
  /** Null: a counterpart that does not tell. */
  readonly interruptsSent: number | null;
  readonly interruptsSuppressed: number | null;
  /** Of the host: the I/O thread that served it; 0: the first one. */
  readonly ioThread?: number | null;
}

export function formatQueues(rows: readonly QueueRow[]): string {
  const spread = rows.some(({ ioThread }) => (ioThread ?? 0) > 0);
  const heads = ["size", "requests", "bytes", "kicks sent", "suppressed", "interrupts sent", "suppressed"];
  return formatTable(
    ["queue", ...heads, ...(spread ? ["served by"] : [])],
    rows.map((row) => [
      `${row.device} ${row.name}`,
      row.size,
      row.requests,
      row.bytes,
      row.kicksSent,
      row.kicksSuppressed,
      row.interruptsSent ?? "-",
      row.interruptsSuppressed ?? "-",
      ...(spread ? [row.ioThread ? `I/O thread ${row.ioThread}` : "host"] : []),
    ]),
  );
}

export function formatLatency(us: LatencySummary): string {
  return (
    `p50 ${us.p50} µs, p90 ${us.p90} µs, p99 ${us.p99} µs, p99.9 ${us.p999} µs, max ${us.max} µs ` +
    `(${us.count} requests)`
  );
}

/** A plain table: numbers to the right, no frame, no colour, so that it survives a pipe. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (typeof rows[0]?.[column] === "number" ? "right" : "left")),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: Object.fromEntries(FRAME.map((part) => [part, ""])),
  });
  for (const row of rows) table.push(row.map(String));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const FRAME = [
  "top",
  "top-mid",
  "top-left",
  "top-right",
  "bottom",
  "bottom-mid",
  "bottom-left",
  "bottom-right",
  "left",
  "left-mid",
  "mid",
  "mid-mid",
  "right",
  "right-mid",
  "middle",
] as const;
