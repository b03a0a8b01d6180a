/** Interrupt delivery: shared lines, masked vectors, vectors that are not assigned, and more than one device thread. */
import { InterruptController } from "../../bus/interrupt-controller.ts";
import { IntxPin } from "../../bus/intx.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import { ISR } from "../../wire/legacy-registers.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress, MSIX } from "../../wire/pci.ts";
import { attachQueue, QUEUE_IRQ } from "../machine/direct-queue.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { lineIrq, MSIX_CONTROL, memoryBase, ringsInOrder, slotOf } from "../machine/layout.ts";
import { StampDevice } from "../machine/stamp-device.ts";
import { StampDriver } from "../machine/stamp-driver.ts";
import { defineScenario, type Scenario, type ThreadContext } from "../scenario.ts";

const SIZE = 4;
const ring = ringsInOrder(SIZE, 0);

const sharedLine = defineScenario({
  name: "shared-line",
  summary: "two devices on one INTx line, a request to each",
  processors: { guest: 0 },
  functions: 2,
  ramBytes: 65_536,
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const drivers = [0, 1].map((functionIndex) => {
        const own = ringsInOrder(SIZE, 0, functionIndex);
        const driver = new StampDriver(context, cpu, { buffers: ring.end(2) + 256 * functionIndex });
        attachQueue(context, cpu, driver, { ring: own, size: SIZE, functionIndex });
        return driver;
      });
      const process = (): void => {
        context.begin();
        for (const driver of drivers) cpu.locked(() => driver.submit(1));
        for (const driver of drivers) driver.settle();
      };
      return cpu.program(process, {
        judge: (ending, report) => {
          for (const driver of drivers) driver.judge(ending, report);
        },
        describe: () => drivers.map((driver) => driver.describe()),
      });
    },
    host(context) {
      const functions = [0, 1].map((index) => ({
        model: new StampDevice(context),
        ready: ringsInOrder(SIZE, 0, index),
        queueSize: SIZE,
      }));
      return new HuntedHost(context, functions).program();
    },
  },
});

/** Masks the queue's vector, or the function, by the same accesses as a driver's. */
function setMask(cpu: GuestCpu, wholeFunction: boolean, masked: boolean): void {
  if (!wholeFunction) {
    const control = memoryBase(0) + MSIX.entryBytes + MSIX.entryControl;
    cpu.bus.mmioWrite(control, 4, masked ? MSIX.entryMasked : 0);
    return;
  }
  const address = configAddress({ bus: 0, slot: slotOf(0), function: 0 }, MSIX_CONTROL);
  cpu.bus.out(CONFIG_ADDRESS_PORT, 4, address);
  cpu.bus.out(CONFIG_DATA_PORT + (MSIX_CONTROL & 3), 2, MSIX.enable | (masked ? MSIX.functionMask : 0));
}

const mask = defineScenario({
  name: "mask",
  summary: "a vector or the whole function masked and unmasked around requests, MSI-X",
  processors: { guest: 0 },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: ring.end(1) });
      attachQueue(context, cpu, driver, { ring, size: SIZE, irq: QUEUE_IRQ });
      const process = (): void => {
        context.begin();
        const wholeFunction = context.draw(2) === 1;
        cpu.locked(() => driver.submit(1));
        cpu.locked(() => setMask(cpu, wholeFunction, true));
        cpu.locked(() => driver.submit(1));
        cpu.locked(() => setMask(cpu, wholeFunction, false));
        driver.settle();
      };
      return cpu.program(process, {
        judge: (ending, report) => driver.judge(ending, report),
        describe: () => driver.describe(),
      });
    },
    host: (context) =>
      new HuntedHost(context, [
        { model: new StampDevice(context), msixVectors: 2, ready: ring, queueSize: SIZE },
      ]).program(),
  },
});

/** The guest of the scenarios where only configuration interrupts matter besides the requests. */
function countingGuest(context: ThreadContext, line: boolean, expectedChanges: number) {
  const cpu = new GuestCpu(context);
  const driver = new StampDriver(context, cpu, { buffers: ring.end(1) });
  let changes = 0;
  const configChanged = (): void => {
    changes++;
  };
  attachQueue(context, cpu, driver, {
    ring,
    size: SIZE,
    configChanged,
    ...(line ? {} : { irq: QUEUE_IRQ }),
  });
  const process = (): void => {
    context.begin();
    cpu.locked(() => driver.submit(1));
    driver.settle();
  };
  return cpu.program(process, {
    judge: (ending, report) => {
      driver.judge(ending, report);
      if (ending !== "quiescent") return;
      if (changes < expectedChanges) report("O7 interrupts", "a configuration interrupt was lost");
      if (changes > expectedChanges)
        report("O7 interrupts", `${changes} configuration interrupts for no change`);
    },
    describe: () => ({ ...driver.describe(), changes }),
  });
}

