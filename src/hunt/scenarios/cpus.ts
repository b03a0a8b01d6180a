/** Several virtual CPUs: each with a queue of its own, and a queue that the first takes back from the second. */
import { InterruptController } from "../../bus/interrupt-controller.ts";
import { ThreadCallee, ThreadCaller } from "../../bus/thread-call.ts";
import { CALL_IRQ } from "../../guest/cpus.ts";
import { type ActiveQueue, queueInterrupt } from "../../guest/virtio-pci/interrupts.ts";
import { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import { FIRST_SYSTEM_VECTOR } from "../../wire/hot-plug.ts";
import { MSIX, msiAddress } from "../../wire/pci.ts";
import { ringLayout } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { attachQueue, QUEUE_IRQ } from "../machine/direct-queue.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { ioBase, memoryBase, ringsInOrder } from "../machine/layout.ts";
import { StampDevice } from "../machine/stamp-device.ts";
import { StampDriver } from "../machine/stamp-driver.ts";
import { defineScenario, type Scenario, type ThreadContext, type ThreadProgram } from "../scenario.ts";

const SIZE = 4;
const REQUESTS = 2;
const ring = ringsInOrder(SIZE, 0);
const BUFFER = site("driver: buffer");
/** What CPU 0 does with the ring's memory once it has it back. */
const PATTERN = 0xeeee_eeee;

function bellOf({ control, plan }: ThreadContext, cpu: number): Doorbell {
  return new Doorbell(control, plan.cpus[cpu]?.doorbell ?? 0);
}

/** A device whose vectors from the second on go to the CPUs that are named, in turn. */
function host(context: ThreadContext, cpus: readonly number[]): ThreadProgram {
  const hunted = new HuntedHost(context, [
    {
      model: new StampDevice(context, cpus.length),
      msixVectors: cpus.length + 1,
      ready: ring,
      queueSize: SIZE,
    },
  ]);
  cpus.forEach((cpu, queue) => {
    const entry = memoryBase(0) + (queue + 1) * MSIX.entryBytes;
    hunted.host.handler.mmioWrite(entry + MSIX.entryAddress, 4, msiAddress(cpu));
  });
  return hunted.program();
}

/** A CPU that drives the queue of its number. */
function ownQueue(context: ThreadContext, cpu: number): ThreadProgram {
  const own = new GuestCpu(context, cpu);
  const driver = new StampDriver(context, own, { buffers: ring.end(2) + 256 * cpu, ring: ring.address(cpu) });
  attachQueue(context, own, driver, { ring, size: SIZE, queueIndex: cpu, irq: QUEUE_IRQ + cpu });
  const process = (): void => {
    if (cpu === 0) context.begin();
    for (let request = 0; request < REQUESTS; request++) own.locked(() => driver.submit(1));
    driver.settle();
  };
  return own.program(process, {
    judge: (ending, report) => driver.judge(ending, report),
    describe: () => driver.describe(),
  });
}

const twoCpus = defineScenario({
  name: "two-cpus",
  summary: "two CPUs, each with a queue of one device and its vector, MSI-X",
  processors: { cpu0: 0, cpu1: 1 },
  cpus: 2,
  ramBytes: 65_536,
  threads: {
    cpu0: (context) => ownQueue(context, 0),
    cpu1: (context) => ownQueue(context, 1),
    host: (context) => host(context, [0, 1]),
  },
});

/** Resets the device, calls the other CPU for its queue, and uses the memory for something else. */
function taker(context: ThreadContext): ThreadProgram {
  const { ram, control, plan, quietRam } = context;
  const cpu = new GuestCpu(context, 0);
  const registers = new LegacyRegisters(cpu.bus, ioBase(0));
  const other = plan.cpus[1];
  if (other === undefined) throw new RangeError("no CPU 1");
  const controller = new InterruptController(control, plan, 1, bellOf(context, 1));
  const wake = (): void => controller.post(FIRST_SYSTEM_VECTOR + CALL_IRQ);
  const caller = new ThreadCaller(control, other, wake, cpu.doorbell, { spins: 1 });
  // What a driver writes of a ring.
  const words = (ringLayout(SIZE).usedEvent + 2) >>> 2;
  const offset = (word: number): number => ring.address(0) - ram.base + 4 * word;
  const process = (): void => {
    context.begin();
    registers.write("status", 0);
    registers.read("status");
    caller.ask(Number.POSITIVE_INFINITY);
    for (let word = 0; word < words; word++) ram.memory.write32(offset(word), PATTERN, BUFFER);
  };
  return cpu.program(process, {
    judge(ending, report) {
      if (ending !== "quiescent") return;
      for (let word = 0; word < words; word++) {
        if (quietRam.peek32(offset(word)) >>> 0 === PATTERN) continue;
        report("O2 ownership", `word ${word} of the ring was written after CPU 0 had it back`);
        return;
      }
    },
  });
}

/** Drives the queue until CPU 0 wants it back. */
function giver(context: ThreadContext): ThreadProgram {
  const { control, plan } = context;
  const cpu = new GuestCpu(context, 1);
  const own = plan.cpus[1];
  if (own === undefined) throw new RangeError("no CPU 1");
  const driver = new StampDriver(context, cpu, { buffers: ring.end(1) });
  attachQueue(context, cpu, driver, { ring, size: SIZE, irq: "none" });
  const active: ActiveQueue = { queue: driver.queue as DriverQueue<never>, callback: () => driver.collect() };
  while (!cpu.hasMessage(QUEUE_IRQ)) cpu.irq.allocateMsi();
  cpu.irq.requestIrq(QUEUE_IRQ, () => queueInterrupt(active), "stamp", driver);
  const callee = new ThreadCallee(control, own, bellOf(context, 0));
  let given = false;
  const give = (): void => {
    given = true;
    driver.cancelAll();
    cpu.irq.freeIrq(QUEUE_IRQ, driver);
  };
  cpu.irq.requestIrq(CALL_IRQ, () => callee.take(give), "calls", driver);
  const process = (): void => {
    for (let request = 0; request < REQUESTS; request++) {
      cpu.locked(() => {
        if (!given) driver.submit(1);
      });
    }
  };
  return cpu.program(process, {
    judge(ending, report) {
      if (ending !== "quiescent") return;
      const { outstanding } = driver.ledger;
      if (!given) report("O1 quiescence", "the call was never taken");
      else if (outstanding > 0) report("O5 conservation", `${outstanding} requests never ended`);
    },
    describe: () => ({ ...driver.describe(), given }),
  });
}

const takeBack = defineScenario({
  name: "take-back",
  summary: "a CPU takes a queue back from another that is busy with it, after a reset, MSI-X",
  processors: { cpu0: 0, cpu1: 1 },
  cpus: 2,
  ramBytes: 65_536,
  threads: {
    cpu0: taker,
    cpu1: giver,
    host: (context) => host(context, [1]),
  },
});

export const cpuScenarios: readonly Scenario[] = [twoCpus, takeBack];
