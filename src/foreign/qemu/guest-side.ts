/** The guest worker of a QEMU machine: the same guest and service as ever, connected to QEMU. */
import { WatchedBus } from "../../bus/watched-bus.ts";
import { GuestLoop } from "../../guest/loop.ts";
import type { MachineSpec } from "../../machine/description.ts";
import { serveGuest } from "../../machine/guest-service.ts";
import { Log } from "../../machine/log.ts";
import type { GuestService } from "../../machine/protocol.ts";
import { Ram } from "../../memory/ram.ts";
import { RecordedMemory } from "../../memory/recorded-memory.ts";
import { Monitor } from "../../monitor/monitor.ts";
import type { ChipsetName } from "./chipset.ts";
import type { QemuPaths } from "./command-line.ts";
import { connectGuest } from "./guest.ts";
import { PollingSleeper } from "./sleeper.ts";

export interface QemuGuestParts {
  readonly spec: MachineSpec;
  readonly chipset: ChipsetName;
  readonly paths: QemuPaths;
}

export async function createQemuGuestSide({ spec, chipset, paths }: QemuGuestParts): Promise<GuestService> {
  const log = new Log();
  let monitor: Monitor | undefined;
  const { guest } = await connectGuest({
    ...paths,
    ramBytes: spec.memory,
    chipset,
    guest: { log: (message) => log.add(message), interruptTiers: spec.interrupts },
    ...(spec.watch.monitor && {
      wrapMemory: (memory) => {
        monitor = new Monitor({ ram: new Ram(memory), sides: ["driver"] });
        return new RecordedMemory(memory, monitor.observer);
      },
      wrapBus: (bus) => new WatchedBus(bus, (access) => monitor?.observer.access(access)),
    }),
  });
  const sleeper = new PollingSleeper(() => guest.irq.pending);
  return serveGuest({
    guest,
    loop: new GuestLoop(guest, sleeper, { spinMsMax: spec.pollMaxUs / 1000 }),
    log,
    findings: () => monitor?.findings ?? null,
  });
}
