/**
 * The two PC machines that QEMU has, as far as INTx goes: which of the guest's four lines a pin is wired to, and which
 * interrupt of the I/O APIC each line arrives as.
 */
import type { PortBus } from "../../bus/port-bus.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress } from "../../wire/pci.ts";

export const CHIPSETS = ["pc", "q35"] as const;
export type ChipsetName = (typeof CHIPSETS)[number];

export interface Chipset {
  /** By line, 0-3: the interrupt of the I/O APIC. */
  readonly lineIrqs: readonly number[];
  /** The line of a function's pin (1-4). */
  lineOf(slot: number, pin: number): number;
  /** What firmware would have done. */
  route(bus: PortBus): void;
}

const PIIX3 = { bus: 0, slot: 1, function: 0 };
const PIIX3_FIRST_ROUTE = 0x60;
/** Interrupts that nothing else uses on a machine without devices of its own. */
const PC_LINE_IRQS = [10, 11, 5, 7] as const;

export const chipsets: Readonly<Record<ChipsetName, Chipset>> = {
  pc: {
    lineIrqs: PC_LINE_IRQS,
    lineOf: (slot, pin) => (slot - 1 + pin - 1) & 3,
    // The south bridge comes out of reset with its four routes switched off.
    route(bus) {
      PC_LINE_IRQS.forEach((irq, line) => {
        bus.out(CONFIG_ADDRESS_PORT, 4, configAddress(PIIX3, PIIX3_FIRST_ROUTE));
        bus.out(CONFIG_DATA_PORT + line, 1, irq);
      });
    },
  },
  q35: {
    lineIrqs: [20, 21, 22, 23],
    lineOf: (slot, pin) => (slot + pin - 1) & 3,
    // Slots below 25 are wired to the I/O APIC for good.
    route: () => undefined,
  },
};
