/** The guest worker: the kernel side of a guest (PCI, interrupts, virtio bus, drivers) and the program it runs. */
import { InterruptController } from "../bus/interrupt-controller.ts";
import { KickSender } from "../bus/kick.ts";
import { MailboxBus } from "../bus/mailbox.ts";
import { drivers } from "../drivers/index.ts";
import type { GuestProgram } from "../guest/define.ts";
import { Guest } from "../guest/guest.ts";
import { GuestLoop } from "../guest/loop.ts";
import { UsageError } from "../host/device.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { outcomeOf } from "./fault.ts";
import { Log } from "./log.ts";
import type { GuestProgress, GuestService, GuestState, SharedParts } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { displayUrl, importModule } from "./thread.ts";

const CPU = 0;

export function createGuestSide(parts: SharedParts): GuestService {
  const { spec, plan, control, ram, hostDoorbell } = attachParts(parts);
  const cpu = plan.cpus[CPU];
  if (cpu === undefined) throw new Error("a machine has at least one CPU");
  const doorbell = new Doorbell(control, cpu.doorbell);
  const bus = new MailboxBus(
    control,
    cpu,
    { host: hostDoorbell, cpu: doorbell },
    spec.kickFastPath ? new KickSender(control, plan, hostDoorbell) : undefined,
    { deadlineMs: spec.deadlines.portMs },
  );
  const log = new Log();
  const guest = new Guest({
    ram,
    bus,
    interrupts: new InterruptController(control, plan, CPU, doorbell),
    cpu: CPU,
    log: (message) => log.add(message),
    interruptTiers: spec.interrupts,
  });
  const loop = new GuestLoop(guest, doorbell, { spinMsMax: spec.pollMaxUs / 1000 });
  let report: GuestProgress["report"] = null;

  return {
    start: () =>
      outcomeOf("internal", () =>
        loop.run(async () => {
          guest.boot(drivers);
          return null;
        }),
      ),
    run: ({ module, args }) =>
      outcomeOf("program", async () => {
        const program = await loadProgram(module);
        const progress = (label: string, done: number, total: number) => {
          report = { label, done, total };
        };
        return loop.run(() => program(guest.context(args, progress)));
      }),
    progress: async () => {
      const devices = guest.virtio.describe();
      return {
        outstanding: devices.reduce((sum, device) => sum + device.outstanding, 0),
        completed: devices
          .flatMap((device) => device.queues)
          .reduce((sum, q) => sum + q.counters.requests, 0),
        sleeps: loop.sleeps,
        waitsForOthers: otherWork(),
        report,
      };
    },
    describe: async () => describeGuest(guest, log),
  };
}

/** Whether the program waits for something besides the machine: a timer, a file, a socket. */
function otherWork(): boolean {
  // The guest loop holds one timer and the control plane its port.
  const held = process.getActiveResourcesInfo().filter((resource) => !/MessagePort|Immediate/.test(resource));
  return held.length > 1;
}

function describeGuest(guest: Guest, log: Log): GuestState {
  const { pci, interrupts, virtio } = guest.describe();
  return {
    pci,
    interrupts: {
      tiers: Object.fromEntries(virtio.map(({ name, tier }) => [name, tier])),
      lines: interrupts,
    },
    queues: virtio.flatMap(({ name, busName, queues }) =>
      queues.map(({ counters, ...queue }) => ({ ...queue, ...counters, device: name, busName })),
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
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
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
