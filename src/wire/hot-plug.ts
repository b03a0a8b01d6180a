/**
 * Hot-plug registers at fixed ports, laid out as on QEMU's PC (ACPI PCI hot plug): bit n of each 32-bit register is
 * slot n. An event also sets off the system interrupt, as ACPI's SCI does.
 */
export const HOT_PLUG = {
  /** Read and clear: slots whose device came, or went without being asked. */
  changed: 0xae00,
  /** Read and clear: slots whose device the guest is asked to let go of. */
  wanted: 0xae04,
  /** Write: the guest has let go of the devices in these slots. */
  eject: 0xae08,
  end: 0xae0c,
} as const;

/** The system interrupt, and the vector that posts it: irqs 0-15 are vectors 0x20-0x2f. */
export const HOT_PLUG_IRQ = 9;
export const FIRST_SYSTEM_VECTOR = 0x20;
export const SYSTEM_IRQS = 16;
