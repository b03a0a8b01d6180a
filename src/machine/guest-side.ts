/** The guest worker: a guest (PCI, interrupts, virtio bus, drivers) on the machine's shared memory. */
import { InterruptController } from "../bus/interrupt-controller.ts";
import { KickSender } from "../bus/kick.ts";
import { MailboxBus } from "../bus/mailbox.ts";
import { WatchedBus } from "../bus/watched-bus.ts";
import { Guest } from "../guest/guest.ts";
import { GuestLoop } from "../guest/loop.ts";
import { Doorbell } from "../memory/doorbell.ts";
import { serveGuest } from "./guest-service.ts";
import { Log } from "./log.ts";
import type { GuestService, SharedParts } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { startWatch } from "./watch.ts";

const CPU = 0;

export function createGuestSide(parts: SharedParts): GuestService {
  const watch = startWatch(parts, "driver");
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
    bus: watch === undefined ? bus : new WatchedBus(bus, watch.bus),
    interrupts: new InterruptController(control, plan, CPU, doorbell),
    cpu: CPU,
    log: (message) => log.add(message),
    interruptTiers: spec.interrupts,
    hotPlug: true,
  });
  const loop = new GuestLoop(guest, doorbell, { spinMsMax: spec.pollMaxUs / 1000 });
  return serveGuest({ guest, loop, log, ...(watch && { findings: watch.findings }) });
}
