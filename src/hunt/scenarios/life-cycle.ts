/** The life of a device: configuration changes, resets with requests in flight, drivers that come and go, unplug. */
import { isWrite } from "../../memory/scheduled-memory.ts";
import { FEATURE, featureMask } from "../../wire/features.ts";
import { site } from "../../wire/sites.ts";
import { ConfigReader, ConfigWatch, configText, configValue } from "../machine/config-reader.ts";
import { attachQueue } from "../machine/direct-queue.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { ringsInOrder } from "../machine/layout.ts";
import { GatedDevice, LateDevice, StampDevice } from "../machine/stamp-device.ts";
import { StampDriver } from "../machine/stamp-driver.ts";
import { TransportGuest } from "../machine/transport.ts";
import { defineScenario, type Scenario, type ThreadContext } from "../scenario.ts";

const BUFFER = site("driver: buffer");
const SIZE = 4;
const ring = ringsInOrder(SIZE, 0);
const EVENT_IDX = featureMask(FEATURE.EVENT_IDX);
/** Beyond anything that the guest's allocator hands out in these scenarios. */
const BUFFERS = ringsInOrder(SIZE, 0).end(6);

const resize = defineScenario({
  name: "resize",
  summary: "a configuration value of two bytes changes twice while the driver reads it, INTx",
  ramBytes: 65_536,
  processors: { guest: 0 },
  events: { first: "host", second: "host" },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
      const published = new Set([0, 1, 2].map((version) => configText(configValue(version))));
      const watch = new ConfigWatch();
      let last = "";
      const registers = attachQueue(context, cpu, driver, {
        ring,
        size: SIZE,
        configChanged: () => watch.changed(),
      });
      const reader = new ConfigReader(registers, false);
      const process = (): void => {
        context.begin();
        for (;;) {
          if (!watch.pending) cpu.idle();
          if (!watch.pending) continue;
          watch.pending = false;
          watch.reading = true;
          last = reader.read();
          // Put to use, in memory: a change may come meanwhile.
          context.ram.memory.write32(BUFFERS - context.ram.base, 1, BUFFER);
          watch.reading = false;
          if (!published.has(last))
            context.fail("O8 config", `the driver believes ${last}, which was never set`);
        }
      };
      return cpu.program(process, {
        judge: (ending, report) => {
          if (ending === "quiescent" && last !== configText(configValue(2))) {
            report("O8 config", `the driver's last reading is ${last}, and nobody told it that it changed`);
          }
        },
        describe: () => ({ last }),
      });
    },
    host(context) {
      const model = new StampDevice(context, 1, configValue(0));
      const hunted = new HuntedHost(context, [{ model, ready: ring, queueSize: SIZE }]);
      let version = 0;
      return hunted
        .beforeTurn(() => {
          const due = [context.takeEvent("first"), context.takeEvent("second")].filter(Boolean).length;
          for (let each = 0; each < due; each++) {
            hunted.functions[0]?.device.updateConfig(0, configValue(++version));
          }
          return due > 0;
        })
        .program();
    },
  },
});

interface Restart {
  readonly name: string;
  readonly summary: string;
  readonly features?: number;
  /** The first life may wait for an answer. */
  readonly mayWait: boolean;
  readonly device: (context: ThreadContext) => StampDevice;
}

/** A driver leaves with requests in flight, and comes again. */
function restart({ name, summary, features = 0, mayWait, device }: Restart): Scenario {
  return defineScenario({
    name,
    summary,
    processors: { guest: 0 },
    ramBytes: 65_536,
    stepsMax: 20_000,
    threads: {
      guest(context) {
        const cpu = new GuestCpu(context);
        const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
        const guest = new TransportGuest(context, cpu, features);
        const process = (): void => {
          cpu.locked(() => guest.bringUp(driver));
          context.begin();
          cpu.locked(() => driver.submit(2));
          // Sometimes everything is back before the driver leaves, mostly not.
          if (mayWait && context.draw(3) === 0) driver.settle(1);
          cpu.locked(() => guest.leave(driver));
          if (cpu.source.asserted(0)) context.fail("O7 interrupts", "the line is up after the reset");
          cpu.locked(() => guest.bringUp(driver));
          cpu.locked(() => driver.submit(1));
          driver.settle();
          cpu.locked(() => driver.submit(1));
          driver.settle();
        };
        return cpu.program(process, {
          judge: (ending, report) => driver.judge(ending, report),
          describe: () => driver.describe(),
        });
      },
      host(context) {
        const model = device(context);
        const hunted = new HuntedHost(context, [{ model, queueSize: SIZE, mapped: true }]);
        if (model instanceof LateDevice) hunted.beforeTurn(() => model.complete());
        return hunted.program();
      },
    },
  });
}

