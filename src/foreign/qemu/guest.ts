/** The very same guest as everywhere, over a QEMU that waits at the other end of FIFOs and a RAM file. */
import { closeSync, openSync } from "node:fs";
import type { PortBus } from "../../bus/port-bus.ts";
import { Guest, type GuestOptions } from "../../guest/guest.ts";
import { FIRST_LINE_IRQ } from "../../guest/irq.ts";
import { FileMemory } from "../../memory/file-memory.ts";
import { DEFAULT_RAM_BASE, Ram } from "../../memory/ram.ts";
import type { SharedMemory } from "../../memory/shared-memory.ts";
import { type ChipsetName, chipsets } from "./chipset.ts";
import { MESSAGE_BYTES, QemuInterrupts } from "./interrupts.ts";
import { QtestBus } from "./qtest-bus.ts";
import { QtestChannel } from "./qtest-channel.ts";

/** Words that MSI-X messages are written to: below the guest's RAM, where a PC has plain memory too. */
const MESSAGE_ADDRESS = 0x1_0000;
const CONNECT_MS = 10_000;

export interface QemuGuestOptions {
  readonly qtest: string;
  readonly ram: string;
  readonly ramBytes: number;
  readonly chipset: ChipsetName;
  /** As `GuestOptions`: what the user chose. */
  readonly guest: Pick<GuestOptions, "log" | "interruptTiers" | "ringFeatures">;
  /** Stand between the guest and QEMU: to write down what passes, or to spoil it. */
  readonly wrapBus?: (bus: PortBus) => PortBus;
  readonly wrapMemory?: (memory: SharedMemory) => SharedMemory;
}

export interface QemuGuest {
  readonly guest: Guest;
  readonly channel: QtestChannel;
  readonly interrupts: QemuInterrupts;
  close(): void;
}

export async function connectGuest(options: QemuGuestOptions): Promise<QemuGuest> {
  const { wrapBus = (bus) => bus, wrapMemory = (memory) => memory } = options;
  const channel = await QtestChannel.open(options.qtest, CONNECT_MS);
  // It answers once the machine is complete; the FIFOs are open long before.
  if (channel.ask("endianness") !== "little") throw new Error("expected a little-endian machine");
  const descriptor = openSync(options.ram, "r+");
  const memory = (base: number, byteLength: number) =>
    new FileMemory({
      descriptor,
      base,
      byteLength,
      storeWord: (offset, value) => channel.ask(`writew ${base + offset} ${value}`),
    });
  const chipset = chipsets[options.chipset];
  const bus = new QtestBus(channel);
  const messages = memory(MESSAGE_ADDRESS, MESSAGE_BYTES);
  const interrupts = new QemuInterrupts(messages, MESSAGE_ADDRESS, channel, chipset.lineIrqs);
  chipset.route(bus);
  const guest = new Guest({
    ...options.guest,
    ram: new Ram(wrapMemory(memory(DEFAULT_RAM_BASE, options.ramBytes)), DEFAULT_RAM_BASE),
    bus: wrapBus(bus),
    interrupts,
    messageFor: interrupts.messageFor,
    intxIrq: (slot, pin) => FIRST_LINE_IRQ + chipset.lineOf(slot, pin),
  });
  const close = () => {
    channel.close();
    closeSync(descriptor);
  };
  return { guest, channel, interrupts, close };
}
