/** Queues as text: what `virtlab dump` prints. */
import { formatTable } from "./tables.ts";

/** The shape of a dumped queue, as it comes over the control socket. */
export interface QueueDump {
  readonly index: number;
  readonly size: number;
  readonly address: number;
  readonly avail: { readonly flags: number; readonly index: number; readonly usedEvent: number };
  readonly used: { readonly flags: number; readonly index: number; readonly availEvent: number };
  readonly inFlight: number;
  readonly chains: readonly {
    readonly head: number;
    readonly indirect: boolean;
    readonly segments: readonly {
      readonly address: number;
      readonly length: number;
      readonly writable: boolean;
    }[];
    readonly faults: readonly string[];
  }[];
  readonly returned: readonly { readonly id: number; readonly length: number }[];
  readonly wrong: readonly string[];
}

export interface MachineDump {
  readonly hostAsleep: boolean;
  readonly guestAsleep: boolean;
  readonly functions: readonly {
    readonly name: string;
    readonly status: string;
    readonly features: number;
    readonly isr: number;
    readonly kickPending: boolean;
    readonly queues: readonly QueueDump[];
  }[];
}

const hex = (value: number): string => `0x${value.toString(16)}`;

export function dumpText(
  { hostAsleep, guestAsleep, functions }: MachineDump,
  matches: (name: string) => boolean,
): string {
  const awake = (asleep: boolean): string => (asleep ? "asleep" : "awake");
  const head = `host ${awake(hostAsleep)}, guest ${awake(guestAsleep)}`;
  const parts = functions
    .filter(({ name }) => matches(name))
    .map(({ name, status, features, isr, kickPending, queues }) =>
      [
        `${name}: ${status}, features ${hex(features)}, ISR ${isr}${kickPending ? ", kick pending" : ""}`,
        ...queues.map(queueText),
      ].join("\n"),
    );
  return [head, ...parts].join("\n\n");
}

function queueText(queue: QueueDump): string {
  const { index, size, address, avail, used, inFlight, chains, returned, wrong } = queue;
  const lines = [
    `  queue ${index}: ${size} entries at ${hex(address)}, ${inFlight} in flight`,
    `    avail: flags ${avail.flags}, idx ${avail.index}, used_event ${avail.usedEvent}`,
    `    used:  flags ${used.flags}, idx ${used.index}, avail_event ${used.availEvent}`,
    ...chains.map(
      ({ head, indirect, segments, faults }) =>
        `    head ${head}${indirect ? " (indirect)" : ""}: ` +
        segments
          .map(({ address: at, length, writable }) => `${writable ? "W" : "R"} ${hex(at)}+${length}`)
          .join(", ") +
        (faults.length === 0 ? "" : `   <-- ${faults.join(", ")}`),
    ),
  ];
  if (returned.length > 0) {
    lines.push(`    returned last: ${returned.map(({ id, length }) => `${id} (${length})`).join(", ")}`);
  }
  return [...lines, ...wrong.map((what) => `    !! ${what}`)].join("\n");
}

/** What `virtlab top` knows of one queue. */
export interface TopRow {
  readonly name: string;
  readonly queue: string;
  readonly inFlight: number;
  readonly requests: number;
  readonly bytes: number;
  readonly kicks: number;
  readonly kicksSuppressed: number;
  readonly interrupts: number;
  readonly interruptsSuppressed: number;
}

/** Rates per second, from two looks. */
export function topText(
  rows: readonly TopRow[],
  { hostAsleep, guestAsleep }: MachineDump,
  notes: readonly string[],
): string {
  return [
    `host ${hostAsleep ? "asleep" : "awake"}, guest ${guestAsleep ? "asleep" : "awake"}`,
    "",
    formatTable(
      [
        "device",
        "queue",
        "in flight",
        "requests/s",
        "MB/s",
        "kicks/s",
        "spared/s",
        "interrupts/s",
        "spared/s",
      ],
      rows.map((row) => [
        row.name,
        row.queue,
        row.inFlight,
        row.requests,
        Math.round(row.bytes / 1e4) / 100,
        row.kicks,
        row.kicksSuppressed,
        row.interrupts,
        row.interruptsSuppressed,
      ]),
    ),
    ...notes.map((note) => `!! ${note}`),
  ].join("\n");
}