const twoStarts = defineScenario({
  name: "two-starts",
  summary: "the driver writes its status again while the device runs, flags, INTx",
  processors: { guest: 0 },
  ramBytes: 65_536,
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
      const guest = new TransportGuest(context, cpu, 0);
      const process = (): void => {
        cpu.locked(() => guest.bringUp(driver));
        context.begin();
        cpu.locked(() => driver.submit(1));
        cpu.locked(() => guest.ready());
        cpu.locked(() => driver.submit(1));
        driver.settle();
      };
      return cpu.program(process, {
        judge: (ending, report) => driver.judge(ending, report),
        describe: () => driver.describe(),
      });
    },
    host: (context) =>
      new HuntedHost(context, [{ model: new StampDevice(context), queueSize: SIZE, mapped: true }]).program(),
  },
});

const firstKick = defineScenario({
  name: "first-kick",
  summary: "a driver that fills its queue as soon as the device is ready, flags, INTx",
  processors: { guest: 0 },
  ramBytes: 65_536,
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
      const guest = new TransportGuest(context, cpu, 0);
      const process = (): void => {
        context.begin();
        cpu.locked(() => guest.bringUp(driver, () => driver.submit(1)));
        driver.settle();
      };
      return cpu.program(process, {
        judge: (ending, report) => driver.judge(ending, report),
        describe: () => driver.describe(),
      });
    },
    host: (context) =>
      new HuntedHost(context, [{ model: new StampDevice(context), queueSize: SIZE, mapped: true }]).program(),
  },
});

const giveUp = defineScenario({
  name: "give-up",
  summary: "the driver's patience ends before the device's answer: reset, cancel, ask again, INTx",
  processors: { guest: 0 },
  ramBytes: 65_536,
  stepsMax: 20_000,
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
      const guest = new TransportGuest(context, cpu, 0);
      const process = (): void => {
        cpu.locked(() => guest.bringUp(driver));
        context.begin();
        cpu.locked(() => driver.submit(1));
        cpu.locked(() => {
          if (driver.ledger.outstanding === 0) return;
          driver.giveUp(guest);
        });
        cpu.locked(() => driver.submit(1));
        driver.settle();
      };
      return cpu.program(process, {
        judge: (ending, report) => driver.judge(ending, report),
        describe: () => driver.describe(),
      });
    },
    host(context) {
      const model = new LateDevice(context);
      return new HuntedHost(context, [{ model, queueSize: SIZE, mapped: true }])
        .beforeTurn(() => model.complete())
        .program();
    },
  },
});

const unplug = defineScenario({
  name: "unplug",
  summary: "the device is pulled out with requests in flight, and must leave RAM alone from then on, INTx",
  ramBytes: 65_536,
  processors: { guest: 0 },
  events: { unplug: "host" },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
      attachQueue(context, cpu, driver, { ring, size: SIZE });
      const process = (): void => {
        context.begin();
        cpu.locked(() => driver.submit(2));
      };
      return cpu.program(process, { describe: () => driver.describe() });
    },
    host(context) {
      const model = new LateDevice(context);
      const hunted = new HuntedHost(context, [{ model, ready: ring, queueSize: SIZE }]);
      return hunted
        .beforeTurn(() => model.complete())
        .beforeTurn(() => {
          const [device] = hunted.functions;
          if (!context.takeEvent("unplug") || device === undefined) return false;
          void hunted.host.removeDevice(device);
          context.watchRam((kind) => {
            if (isWrite(kind))
              context.fail("O2 ownership", "the device wrote to RAM after it was pulled out");
          });
          return true;
        })
        .program();
    },
  },
});

export const lifeCycleScenarios: readonly Scenario[] = [
  resize,
  restart({
    name: "reset",
    summary: "reset with requests in flight, then a new start, flags, INTx",
    mayWait: true,
    device: (context) => new LateDevice(context),
  }),
  restart({
    name: "reset-event",
    summary: "reset and new start with event index, INTx",
    features: EVENT_IDX,
    mayWait: true,
    device: (context) => new StampDevice(context),
  }),
  restart({
    name: "gate",
    summary: "a device that starts with its gate shut, opened by a reset, INTx",
    mayWait: false,
    device: (context) => new GatedDevice(context),
  }),
  twoStarts,
  firstKick,
  giveUp,
  unplug,
];
