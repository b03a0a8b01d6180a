/**
 * Requests on one queue: submit, kick, serve, interrupt, collect. The smallest scenarios, and between them every
 * handshake of the ring: by flags or by event index, by message or by line.
 */
import { FEATURE, featureMask } from "../../wire/features.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { ringsInOrder } from "../machine/layout.ts";
import { stampDevice } from "../machine/stamp-device.ts";
import { QUEUE_IRQ, StampDriver } from "../machine/stamp-driver.ts";
import { defineScenario, type Scenario } from "../scenario.ts";

interface RequestsOptions {
  readonly name: string;
  readonly summary: string;
  readonly eventIndex?: boolean;
  readonly line?: boolean;
  /** Requests per kick, kick by kick. */
  readonly kicks: readonly number[];
  readonly size?: number;
  readonly delayedCallbacks?: boolean;
}

function requests(options: RequestsOptions): Scenario {
  const size = options.size ?? 4;
  const ring = ringsInOrder(size, options.eventIndex ? featureMask(FEATURE.EVENT_IDX) : 0);
  const msixVectors = options.line ? 0 : 2;
  return defineScenario({
    name: options.name,
    summary: options.summary,
    processors: { guest: 0 },
    threads: {
      guest(context) {
        const cpu = new GuestCpu(context);
        const driver = new StampDriver(context, cpu, {
          ring,
          size,
          buffers: ring.end(1),
          ...(options.line ? {} : { irq: QUEUE_IRQ }),
          delayedCallbacks: options.delayedCallbacks ?? false,
        });
        const process = (): void => {
          context.begin();
          for (const count of options.kicks) {
            // A full ring is served before the next kick.
            if (2 * count > driver.queue.freeDescriptors) driver.settle();
            cpu.locked(() => driver.submit(count));
          }
          driver.settle();
        };
        return cpu.program(process, {
          judge: (ending, report) => driver.judge(ending, report),
          describe: () => ({ queue: driver.queue.describe(), counters: { ...driver.queue.counters } }),
        });
      },
      host(context) {
        const model = stampDevice(context);
        return new HuntedHost(context, [{ model, msixVectors, ready: ring, queueSize: size }]).program();
      },
    },
  });
}

export const requestScenarios: readonly Scenario[] = [
  requests({
    name: "flags",
    summary: "two kicks, notifications by flags, MSI-X",
    kicks: [1, 1],
  }),
  requests({
    name: "event-index",
    summary: "three kicks, notifications by event index, MSI-X",
    eventIndex: true,
    kicks: [1, 1, 1],
  }),
  requests({
    name: "batches",
    summary: "batches on a larger ring, event index, MSI-X",
    eventIndex: true,
    kicks: [2, 1, 2],
    size: 8,
  }),
  requests({
    name: "delayed",
    summary: "batches with delayed callbacks, event index, MSI-X",
    eventIndex: true,
    kicks: [3, 1, 2],
    size: 8,
    delayedCallbacks: true,
  }),
  requests({
    name: "line",
    summary: "two kicks, notifications by flags, INTx",
    line: true,
    kicks: [1, 1],
  }),
];
