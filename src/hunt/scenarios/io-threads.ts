/** Queues that another host thread serves: handed over, kicked there, taken back with a reset, handed over again. */
import { ringLayout } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { GuestCpu } from "../machine/guest-cpu.ts";
import { HuntedHost } from "../machine/host-side.ts";
import { HuntedIoThreads, ioThread, PART, StampPart } from "../machine/io-side.ts";
import { ringsInOrder } from "../machine/layout.ts";
import { StampDevice } from "../machine/stamp-device.ts";
import { StampDriver } from "../machine/stamp-driver.ts";
import { TransportGuest } from "../machine/transport.ts";
import { defineScenario, type Scenario, type ThreadContext, type ThreadProgram } from "../scenario.ts";

const SIZE = 4;
const BUFFER = site("driver: buffer");
/** Beyond anything that the guest's allocator hands out in these scenarios. */
const BUFFERS = ringsInOrder(SIZE, 0).end(6);
const PATTERN = 0xeeee_eeee;

/** A device of which the last queue may be served elsewhere. */
class PartedDevice extends StampDevice {
  get parts() {
    return { queues: [this.queues.length - 1], share: null };
  }
}

/** Without an observer: it would see neither what the I/O thread answers nor which interrupts it raises. */
const host = ({ watchStatements: _, ...context }: ThreadContext, queues: number): ThreadProgram =>
  new HuntedHost(
    context,
    [{ model: new PartedDevice(context, queues), queueSize: SIZE, mapped: true, part: PART }],
    new HuntedIoThreads(context),
  ).program();

/** Both threads set the same ISR and raise the same line. */
const ioLine = defineScenario({
  name: "io-line",
  summary: "one of two queues is served by an I/O thread, both interrupt by one line, INTx",
  processors: { guest: 0 },
  ioThreads: 1,
  ramBytes: 65_536,
  stepsMax: 20_000,
  threads: {
    guest(context) {
      const cpu = new GuestCpu(context);
      const drivers = [0, 1].map((at) => new StampDriver(context, cpu, { buffers: BUFFERS + 256 * at }));
      const guest = new TransportGuest(context, cpu, 0);
      const process = (): void => {
        cpu.locked(() => guest.bringUp(drivers));
        context.begin();
        for (let request = 0; request < 2; request++)
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
    host: (context) => host(context, 2),
    io: (context) => ioThread(context, new StampPart(context, 2), 2),
  },
});

/** What lies in the ring's pages when the driver has them back is what it puts there. */
function leaver(context: ThreadContext): ThreadProgram {
  const { ram } = context;
  const cpu = new GuestCpu(context);
  const driver = new StampDriver(context, cpu, { buffers: BUFFERS });
  const guest = new TransportGuest(context, cpu, 0);
  const { bytes, usedFlags } = ringLayout(SIZE);
  const reuse = (): void => {
    const at = guest.memory.allocatePages(bytes);
    if (at === undefined) throw new Error("the ring's pages are not free");
    // Flags and index, the word that a device writes most.
    const word = at - ram.base + usedFlags;
    ram.memory.write32(word, PATTERN, BUFFER);
    const found = ram.memory.read32(word, BUFFER);
    if (found >>> 0 !== PATTERN)
      context.fail("O2 ownership", "the used ring was written after the driver had its memory back");
    guest.memory.freePages(at, bytes);
  };
  const process = (): void => {
    cpu.locked(() => guest.bringUp(driver));
    context.begin();
    cpu.locked(() => driver.submit(2));
    if (context.draw(3) === 0) driver.settle(1);
    cpu.locked(() => {
      guest.leave(driver);
      reuse();
    });
    if (cpu.source.asserted(0)) context.fail("O7 interrupts", "the line is up after the reset");
    cpu.locked(() => guest.bringUp(driver));
    for (let request = 0; request < 2; request++) {
      cpu.locked(() => driver.submit(1));
      driver.settle();
    }
  };
  return cpu.program(process, {
    judge: (ending, report) => driver.judge(ending, report),
    describe: () => driver.describe(),
  });
}

const ioTakeBack = defineScenario({
  name: "io-take-back",
  summary:
    "a reset takes a queue back from the I/O thread that is busy with it, and it is handed over again, INTx",
  processors: { guest: 0 },
  ioThreads: 1,
  ramBytes: 65_536,
  stepsMax: 20_000,
  threads: {
    guest: leaver,
    host: (context) => host(context, 1),
    io: (context) => ioThread(context, new StampPart(context), 1),
  },
});

export const ioThreadScenarios: readonly Scenario[] = [ioLine, ioTakeBack];
