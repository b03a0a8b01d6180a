/** The host worker: device models, their PCI functions and the loop that serves them, behind a control service. */
import { Host } from "../host/host.ts";
import { HostLoop } from "../host/loop.ts";
import type { Violation } from "../host/violation.ts";
import { runDeviceCommand } from "./device-command.ts";
import { outcomeOf } from "./fault.ts";
import { addDevices, plugDevice, unplugDevice } from "./hot-plug.ts";
import { Log } from "./log.ts";
import { livePlatform } from "./platform.ts";
import type { CountedViolation, HostService, SharedParts } from "./protocol.ts";
import { attachParts } from "./shared-parts.ts";
import { startWatch } from "./watch.ts";

const MAX_VIOLATIONS_KEPT = 100;

export function createHostSide(parts: SharedParts): HostService {
  const watch = startWatch(
    parts,
    "device",
    (index) => host.functions.find((each) => each.index === index)?.slot,
  );
  const { spec, plan, control, ram, hostDoorbell } = attachParts(parts);
  const log = new Log();
  const violations: CountedViolation[] = [];
  const host = new Host({
    ram,
    control,
    plan,
    platform: livePlatform,
    kickFastPath: spec.kickFastPath,
    violated: (violation) => count(violations, violation),
    log: (message) => log.add(message),
    watchBus: watch?.bus,
    watchSlots: watch?.slotChanged,
  });
  const loop = new HostLoop(host, hostDoorbell, { spinUsMax: spec.pollMaxUs });
  let running: Promise<void> = Promise.resolve();

  return {
    start: (devices, again) =>
      outcomeOf("internal", async () => {
        await addDevices(host, spec, devices);
        if (again) host.announceAll();
        running = loop.run();
        // A loop that fails is our own bug: let it end the worker, with its stack.
        running.catch((error) =>
          setImmediate(() => {
            throw error;
          }),
        );
        return null;
      }),
    describe: async () => ({
      findings: watch?.findings() ?? null,
      violations,
      functions: host.describe().functions,
      log: log.lines,
    }),
    command: (request) => outcomeOf("internal", () => runDeviceCommand(host.functions, request)),
    plug: (device) => outcomeOf("internal", () => plugDevice(host, spec, device)),
    unplug: (request) => outcomeOf("internal", () => unplugDevice(host, request)),
    stop: async () => {
      loop.stop();
      await running;
      await host.close();
    },
  };
}

function count(violations: CountedViolation[], violation: Violation): void {
  const same = (known: Violation) =>
    known.kind === violation.kind && known.device === violation.device && known.queue === violation.queue;
  const at = violations.findIndex(same);
  const known = violations[at];
  if (known !== undefined) violations[at] = { ...known, count: known.count + 1 };
  else if (violations.length < MAX_VIOLATIONS_KEPT) violations.push({ ...violation, count: 1 });
}
