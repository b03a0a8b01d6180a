/**
 * Requests on one queue: submit, kick, serve, interrupt, collect. The smallest scenarios, and between them every
 * handshake of the ring: by flags or by event index, by message or by line, in order or not, at the wrap of the indices.
 */
import { FEATURE, featureMask } from "../../wire/features.ts";
import { attachQueue, QUEUE_IRQ } from "../machine/direct-queue.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { QUEUE_VECTOR, ringsInOrder } from "../machine/layout.ts";
import { LateDevice, StampDevice } from "../machine/stamp-device.ts";
import { StampDriver } from "../machine/stamp-driver.ts";
import { defineScenario, type Scenario } from "../scenario.ts";

interface RequestsOptions {
  readonly name: string;
  readonly summary: string;
  readonly eventIndex?: boolean;
  readonly indirect?: boolean;
  /** INTx rather than a message. */
  readonly line?: boolean;
  /** Requests per kick, kick by kick. */
  readonly kicks: readonly number[];
  readonly size?: number;
  readonly delayedCallbacks?: boolean;
  /** The device answers later, in any order. */
  readonly late?: boolean;
  /** Wait for all answers before the next kick. */
  readonly inTurn?: boolean;
  readonly startAt?: number;
  /** One request that makes no sense comes first. */
  readonly malformed?: boolean;
}

function requests(options: RequestsOptions): Scenario {
  const size = options.size ?? 4;
  const features = featureMask(
    ...(options.eventIndex ? [FEATURE.EVENT_IDX] : []),
    ...(options.indirect ? [FEATURE.INDIRECT_DESC] : []),
  );
  const rings = ringsInOrder(size, features);
  const buffers = rings.end(1);
  const ring = { ...rings, tables: buffers + 1024 };
  const placed = options.startAt === undefined ? {} : { startAt: options.startAt };
  const needed = options.indirect ? 1 : 2;
  return defineScenario({
    name: options.name,
    summary: options.summary,
    processors: { guest: 0 },
    spurious: { host: { kick: 0 }, ...(options.line ? {} : { guest: { vector: QUEUE_VECTOR } }) },
    ramBytes: 16_384,
    threads: {
      guest(context) {
        const cpu = new GuestCpu(context);
        const driver = new StampDriver(context, cpu, {
          buffers,
          ring: ring.address(0),
          delayedCallbacks: options.delayedCallbacks ?? false,
        });
        attachQueue(context, cpu, driver, {
          ring,
          size,
          ...placed,
          ...(options.line ? {} : { irq: QUEUE_IRQ }),
        });
        const process = (): void => {
          context.begin();
          if (options.malformed) cpu.locked(() => driver.submitMalformed());
          for (const count of options.kicks) {
            if (options.inTurn) driver.settle();
            driver.awaitRoom(needed * count);
            cpu.locked(() => driver.submit(count));
          }
          driver.settle();
        };
        return cpu.program(process, {
          judge: (ending, report) => driver.judge(ending, report),
          describe: () => driver.describe(),
        });
      },
      host(context) {
        const model = options.late ? new LateDevice(context) : new StampDevice(context);
        const msixVectors = options.line ? 0 : 2;
        const host = new HuntedHost(context, [
          { model, msixVectors, ready: ring, queueSize: size, ...placed },
        ]);
        if (model instanceof LateDevice) host.beforeTurn(() => model.complete());
        return host.program();
      },
    },
  });
}

export const requestScenarios: readonly Scenario[] = [
  requests({ name: "flags", summary: "two kicks, notifications by flags, MSI-X", kicks: [1, 1] }),
  requests({
    name: "event-index",
    summary: "three kicks, notifications by event index, MSI-X",
    eventIndex: true,
    kicks: [1, 1, 1],
  }),
  requests({
    name: "in-turn",
    summary: "each request waits for the one before, event index, INTx",
    eventIndex: true,
    line: true,
    inTurn: true,
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
  requests({ name: "line", summary: "two kicks, notifications by flags, INTx", line: true, kicks: [1, 1] }),
  requests({
    name: "round",
    summary: "more requests than the ring has entries, flags, MSI-X",
    kicks: [2, 2, 2],
  }),
  requests({
    name: "out-of-order",
    summary: "a device that answers later and in any order, flags, MSI-X",
    late: true,
    kicks: [2, 1, 1],
    size: 8,
  }),
  requests({
    name: "reuse",
    summary: "a small ring, and descriptors that come back in any order, flags, MSI-X",
    late: true,
    kicks: [1, 1, 1, 1, 1],
  }),
  requests({
    name: "indirect",
    summary: "indirect descriptors and a device that answers later, event index, MSI-X",
    late: true,
    indirect: true,
    eventIndex: true,
    kicks: [2, 1],
  }),
  requests({
    name: "byte-wrap",
    summary: "indices go from 0x00fe over 0x0100, event index, MSI-X",
    eventIndex: true,
    kicks: [1, 1, 1],
    startAt: 0xfe,
  }),
  requests({
    name: "index-wrap",
    summary: "indices go from 0xfffe over 0, late answers, event index, MSI-X",
    eventIndex: true,
    late: true,
    kicks: [1, 2, 1],
    size: 8,
    startAt: 0xfffe,
  }),
  requests({
    name: "malformed",
    summary: "a request that the device must refuse, then good ones, flags, MSI-X",
    malformed: true,
    kicks: [1, 1],
    inTurn: true,
  }),
];