const twoWorkers = defineScenario({
  name: "two-workers",
  summary: "a second device thread reports a configuration change on the same ISR, INTx",
  processors: { guest: 0 },
  threads: {
    guest: (context) => countingGuest(context, true, 1),
    // The worker sets the ISR too, which a monitor of this thread would not see.
    host: ({ watchStatements: _, ...context }) =>
      new HuntedHost(context, [{ model: new StampDevice(context), ready: ring, queueSize: SIZE }]).program(),
    worker(context) {
      const { control, plan } = context;
      const bell = new Doorbell(control, plan.cpus[0]?.doorbell ?? 0);
      const controller = new InterruptController(control, plan, 0, bell);
      const pin = new IntxPin(control, plan, 0, lineIrq(0) - 16, controller);
      return { run: () => pin.raise(ISR.CONFIG) };
    },
  },
});

const noVector = defineScenario({
  name: "no-vector",
  summary: "a queue without a vector is polled while the configuration has one, MSI-X",
  processors: { guest: 0 },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: ring.end(1) });
      let changes = 0;
      attachQueue(context, cpu, driver, { ring, size: SIZE, irq: "none" });
      for (let vector = 0; vector < 2; vector++) {
        const message = cpu.irq.allocateMsi();
        if (message === undefined) continue;
        cpu.irq.requestIrq(message.irq, () => ++changes > 0, "any", {});
      }
      const process = (): void => {
        context.begin();
        cpu.locked(() => driver.submit(2));
        while (driver.ledger.outstanding > 0 && driver.queue.broken === undefined) driver.reap();
      };
      return cpu.program(process, {
        judge: (ending, report) => {
          driver.judge(ending, report);
          if (changes > 0) report("O7 interrupts", `${changes} interrupts for a queue that has no vector`);
        },
        describe: () => ({ ...driver.describe(), changes }),
      });
    },
    host: (context) =>
      new HuntedHost(context, [
        {
          model: new StampDevice(context),
          msixVectors: 2,
          ready: ring,
          queueSize: SIZE,
          noQueueVector: true,
        },
      ]).program(),
  },
});

const pollIsr = defineScenario({
  name: "poll-isr",
  summary: "a driver that reads the ISR after a message, as one does that is about to switch MSI-X off",
  processors: { guest: 0 },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: ring.end(1) });
      const registers = attachQueue(context, cpu, driver, { ring, size: SIZE, irq: QUEUE_IRQ });
      let isr = ISR.QUEUE as number;
      const process = (): void => {
        context.begin();
        cpu.locked(() => driver.submit(1));
        driver.settle();
        isr = cpu.locked(() => registers.read("isr"));
      };
      return cpu.program(process, {
        judge: (ending, report) => {
          driver.judge(ending, report);
          if ((isr & ISR.QUEUE) === 0)
            report("O7 interrupts", "a message was sent, but the ISR does not say so");
        },
        describe: () => driver.describe(),
      });
    },
    host: (context) =>
      new HuntedHost(context, [
        { model: new StampDevice(context), msixVectors: 2, ready: ring, queueSize: SIZE },
      ]).program(),
  },
});

const secondQueue = defineScenario({
  name: "second-queue",
  summary: "only the second of two queues is in use, with a vector of its own, MSI-X",
  processors: { guest: 0 },
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const driver = new StampDriver(context, cpu, { buffers: ring.end(2) });
      attachQueue(context, cpu, driver, { ring, size: SIZE, queueIndex: 1, irq: QUEUE_IRQ + 1 });
      const process = (): void => {
        context.begin();
        cpu.locked(() => driver.submit(1));
        driver.settle();
      };
      return cpu.program(process, {
        judge: (ending, report) => driver.judge(ending, report),
        describe: () => driver.describe(),
      });
    },
    host: (context) =>
      new HuntedHost(context, [
        { model: new StampDevice(context, 2), msixVectors: 3, ready: ring, queueSize: SIZE, unusedQueue: 0 },
      ]).program(),
  },
});

export const interruptScenarios: readonly Scenario[] = [
  sharedLine,
  mask,
  twoWorkers,
  noVector,
  pollIsr,
  secondQueue,
];
