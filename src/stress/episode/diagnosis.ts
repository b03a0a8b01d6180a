/** Why a machine has stalled, or that somebody was told more often than was said: from both sides' own accounts. */
import { counted } from "../../machine/counted.ts";
import type { RunReport } from "../../machine/run.ts";
import type { Snapshot } from "../../machine/snapshot.ts";

/** What a driver says of one of its queues. */
interface DriverSide {
  readonly busName: string;
  readonly index: number;
  readonly inFlight: number;
  readonly lastUsed: number;
  readonly kicksSent: number;
  /** Of the device. */
  readonly outstanding: number;
}
/** What the host says of a queue. */
interface DeviceSide {
  readonly counters: { readonly kicksReceived: number; readonly interruptsSent: number };
  readonly active: { readonly lastAvail: number } | null;
}

const ahead = (index: number, before: number): number => (index - before) & 0xffff;

/** A sentence for each side that does not answer or is not ready, each queue that waits, and each link that is down. */
export function whyStalled(report: RunReport, snapshot: Snapshot): string[] {
  const opening = report.host?.underWay.map((step) => `the host has not ended ${step}`) ?? [];
  return [
    ...silentSides(report),
    ...opening,
    ...waitingQueues(report, snapshot),
    ...forgottenQueues(report, snapshot),
    ...linksDown(report),
  ];
}

/** A guest that is blocked may only be waiting for a register that its host should answer. */
function silentSides({ host, guest }: RunReport): string[] {
  if (host === null) return ["the host does not answer: a handler of a device has not returned"];
  return guest === null ? ["the guest does not answer: its program, or a handler, has not returned"] : [];
}

function waitingQueues(report: RunReport, snapshot: Snapshot): string[] {
  const drivers = (report.guest?.queues ?? []) as unknown as readonly DriverSide[];
  // Buffers that are only offered, as those for frames to come, lie in their queues for as long as nothing comes.
  const known = drivers.some(({ outstanding }) => outstanding > 0);
  return snapshot.functions.flatMap(({ name: shown, queues, kickPending }) =>
    queues.flatMap((queue) => {
      const name = fullName(report, shown);
      const where = `${name}, queue ${queue.index}`;
      const driver = drivers.find(
        (each) => name.startsWith(`${each.busName} `) && each.index === queue.index,
      );
      const device = deviceSide(report, name, queue.index);
      const taken = device?.active?.lastAvail;
      const awaited = driver === undefined || driver.outstanding > 0 || !known;
      const found: string[] = [];
      const untaken = taken === undefined ? 0 : ahead(queue.avail.index, taken);
      if (awaited && untaken > 0 && !kickPending)
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
      if (awaited && held > 0 && unseen === 0 && untaken === 0)
        found.push(`${where}: the device holds ${counted(held, "chain")}: its back-end has not answered`);
      return found;
    }),
  );
}

/** Queues with requests that no device will ever see: there is none, or it does not have the queue that the driver set up. */
function forgottenQueues(report: RunReport, snapshot: Snapshot): string[] {
  const drivers = (report.guest?.queues ?? []) as unknown as readonly DriverSide[];
  return drivers.flatMap(({ busName, index, inFlight }) => {
    const device = snapshot.functions.find(({ name }) => name.startsWith(`${busName} `));
    if (inFlight === 0 || device?.queues.some((queue) => queue.index === index)) return [];
    const why =
      device === undefined
        ? "its slot is empty: the device was pulled out, and the driver has not let go"
        : "the device in its slot has no such queue set up: it was reset or replaced, and the driver was not told";
    return [`${busName}, queue ${index}: the driver has ${counted(inFlight, "buffer")} in it, but ${why}`];
  });
}

/** No reason to stall by itself, but what is sent there is lost. */
const linksDown = ({ host }: RunReport): string[] =>
  (host?.functions ?? [])
    .filter(({ model }) => model.linkUp === false)
    .map(({ name }) => `${name}: its link is down: frames are lost there`);

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
