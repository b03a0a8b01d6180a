/** The host worker: device models, their PCI functions and the loop that serves them, behind a control service. */
import { BusTimeoutError } from "../bus/port-bus.ts";
import type { BusNews } from "../bus/watched-bus.ts";
import { Host, type HostOptions } from "../host/host.ts";
import { HostLoop } from "../host/loop.ts";
import { runDeviceCommand } from "./device-command.ts";
import { outcomeOf, toFault } from "./fault.ts";
import { addDevices, plugDevice, unplugDevice } from "./hot-plug.ts";
import { HostIoThreads } from "./io-calls.ts";
import { Log } from "./log.ts";
import { livePlatform } from "./platform.ts";
import type { CountedViolation, Fault, HostService, HostSideParts, IoLink } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { UnderWay } from "./under-way.ts";
import { toldViolations } from "./violations.ts";
import type { Watch } from "./watch.ts";
import { watchIfWanted } from "./watched.ts";

/** What happens at the bus, for this thread's watch and for those of the I/O threads, which do not see it. */
function watchedBus(watch: Watch, links: readonly IoLink[]): Pick<HostOptions, "watchBus" | "watchSlots"> {
  const tell = (news: BusNews): void => {
    for (const { news: port } of links) port.postMessage(news);
  };
  return {
    watchBus: (access) => {
      tell({ kind: "access", access });
      watch.bus(access);
    },
    watchSlots: (slot) => {
      tell({ kind: "slot", slot });
      watch.slotChanged(slot);
    },
  };
}

export async function createHostSide(parts: HostSideParts): Promise<HostService> {
  const watch = await watchIfWanted(parts, {
    side: "device",
    events: parts.events?.host,
    slotOf: (index) => host.functions.find((each) => each.index === index)?.slot,
    servedElsewhere: (slot) => host.functions.find((each) => each.slot === slot)?.part !== undefined,
  });
  const attached = attachParts(parts);
  const { spec, plan, control, ram, hostDoorbell } = attached;
  const { links = [] } = parts;
  const io = links.length > 0 ? new HostIoThreads(attached, links) : undefined;
  const log = new Log();
  const violations: CountedViolation[] = [];
  const host = new Host({
    ram,
    control,
    plan,
    platform: livePlatform,
    kickFastPath: spec.kickFastPath,
    violated: toldViolations(violations),
    log: (message) => log.add(message),
    ...(watch && watchedBus(watch, links)),
    ioThreads: io,
  });
  const underWay = new UnderWay();
  const opening = { makeParts: io?.makeParts, during: underWay.during };
  const loop = new HostLoop(host, hostDoorbell, { spinUsMax: spec.pollMaxUs });
  let running: Promise<void> = Promise.resolve();
  let fail: (fault: Fault) => void = () => {};
  const failed = new Promise<Fault>((resolve) => {
    fail = resolve;
  });

  return {
    start: (devices, again) =>
      outcomeOf("internal", async () => {
        await addDevices(host, spec, devices, opening);
        if (again) host.announceAll();
        running = loop.run();
        running.catch((error) => {
          // Whoever did not answer may still be asked why, and so may this side.
          if (error instanceof BusTimeoutError) fail(toFault(error, "internal"));
          else {
            // A loop that fails is our own bug: let it end the worker, with its stack.
            setImmediate(() => {
              throw error;
            });
          }
        });
        return null;
      }),
    describe: async () => ({
      findings: watch?.findings() ?? null,
      violations,
      functions: host.describe().functions,
      underWay: underWay.describe(),
      log: log.lines,
    }),
    failure: () => failed,
    command: (request) => outcomeOf("internal", () => runDeviceCommand(host.functions, request)),
    plug: (device) => outcomeOf("internal", () => plugDevice(host, spec, device, opening)),
    unplug: (request) => outcomeOf("internal", () => unplugDevice(host, request)),
    stop: async () => {
      loop.stop();
      await running;
      await host.close();
    },
  };
}
