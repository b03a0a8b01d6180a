/** Why a machine has stalled, or that somebody was told more often than was said: from both sides' own accounts. */
import type { RunReport } from "../../machine/run.ts";
import type { Snapshot } from "../../machine/snapshot.ts";

/** What a driver says of one of its queues. */
interface DriverSide {
  readonly busName: string;
  readonly index: number;
  readonly inFlight: number;
  readonly lastUsed: number;
  readonly kicksSent: number;
}
/** What the host says of a queue. */
interface DeviceSide {
  readonly counters: { readonly kicksReceived: number; readonly interruptsSent: number };
  readonly active: { readonly lastAvail: number } | null;
}

const ahead = (index: number, before: number): number => (index - before) & 0xffff;

/** A sentence for each side that does not answer or is not ready, and for each queue that waits. */
export function whyStalled(report: RunReport, snapshot: Snapshot): string[] {
  const opening = report.host?.underWay.map((step) => `the host has not ended ${step}`) ?? [];
  return [
    ...silentSides(report),
    ...opening,
    ...waitingQueues(report, snapshot),
    ...strangeQueues(report, snapshot),
  ];
}

/** A guest that is blocked may only be waiting for a register that its host should answer. */
function silentSides({ host, guest }: RunReport): string[] {
  if (host === null) return ["the host does not answer: a handler of a device has not returned"];
  return guest === null ? ["the guest does not answer: its program, or a handler, has not returned"] : [];
}

function waitingQueues(report: RunReport, snapshot: Snapshot): string[] {
  const drivers = (report.guest?.queues ?? []) as unknown as readonly DriverSide[];
  return snapshot.functions.flatMap(({ name: shown, queues, kickPending }) =>
    queues.flatMap((queue) => {
      const name = fullName(report, shown);
      const where = `${name}, queue ${queue.index}`;
      const driver = drivers.find(
        (each) => name.startsWith(`${each.busName} `) && each.index === queue.index,
      );
      const device = deviceSide(report, name, queue.index);
      const taken = device?.active?.lastAvail;
      const found: string[] = [];
      const untaken = taken === undefined ? 0 : ahead(queue.avail.index, taken);
      if (untaken > 0 && !kickPending)
        found.push(
          `${where}: avail.idx is ${queue.avail.index}, the device has taken ${taken}, no kick is pending: ` +
            "a kick was lost, or the device did not look again",
        );
      const unseen = driver === undefined ? 0 : ahead(queue.used.index, driver.lastUsed);
      if (driver !== undefined && unseen > 0)
        found.push(
          `${where}: used.idx is ${queue.used.index}, the driver has seen ${driver.lastUsed}: an interrupt was lost, or its handler did not look`,
        );
      const held = taken === undefined ? 0 : ahead(taken, queue.used.index);
      if (held > 0 && unseen === 0 && untaken === 0)
        found.push(`${where}: the device holds ${held} chains: its back-end has not answered`);
      return found;
    }),
  );
}

/** Queues with requests of which the device knows nothing: it is not the one that the driver has set up. */
function strangeQueues(report: RunReport, snapshot: Snapshot): string[] {
  const drivers = (report.guest?.queues ?? []) as unknown as readonly DriverSide[];
  return drivers.flatMap(({ busName, index, inFlight }) => {
    const device = snapshot.functions.find(({ name }) => name.startsWith(`${busName} `));
    if (inFlight === 0 || device?.queues.some((queue) => queue.index === index)) return [];
    const why = device === undefined ? "there is no such device" : "the device knows no such queue";
    return [
      `${busName}, queue ${index}: the driver has ${inFlight} requests out and ${why}: it was reset, or swapped, without the driver`,
    ];
  });
}

/** For machines whose devices were never reset, so that both sides count the same lives. */
export function toldTooOften(report: RunReport): string[] {
  const drivers = (report.guest?.queues ?? []) as unknown as readonly DriverSide[];
  const found = drivers.flatMap(({ busName, index, kicksSent }) => {
    const name = report.host?.functions.find((each) => each.name.startsWith(`${busName} `))?.name ?? "";
    const received = deviceSide(report, name, index)?.counters.kicksReceived ?? 0;
    return received > kicksSent
      ? [
          `${name}, queue ${index}: the driver sent ${kicksSent} kicks, ${received} arrived: a kick was doubled`,
        ]
      : [];
  });
  const sent = (report.host?.functions ?? [])
    .flatMap(({ queues }) => queues)
    .reduce((sum, { counters }) => sum + counters.interruptsSent, 0);
  const taken = (report.guest?.interrupts.lines ?? [])
    .filter(({ chip }) => chip === "PCI-MSI-edge")
    .reduce((sum, { counts }) => sum + counts.reduce((all, count) => all + count, 0), 0);
  if (taken > sent)
    found.push(`the devices sent ${sent} interrupts, ${taken} arrived: an interrupt was doubled`);
  return found;
}

/** As the host calls it: from memory alone a user's type has no name. */
function fullName(report: RunReport, name: string): string {
  const [place = name] = name.split(" ");
  return report.host?.functions.find((each) => each.name.startsWith(`${place} `))?.name ?? name;
}

function deviceSide(report: RunReport, name: string, index: number): DeviceSide | undefined {
  const found = report.host?.functions.find((each) => each.name === name);
  return found?.queues[index] as unknown as DeviceSide | undefined;
}
