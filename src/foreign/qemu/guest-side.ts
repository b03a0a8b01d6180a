/** The guest worker of a QEMU machine: the same guest and service as ever, connected to QEMU. */
import { GuestLoop } from "../../guest/loop.ts";
import type { MachineSpec } from "../../machine/description.ts";
import { serveGuest } from "../../machine/guest-service.ts";
import { Log } from "../../machine/log.ts";
import type { GuestService } from "../../machine/protocol.ts";
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
  const { guest } = await connectGuest({
    ...paths,
    ramBytes: spec.memory,
    chipset,
    guest: { log: (message) => log.add(message), interruptTiers: spec.interrupts },
  });
  const sleeper = new PollingSleeper(() => guest.irq.pending);
  return serveGuest({
    guest,
    loop: new GuestLoop(guest, sleeper, { spinMsMax: spec.pollMaxUs / 1000 }),
    log,
  });
}
