/** Kick decisions out of the ordinary: late ones, devices that want several buffers at once, and pauses. */
import { FEATURE, featureMask } from "../../wire/features.ts";
import { GatheringDevice, PausableDevice } from "../machine/choosy-devices.ts";
import { attachQueue, QUEUE_IRQ } from "../machine/direct-queue.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { QUEUE_VECTOR, ringsInOrder } from "../machine/layout.ts";
import { StampDevice } from "../machine/stamp-device.ts";
import { StampDriver } from "../machine/stamp-driver.ts";
import { defineScenario, type Scenario, type ThreadContext, type ThreadProgram } from "../scenario.ts";

const SIZE = 8;
const byFlags = ringsInOrder(SIZE, 0);
const byEvent = ringsInOrder(SIZE, featureMask(FEATURE.EVENT_IDX));

function guest(
  context: ThreadContext,
  ring: typeof byFlags,
  process: (driver: StampDriver, cpu: GuestCpu) => void,
): ThreadProgram {
  const cpu = new GuestCpu(context);
  const driver = new StampDriver(context, cpu, { buffers: ring.end(1), ring: ring.address(0) });
  attachQueue(context, cpu, driver, { ring, size: SIZE, irq: QUEUE_IRQ });
  return cpu.program(
    () => {
      context.begin();
      process(driver, cpu);
      driver.settle();
    },
    { judge: (ending, report) => driver.judge(ending, report), describe: () => driver.describe() },
  );
}

const host = (context: ThreadContext, ring: typeof byFlags, model: StampDevice): HuntedHost =>
  new HuntedHost(context, [{ model, msixVectors: 2, ready: ring, queueSize: SIZE }]);

const lateKick = defineScenario({
  name: "late-kick",
  summary: "four publications and one kick decision for them all, flags, MSI-X",
  processors: { guest: 0 },
  spurious: { host: { kick: 0 }, guest: { vector: QUEUE_VECTOR } },
  threads: {
    guest: (context) =>
      guest(context, byFlags, (driver, cpu) => {
        for (let each = 0; each < 4; each++) {
          cpu.locked(() => {
            driver.add(1);
            driver.queue.publish();
          });
        }
        cpu.locked(() => driver.queue.kick());
      }),
    host: (context) => host(context, byFlags, new StampDevice(context)).program(),
  },
});

const gather = defineScenario({
  name: "gather",
  summary: "a receiver that needs three buffers before it can use any, event index, MSI-X",
  processors: { guest: 0 },
  spurious: { host: { kick: 0 }, guest: { vector: QUEUE_VECTOR } },
  threads: {
    guest: (context) =>
      guest(context, byEvent, (driver, cpu) => {
        for (const count of [1, 1, 1]) cpu.locked(() => driver.submit(count));
      }),
    host: (context) => host(context, byEvent, new GatheringDevice(context)).program(),
  },
});

const pause = defineScenario({
  name: "pause",
  summary: "the device is paused and resumed between and during requests, flags, MSI-X",
  processors: { guest: 0 },
  spurious: { host: { kick: 0 }, guest: { vector: QUEUE_VECTOR } },
  events: { pause: "host", resume: "host" },
  threads: {
    guest: (context) =>
      guest(context, byFlags, (driver, cpu) => {
        cpu.locked(() => driver.submit(1));
        cpu.locked(() => driver.submit(1));
      }),
    host(context) {
      const model = new PausableDevice(context);
      const hunted = host(context, byFlags, model);
      return hunted
        .beforeTurn(() => {
          const queue = hunted.functions[0]?.device.queues[0];
          if (queue === undefined) return false;
          // A pause asked for after its resume is over before it began.
          const paused = context.takeEvent("pause");
          if (paused) model.pause(queue);
          if (model.mayResume && context.takeEvent("resume")) {
            model.resume(queue);
            return true;
          }
          return paused;
        })
        .program();
    },
  },
});

export const kickScenarios: readonly Scenario[] = [lateKick, gather, pause];
