/**
 * Our host in v86's PC: the same `Host` with the same device models, its bus and interrupts translated, guest RAM
 * being v86's. Everything runs in one thread: a kick is served where the guest writes it, and what a back-end ends
 * later is delivered between two slices of the guest.
 */
import { InterruptController } from "../../bus/interrupt-controller.ts";
import { allOnes, type PortHandler } from "../../bus/port-bus.ts";
import { Host } from "../../host/host.ts";
import type { Violation } from "../../host/violation.ts";
import { livePlatform } from "../../machine/platform.ts";
import { allocateShared, attachMemory } from "../../memory/attach.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import { EmulatorMemory } from "../../memory/emulator-memory.ts";
import { planControl } from "../../memory/plan.ts";
import { Ram } from "../../memory/ram.ts";
import { RecordedMemory } from "../../memory/recorded-memory.ts";
import type { SharedMemory } from "../../memory/shared-memory.ts";
import type { Observer, ObserverOptions } from "../../monitor/observer.ts";
import { HOT_PLUG } from "../../wire/hot-plug.ts";
import { ACPI_HOT_PLUG_END, AcpiHotPlug } from "./acpi-hot-plug.ts";
import { PcBus, type PcDevices, type Range } from "./pc-bus.ts";
import { PcInterrupts } from "./pc-interrupts.ts";
import type { V86Cpu } from "./v86.ts";

const FUNCTIONS_MAX = 8;

export interface PcHostOptions {
  readonly violated: (violation: Violation) => void;
  readonly log: (message: string) => void;
  /** A device of ours threw: a bug of ours, after which the machine is of no use. */
  readonly failed: (error: unknown) => void;
  /** Stands between the PC and our devices: to record accesses, or to plant faults. */
  readonly intercept?: ((handler: PortHandler, host: Host) => PortHandler) | undefined;
  /** Likewise, between our devices and guest RAM. */
  readonly wrapRam?: ((memory: SharedMemory) => SharedMemory) | undefined;
  /** Somebody who sees what the device side does, and what is said to it. */
  readonly watch?: ((options: ObserverOptions) => Observer) | undefined;
}

export class PcHost implements PcDevices {
  readonly host: Host;
  readonly handler: PortHandler;
  readonly #bus: PcBus;
  readonly #bell: Doorbell;
  readonly #controller: InterruptController;
  readonly #interrupts: PcInterrupts;
  readonly #failed: (error: unknown) => void;
  #decoded: Record<"io" | "memory", readonly Range[]> = { io: [], memory: [] };
  readonly #hotPlug: AcpiHotPlug;
  readonly #observer: Observer | undefined;
  #closed = false;

  constructor(cpu: V86Cpu, options: PcHostOptions) {
    const plan = planControl({ cpus: 1, functions: FUNCTIONS_MAX });
    const memory = guestMemory(cpu);
    const observer = options.watch?.({
      ram: new Ram(memory, 0),
      plan,
      slotOf: (index) => this.host.functions.find((each) => each.index === index)?.slot,
      sides: ["device"],
    });
    this.#observer = observer;
    const watched = (unseen: SharedMemory) =>
      observer === undefined ? unseen : new RecordedMemory(unseen, observer);
    const control = watched(attachMemory(allocateShared(plan.bytes)));
    this.host = new Host({
      ram: new Ram(watched(options.wrapRam?.(memory) ?? memory), 0),
      control,
      plan,
      platform: livePlatform,
      // A notify register is a port like any other here.
      kickFastPath: false,
      hotPlugInterrupt: () => this.#hotPlug.interrupt(),
      watchBus: observer?.access,
      watchSlots: observer?.slotChanged,
      violated: options.violated,
      log: options.log,
    });
    this.#failed = options.failed;
    this.handler = guarded(
      options.intercept?.(this.host.handler, this.host) ?? this.host.handler,
      options.failed,
    );
    this.#bell = new Doorbell(control, plan.cpus[0]?.doorbell ?? 0);
    this.#controller = new InterruptController(control, plan, 0, this.#bell);
    this.#interrupts = new PcInterrupts(cpu, this.#controller);
    this.#hotPlug = new AcpiHotPlug(cpu, this.handler, (slot) => this.owns(slot));
    this.#bus = new PcBus(cpu, this);
    this.#bus.claim(HOT_PLUG.changed, ACPI_HOT_PLUG_END, this.#hotPlug);
    this.host.work.onEnded = () => this.served();
    void this.#deliverWhenPosted();
  }

  owns(slot: number): boolean {
    return this.host.functions.some((each) => each.slot === slot);
  }

  decoded(kind: "io" | "memory"): readonly Range[] {
    return this.#decoded[kind];
  }

  configured(): void {
    const ranges = this.host.functions.flatMap(({ pci }) =>
      pci.bars.flatMap(({ kind, bytes }, index) => {
        const start = pci.decodedAt(index);
        return start === undefined ? [] : [{ kind, start, bytes }];
      }),
    );
    this.#decoded = {
      io: ranges.filter(({ kind }) => kind === "io"),
      memory: ranges.filter(({ kind }) => kind === "memory"),
    };
    this.#bus.remap();
  }

  served(): void {
    try {
      while (this.host.poll());
      // Here it has nothing more to do: what is due now is missing.
      this.#observer?.sleep(0, true);
      this.#interrupts.deliver();
    } catch (error) {
      this.#failed(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#bell.ring();
    await this.host.close();
  }

  /** What is posted outside of an access by port: by a back-end, a user's command, an unmasked vector. */
  async #deliverWhenPosted(): Promise<void> {
    while (!this.#closed) {
      // Ordering I: announce, then look for work.
      const ticket = this.#bell.announce();
      if (this.#controller.pending()) this.#bell.cancel();
      else await this.#bell.sleepAsync(ticket);
      if (!this.#closed) this.served();
    }
  }
}

/** Nothing may be thrown through the emulator: it would be left in the middle of an instruction. */
function guarded(handler: PortHandler, failed: (error: unknown) => void): PortHandler {
  const guard = <T>(access: () => T, otherwise: T): T => {
    try {
      return access();
    } catch (error) {
      failed(error);
      return otherwise;
    }
  };
  return {
    portRead: (port, width) => guard(() => handler.portRead(port, width), allOnes(width)),
    portWrite: (port, width, value) => guard(() => handler.portWrite(port, width, value), undefined),
    mmioRead: (address, width) => guard(() => handler.mmioRead(address, width), allOnes(width)),
    mmioWrite: (address, width, value) => guard(() => handler.mmioWrite(address, width, value), undefined),
  };
}

function guestMemory(cpu: V86Cpu): EmulatorMemory {
  return new EmulatorMemory({
    buffer: () => cpu.wasm_memory.buffer,
    base: cpu.mem8.byteOffset,
    byteLength: cpu.memory_size[0],
    changing: (start, end) => cpu.jit_dirty_cache(start, end),
  });
}
