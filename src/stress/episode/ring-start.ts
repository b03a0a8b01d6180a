/**
 * Rings whose indices do not start at 0: as after many requests, without making them. The driver's side writes the
 * indices into a ring before the device hears of it, and the device's side starts where they stand.
 */
import { GuestMemory } from "../../guest/guest-memory.ts";
import { IrqCore } from "../../guest/irq.ts";
import { PartTransport } from "../../guest/virtio-pci/part-transport.ts";
import { Queues } from "../../guest/virtio-pci/queues.ts";
import { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";
import { QueueConfig } from "../../host/queue-config.ts";
import { plant } from "../../hunt/defect.ts";
import type { SharedMemory } from "../../memory/shared-memory.ts";
import type { LegacyRegister } from "../../wire/legacy-registers.ts";
import { PAGE_SHIFT } from "../../wire/numbers.ts";
import { isQueueSize, ringLayout } from "../../wire/ring.ts";

/** The private indices of either side's queue. */
type Indices = Record<
  | "lastAvail"
  | "availIndex"
  | "usedIndex"
  | "publishedUsed"
  | "signalledUsed"
  | "publishedAvail"
  | "kickedAvail"
  | "lastUsed"
  | "usedEvent",
  number
> & { readonly callbacksOn: boolean; readonly eventIndex: boolean; writeUsedEvent(index: number): void };

export function windOn(start: number): void {
  let memory: { readonly shared: SharedMemory; readonly base: number } | undefined;
  let size = 0;

  class KnowsMemory extends GuestMemory {
    override allocatePages(bytes: number) {
      memory = { shared: this.ram.memory, base: this.ram.base };
      return super.allocatePages(bytes);
    }
  }

  class WritesIndices extends LegacyRegisters {
    override read(name: LegacyRegister): number {
      const value = super.read(name);
      if (name === "queueSize") size = value;
      return value;
    }
    override write(name: LegacyRegister, value: number): void {
      if (name === "queuePfn" && value !== 0 && memory !== undefined && isQueueSize(size)) {
        const at = value * 2 ** PAGE_SHIFT - memory.base;
        const { availIndex, usedIndex, usedEvent, availEvent } = ringLayout(size);
        for (const offset of [availIndex, usedIndex, usedEvent, availEvent])
          memory.shared.store16(at + offset, start & 0xffff, 0);
      }
      super.write(name, value);
    }
  }

  function startDriverAt(queue: Indices): void {
    for (const name of ["availIndex", "publishedAvail", "kickedAvail", "lastUsed", "usedIndex"] as const)
      queue[name] = start & 0xffff;
    queue.usedEvent = start & 0xffff;
    if (!queue.callbacksOn && queue.eventIndex) queue.writeUsedEvent((start - 1) & 0xffff);
  }

  let setUpNow = 0;
  /** No handler may look at a ring that has been written while its queue does not know. */
  class WaitsForRings extends IrqCore {
    override poll(): boolean {
      return setUpNow === 0 && super.poll();
    }
  }
  function whole<T>(setUp: () => T): T {
    setUpNow++;
    try {
      return setUp();
    } finally {
      setUpNow--;
    }
  }

  class StartsThere extends Queues {
    override setUp(...args: Parameters<Queues["setUp"]>) {
      return whole(() => {
        const info = super.setUp(...args);
        startDriverAt(info.queue as unknown as Indices);
        return info;
      });
    }
  }

  /** On another CPU, whose ring has been written. */
  class PartStartsThere extends PartTransport {
    override findQueues(...args: Parameters<PartTransport["findQueues"]>) {
      return whole(() => {
        const queues = super.findQueues(...args);
        for (const queue of queues) startDriverAt(queue as unknown as Indices);
        return queues;
      });
    }
  }

  class DeviceStartsThere extends QueueConfig {
    override activate(...args: Parameters<QueueConfig["activate"]>) {
      const active = super.activate(...args);
      const queue = active as unknown as Indices | undefined;
      if (queue === undefined) return active;
      for (const name of ["lastAvail", "availIndex", "usedIndex", "publishedUsed", "signalledUsed"] as const)
        queue[name] = start & 0xffff;
      return active;
    }
  }

  plant({
    replacements: [
      { base: GuestMemory, by: KnowsMemory },
      { base: LegacyRegisters, by: WritesIndices },
      { base: IrqCore, by: WaitsForRings },
      { base: Queues, by: StartsThere },
      { base: PartTransport, by: PartStartsThere },
      { base: QueueConfig, by: DeviceStartsThere },
    ],
  });
}
