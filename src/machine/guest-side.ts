/**
 * A guest worker: one virtual CPU on the machine's shared memory. CPU 0 has the guest's buses and drivers (PCI,
 * interrupts, virtio); the others drive the queues that it gives them.
 */
import { InterruptController } from "../bus/interrupt-controller.ts";
import { KickSender } from "../bus/kick.ts";
import { MailboxBus } from "../bus/mailbox.ts";
import { WatchedBus } from "../bus/watched-bus.ts";
import { drivers } from "../drivers/index.ts";
import { Guest } from "../guest/guest.ts";
import { memoryShare } from "../guest/guest-memory.ts";
import { GuestLoop } from "../guest/loop.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { GuestCpus, serveCalls, servePrograms } from "./cpu-calls.ts";
import { type GuestParts, serveGuest } from "./guest-service.ts";
import { Log } from "./log.ts";
import type { Programs } from "./programs.ts";
import type { GuestService, GuestSideParts } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { watchIfWanted } from "./watched.ts";

export async function createGuestSide(parts: GuestSideParts): Promise<GuestService> {
  const { cpu = 0, links = [] } = parts;
  // Monitor and trace watch CPU 0: rules and rings know of one driver thread.
  const watch =
    cpu === 0 ? await watchIfWanted(parts, { side: "driver", events: parts.events?.guest }) : undefined;
  const attached = attachParts(parts);
  const { spec, plan, control, ram, hostDoorbell } = attached;
  const own = plan.cpus[cpu];
  if (own === undefined) throw new Error(`there is no CPU ${cpu}`);
  const doorbell = new Doorbell(control, own.doorbell);
  const bus = new MailboxBus(
    control,
    own,
    { host: hostDoorbell, cpu: doorbell },
    spec.kickFastPath ? new KickSender(control, plan, hostDoorbell) : undefined,
    { deadlineMs: spec.deadlines.portMs },
  );
  const cpus = cpu === 0 && links.length > 0 ? new GuestCpus(attached, doorbell, links) : undefined;
  const log = new Log();
  const guest = new Guest({
    ram,
    bus: watch === undefined ? bus : new WatchedBus(bus, watch.bus),
    interrupts: new InterruptController(control, plan, cpu, doorbell),
    cpu,
    log: (message) => log.add(message),
    interruptTiers: spec.interrupts,
    hotPlug: cpu === 0,
    memoryShare: memoryShare(ram.size, cpu, spec.cpus),
    ...(cpus && { cpus }),
  });
  const loop = new GuestLoop(guest, doorbell, { spinMsMax: spec.pollMaxUs / 1000 });
  const side: GuestParts = { guest, loop, log, ...(watch && { findings: watch.findings }) };
  if (cpu === 0) {
    cpus?.serve(guest);
    return serveGuest({ ...side, ...(cpus && { runOn: cpus.runOn }) });
  }
  const service = serveGuest({ ...side, boot: (programs) => attendForEver(guest, programs) });
  for (const link of links) {
    serveCalls(attached, link, { guest, bus });
    servePrograms(link, service);
  }
  return service;
}

/** CPU 0 may call at any time. */
function attendForEver(guest: Guest, programs: Programs): void {
  for (const driver of drivers) guest.virtio.registerDriver(driver);
  programs
    .run(() => new Promise<never>(() => {}))
    // A handler that throws is our own bug: let it end the worker, with its stack.
    .catch((error) =>
      setImmediate(() => {
        throw error;
      }),
    );
}
