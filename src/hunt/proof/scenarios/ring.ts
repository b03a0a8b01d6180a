/** The ring's handshakes, one at a time, small enough to be explored completely. */
import { counted } from "../../../machine/counted.ts";
import { defineScenario, type Scenario, type ThreadContext } from "../../scenario.ts";
import { Bell, DeviceEnd, DriverEnd } from "../parts.ts";

const buffers = (count: number): string => counted(count, "buffer");

const publish = (count: number): Scenario =>
  defineScenario({
    name: `publish-${count}`,
    summary: `${buffers(count)} published one by one to a device that polls (letter A)`,
    threads: {
      driver(context) {
        const driver = new DriverEnd(context);
        return {
          run() {
            context.begin();
            for (let each = 0; each < count; each++) {
              driver.add();
              driver.queue.publish();
            }
          },
        };
      },
      device(context) {
        const device = new DeviceEnd(context);
        return {
          run() {
            while (device.taken < count) device.take();
          },
        };
      },
    },
  });

const twoCpus = (count: number): Scenario =>
  defineScenario({
    name: `two-cpus-${count}`,
    summary: `two CPUs, each with a queue and ${buffers(count)}, and a device that polls both`,
    threads: {
      cpu0: (context) => publisher(context, 0, count, true),
      cpu1: (context) => publisher(context, 1, count, false),
      device(context) {
        const ends = [new DeviceEnd(context, { index: 0 }), new DeviceEnd(context, { index: 1 })];
        return {
          run() {
            for (const end of ends) while (end.taken < count) end.take();
          },
        };
      },
    },
  });

function publisher(context: ThreadContext, index: number, count: number, first: boolean) {
  const driver = new DriverEnd(context, { index });
  return {
    run() {
      if (first) context.begin();
      for (let each = 0; each < count; each++) {
        driver.add();
        driver.queue.publish();
      }
    },
  };
}

/** Driver kicks, device sleeps between: letter C. */
const kick = (eventIndex: boolean, count: number): Scenario =>
  defineScenario({
    name: `kick-${eventIndex ? "event" : "flags"}-${count}`,
    summary: `${buffers(count)}, kicked by ${eventIndex ? "event index" : "flags"}, a device that sleeps (letter C)`,
    threads: {
      driver(context) {
        const bell = new Bell(context.control, context.plan.kickSummary);
        const driver = new DriverEnd(context, { eventIndex, tell: () => bell.ring() });
        return {
          run() {
            context.begin();
            for (let each = 0; each < count; each++) {
              driver.add();
              driver.queue.kick();
            }
          },
        };
      },
      device(context) {
        const bell = new Bell(context.control, context.plan.kickSummary);
        const device = new DeviceEnd(context, { eventIndex });
        return {
          run() {
            while (device.taken < count) {
              const ticket = bell.ticket();
              do {
                device.queue.disableNotifications();
                while (device.take() !== undefined);
              } while (device.queue.enableNotifications());
              if (device.taken < count) bell.sleep(ticket);
            }
          },
          judge(ending, report) {
            if (ending === "quiescent" && device.taken < count) {
              report("O1 quiescence", `the device sleeps with ${count - device.taken} buffers to take`);
            }
          },
        };
      },
    },
  });

/** Device interrupts, driver sleeps between: letter D. */
const interrupt = (eventIndex: boolean, count: number): Scenario =>
  defineScenario({
    name: `interrupt-${eventIndex ? "event" : "flags"}-${count}`,
    summary: `${buffers(count)} returned, interrupts by ${eventIndex ? "event index" : "flags"}, a driver that sleeps (letter D)`,
    threads: {
      driver(context) {
        const bell = new Bell(context.control, context.plan.kickSummary);
        const driver = new DriverEnd(context, { eventIndex });
        return {
          run() {
            for (let each = 0; each < count; each++) driver.add(true);
            driver.queue.publish();
            context.begin();
            while (driver.returned < count) {
              const ticket = bell.ticket();
              do {
                driver.queue.disableCallbacks();
                driver.reap();
              } while (!driver.queue.enableCallbacks());
              if (driver.returned < count) bell.sleep(ticket);
            }
          },
          judge(ending, report) {
            if (ending === "quiescent" && driver.returned < count) {
              report("O1 quiescence", `the driver sleeps with ${count - driver.returned} buffers to collect`);
            }
          },
        };
      },
      device(context) {
        const bell = new Bell(context.control, context.plan.kickSummary);
        const device = new DeviceEnd(context, { eventIndex, tell: () => bell.ring() });
        return {
          run() {
            for (let request = 0; request < count; request++) {
              const chain = device.take();
              if (chain === undefined) continue;
              device.answer(chain, request);
              device.queue.flush();
            }
          },
        };
      },
    },
  });

export const ringScenarios: readonly Scenario[] = [
  publish(1),
  publish(2),
  publish(3),
  twoCpus(1),
  twoCpus(2),
  ...[false, true].flatMap((eventIndex) => [1, 2].map((count) => kick(eventIndex, count))),
  ...[false, true].flatMap((eventIndex) => [1, 2].map((count) => interrupt(eventIndex, count))),
];
