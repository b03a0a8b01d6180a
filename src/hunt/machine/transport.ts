/**
 * The real virtio-pci transport on INTx, for scenarios that bring a device up, reset it and bring it up again. The PCI
 * bus is left out: configuration space is not what these scenarios are about.
 */
import { GuestMemory } from "../../guest/guest-memory.ts";
import type { Pci } from "../../guest/pci/pci.ts";
import type { PciDevice } from "../../guest/pci/pci-device.ts";
import { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";
import { VirtioPciTransport } from "../../guest/virtio-pci/transport.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { QueueCounters } from "../../observe/record/counters.ts";
import { STATUS } from "../../wire/status.ts";
import type { ThreadContext } from "../scenario.ts";
import type { GuestCpu } from "./guest-cpu.ts";
import { ioBase, lineIrq, slotOf, UNTOUCHED } from "./layout.ts";
import type { StampDriver } from "./stamp-driver.ts";

export class TransportGuest {
  readonly memory: GuestMemory;
  readonly registers: LegacyRegisters;
  readonly transport: VirtioPciTransport;
  readonly #features: number;

  constructor(context: ThreadContext, cpu: GuestCpu, features: number, configChanged: () => void = () => {}) {
    this.memory = new GuestMemory(context.ram);
    this.registers = new LegacyRegisters(cpu.bus, ioBase(0));
    this.#features = features;
    cpu.observer?.adopt({ ...UNTOUCHED, slot: slotOf(0), ioBase: ioBase(0), msixAt: 0 });
    // INTx only: of PCI the transport then needs the irq number and a name.
    const device = { name: "00:01.0", irq: lineIrq(0) } as unknown as PciDevice;
    this.transport = new VirtioPciTransport({
      device,
      registers: this.registers,
      pci: { resume: () => {} } as unknown as Pci,
      irq: cpu.irq,
      memory: this.memory,
      retired: new QueueCounters(),
      tiers: "intx",
    });
    this.transport.attach({ name: "virtio0", configChanged });
  }

  /** As the virtio bus does it, up to DRIVER_OK; then `first`. Each driver has a queue. */
  bringUp(driver: StampDriver | readonly StampDriver[], first: () => void = () => {}): void {
    const { transport } = this;
    transport.setStatus(STATUS.ACKNOWLEDGE);
    transport.setStatus(STATUS.ACKNOWLEDGE | STATUS.DRIVER);
    transport.finalizeFeatures(this.#features);
    const drivers = [driver].flat();
    const queues = transport.findQueues(
      drivers.map((each, index) => ({ name: `q${index}`, callback: () => each.collect() })),
    );
    queues.forEach((queue, index) => void drivers[index]?.attach(queue as unknown as DriverQueue<number>));
    this.goLive(first);
  }

  protected goLive(first: () => void): void {
    this.ready();
    first();
  }

  ready(): void {
    this.transport.setStatus(STATUS.ACKNOWLEDGE | STATUS.DRIVER | STATUS.DRIVER_OK);
  }

  /** As a driver leaves its device: reset first, then everything is its own again. */
  leave(driver: StampDriver): void {
    this.transport.reset();
    driver.cancelAll();
    this.transport.deleteQueues();
  }
}
