/** The guest workers beside CPU 0's, as the main thread has them. */
import { MessageChannel } from "node:worker_threads";
import type { InterruptRow } from "../observe/report/tables.ts";
import { Side } from "./control.ts";
import { unwrap } from "./fault.ts";
import type {
  CpuLink,
  GuestProgress,
  GuestService,
  GuestSideParts,
  GuestState,
  Outcome,
  SharedParts,
} from "./protocol.ts";
import { accountOf, type RunError } from "./run.ts";

export class ExtraCpus {
  /** CPU 0's ends, for its worker; they are transferred once. */
  readonly links: readonly CpuLink[];
  readonly #sides: readonly Side<GuestService>[];

  constructor(shared: SharedParts) {
    const pairs = Array.from({ length: shared.spec.cpus - 1 }, (_, index) => linkPair(index + 1));
    this.links = pairs.map(([first]) => first);
    this.#sides = pairs.map(([, other]) => startCpu({ ...shared, cpu: other.cpu, links: [other] }));
  }

  /** Rejects when one of them dies; never resolves. */
  get gone(): Promise<never> {
    return Promise.race([new Promise<never>(() => {}), ...this.#sides.map(({ gone }) => gone)]);
  }

  get ready(): Promise<unknown> {
    return Promise.all(this.#sides.map(({ ready }) => ready));
  }

  /** They are to be there before CPU 0 gives them anything. */
  async start(): Promise<void> {
    const start = async ({ service }: Side<GuestService>) => unwrap((await service.start()) as Outcome<null>);
    await Promise.all(this.#sides.map(start));
  }

  /** The guest's progress: what its CPUs have outstanding and have done, together. */
  async progress(first: GuestProgress): Promise<GuestProgress> {
    const others = await Promise.all(this.#sides.map(({ service }) => service.progress()));
    const all = [first, ...others];
    const sum = (of: (progress: GuestProgress) => number) => all.reduce((total, each) => total + of(each), 0);
    return {
      outstanding: sum(({ outstanding }) => outstanding),
      completed: sum(({ completed }) => completed),
      sleeps: sum(({ sleeps }) => sleeps),
      waitsForOthers: all.some(({ waitsForOthers }) => waitsForOthers),
      report: first.report,
    };
  }

  /** The guest's state: what each CPU drives, and its interrupts. */
  async describe(
    first: GuestState | null,
    limitMs?: number,
  ): Promise<{ readonly state: GuestState | null; readonly error: RunError | null }> {
    const accounts = await Promise.all(this.#sides.map((side) => accountOf(side, limitMs)));
    const error = accounts.find((account) => account.error !== null)?.error ?? null;
    const states = accounts.map(({ state }) => state);
    return { state: first === null ? null : states.reduce<GuestState>(merge, first), error };
  }

  async end(): Promise<void> {
    await Promise.all(this.#sides.map((side) => side.end()));
  }
}

function linkPair(cpu: number): readonly [CpuLink, CpuLink] {
  const calls = new MessageChannel();
  const programs = new MessageChannel();
  return [
    { cpu, calls: calls.port1, programs: programs.port1 },
    { cpu, calls: calls.port2, programs: programs.port2 },
  ];
}

function startCpu(parts: GuestSideParts): Side<GuestService> {
  const transfer = portsOf(parts.links ?? []);
  return new Side<GuestService>(`CPU ${parts.cpu}`, parts, { entry: "guest", transfer });
}

export const portsOf = (links: readonly CpuLink[]) =>
  links.flatMap(({ calls, programs }) => [calls, programs]);

function merge(guest: GuestState, cpu: GuestState | null, index: number): GuestState {
  if (cpu === null) return guest;
  const { tiers, lines } = guest.interrupts;
  return {
    ...guest,
    interrupts: { tiers, lines: mergeLines(lines, cpu.interrupts.lines) },
    totals: {
      kicksSent: guest.totals.kicksSent + cpu.totals.kicksSent,
      interruptsTaken: guest.totals.interruptsTaken + cpu.totals.interruptsTaken,
    },
    queues: [...guest.queues, ...cpu.queues].sort(
      (a, b) => a.busName.localeCompare(b.busName) || a.index - b.index,
    ),
    log: [...guest.log, ...cpu.log.map((line) => `CPU ${index + 1}: ${line}`)],
  };
}

/** A row for each irq, with a count for each CPU. */
function mergeLines(one: readonly InterruptRow[], other: readonly InterruptRow[]): InterruptRow[] {
  const rows = new Map(one.map((row) => [row.irq, row]));
  for (const row of other) {
    const known = rows.get(row.irq);
    rows.set(row.irq, known === undefined ? row : { ...row, ...addCounts(known, row) });
  }
  const cpus = Math.max(0, ...[...rows.values()].map(({ counts }) => counts.length));
  return [...rows.values()]
    .map((row) => ({ ...row, counts: Array.from({ length: cpus }, (_, cpu) => row.counts[cpu] ?? 0) }))
    .sort((a, b) => a.irq - b.irq);
}

const addCounts = (a: InterruptRow, b: InterruptRow) => ({
  counts: Array.from(
    { length: Math.max(a.counts.length, b.counts.length) },
    (_, cpu) => (a.counts[cpu] ?? 0) + (b.counts[cpu] ?? 0),
  ),
  names: [...new Set([...a.names, ...b.names])],
});
