/** What a guest worker does for the main thread, whatever its guest's machine is: boot, run a program, tell. */
import { drivers } from "../drivers/index.ts";
import type { GuestProgram, RunOn } from "../guest/define.ts";
import type { Guest } from "../guest/guest.ts";
import type { GuestLoop } from "../guest/loop.ts";
import { UsageError } from "../host/device.ts";
import type { Finding } from "../monitor/monitor.ts";
import { outcomeOf } from "./fault.ts";
import type { Log } from "./log.ts";
import { Programs } from "./programs.ts";
import type { GuestProgress, GuestService, GuestState } from "./protocol.ts";
import { displayUrl, importModule } from "./thread.ts";

export interface GuestParts {
  readonly guest: Guest;
  readonly loop: GuestLoop;
  readonly log: Log;
  readonly findings?: () => readonly Finding[] | null;
  /** Of another CPU than 0: what stands in the place of a boot. */
  readonly boot?: (programs: Programs) => void;
  readonly runOn?: RunOn;
}

export function serveGuest(parts: GuestParts): GuestService {
  const { guest, loop, log, findings = () => null, runOn } = parts;
  let report: GuestProgress["report"] = null;
  const programs = new Programs(loop);

  return {
    start: () =>
      outcomeOf("internal", async () => {
        if (parts.boot === undefined) await loop.run(async () => guest.boot(drivers));
        else parts.boot(programs);
        return null;
      }),
    run: ({ module, args }) =>
      outcomeOf("program", async () => {
        const program = await loadProgram(module);
        const progress = (label: string, done: number, total: number) => {
          report = { label, done, total };
        };
        return sendable(await programs.run(() => program(guest.context(args, progress, runOn))));
      }),
    attend: () =>
      outcomeOf("internal", async () => {
        await programs.run(() => new Promise((resolve) => setImmediate(resolve)));
        return null;
      }),
    progress: async () => {
      const devices = guest.virtio.describe();
      return {
        outstanding: devices.reduce((sum, device) => sum + device.outstanding, 0),
        completed: devices
          .flatMap((device) => device.queues)
          .reduce((sum, q) => sum + q.counters.requests, 0),
        sleeps: loop.sleeps,
        waitsForOthers: otherWork() || devices.some((device) => device.awaitsInput),
        report,
      };
    },
    describe: async () => ({ ...describeGuest(guest, log), findings: findings() }),
  };
}

/** A result that cannot go to the main thread is the program's fault, and said before it is tried. */
function sendable(result: unknown): unknown {
  try {
    structuredClone(result);
    return result;
  } catch (error) {
    throw new TypeError(`the program's result cannot be handed over: ${(error as Error).message}`);
  }
}

/** Whether the program waits for something besides the machine: a timer, a file, a socket. */
function otherWork(): boolean {
  // The guest loop holds one timer and the control plane its port.
  const held = process.getActiveResourcesInfo().filter((resource) => !/MessagePort|Immediate/.test(resource));
  return held.length > 1;
}

function describeGuest(guest: Guest, log: Log): Omit<GuestState, "findings"> {
  const { pci, interrupts, virtio } = guest.describe();
  const counts = virtio.flatMap(({ queues }) => queues.map(({ counters }) => counters));
  return {
    pci,
    interrupts: {
      tiers: Object.fromEntries(virtio.map(({ name, tier }) => [name, tier])),
      lines: interrupts,
    },
    totals: {
      kicksSent: counts.reduce((sum, { kicksSent }) => sum + kicksSent, guest.retired.kicksSent),
      interruptsTaken: guest.irq.taken,
    },
    queues: virtio.flatMap(({ name: device, busName, outstanding, queues }) =>
      queues.map(({ counters, ...queue }) => ({ ...queue, ...counters, device, busName, outstanding })),
    ),
    log: log.lines,
  };
}

async function loadProgram(url: string): Promise<GuestProgram> {
  let module: Record<string, unknown>;
  try {
    module = await importModule(url);
  } catch (error) {
    // A program that throws while it loads is a program that throws; one that is not there is a wrong name.
    const notThere =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    if (!notThere) throw error;
    throw new UsageError(`guest program ${displayUrl(url)} cannot be loaded: ${(error as Error).message}`);
  }
  if (typeof module.default !== "function") {
    throw new UsageError(
      `guest program ${displayUrl(url)}: expected \`export default defineGuest(async (guest) => { … })\`, ` +
        `got ${module.default === undefined ? "no default export" : typeof module.default}`,
    );
  }
  return module.default as GuestProgram;
}
