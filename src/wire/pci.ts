/** PCI facts: configuration mechanism 1, the type-0 header, and the capabilities that virtlab's functions carry. */

export const CONFIG_ADDRESS_PORT = 0xcf8;
export const CONFIG_DATA_PORT = 0xcfc;
export const CONFIG_ENABLE = 0x8000_0000;
export const CONFIG_SPACE_BYTES = 256;

/** Offsets in the type-0 header. */
export const PCI = {
  vendorId: 0x00,
  deviceId: 0x02,
  command: 0x04,
  status: 0x06,
  revisionId: 0x08,
  classCode: 0x09,
  headerType: 0x0e,
  bar0: 0x10,
  subsystemVendorId: 0x2c,
  subsystemId: 0x2e,
  capabilityPointer: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const;

export const BAR_COUNT = 6;
export const BAR_IO = 1;
export const BAR_IO_MASK = 0xffff_fffc;
export const BAR_MEMORY_MASK = 0xffff_fff0;

export const COMMAND = { IO: 1 << 0, MEMORY: 1 << 1, BUS_MASTER: 1 << 2, INTX_DISABLE: 1 << 10 } as const;
export const PCI_STATUS = { INTERRUPT: 1 << 3, CAPABILITIES: 1 << 4 } as const;

export const CAPABILITY = { POWER_MANAGEMENT: 0x01, MSIX: 0x11 } as const;

/** Power management capability: offset of PMCSR and its state field. */
export const PM = { control: 4, stateMask: 3, D0: 0, D3HOT: 3 } as const;

/** MSI-X capability (offsets from its start), table entry layout, and message format of the x86 local APIC. */
export const MSIX = {
  control: 2,
  table: 4,
  pba: 8,
  capabilityBytes: 12,
  enable: 1 << 15,
  functionMask: 1 << 14,
  sizeMask: 0x7ff,
  entryBytes: 16,
  entryAddress: 0,
  entryAddressHigh: 4,
  entryData: 8,
  entryControl: 12,
  entryMasked: 1,
  maxVectors: 64,
} as const;

export const MSI_ADDRESS_BASE = 0xfee0_0000;
/** Logical destination: bits 12..19 are a set of CPUs, one bit each, instead of a CPU's number. */
const MSI_LOGICAL = 1 << 2;
/** Message address and data: bits 12..19 of the address pick the virtual CPU, the low byte of data the vector. */
export const msiAddress = (cpu: number): number => (MSI_ADDRESS_BASE | (cpu << 12)) >>> 0;
/** The CPU that a message goes to; of a set the first. */
export function msiCpu(address: number): number {
  const destination = (address >>> 12) & 0xff;
  return (address & MSI_LOGICAL) === 0 ? destination : 31 - Math.clz32(destination & -destination);
}
export const isMsiAddress = (address: number): boolean => address >>> 20 === MSI_ADDRESS_BASE >>> 20;

export const VIRTIO_VENDOR = 0x1af4;
/** Legacy virtio-pci functions: device ids and the only ABI version (PCI revision) there is. */
export const VIRTIO_PCI = { firstDevice: 0x1000, lastDevice: 0x103f, abiVersion: 0 } as const;

/** Bus, device, function: as mechanism 1 packs it, bits 8..23 of the address register. */
export interface Bdf {
  readonly bus: number;
  readonly slot: number;
  readonly function: number;
}
export const configAddress = ({ bus, slot, function: fn }: Bdf, offset: number): number =>
  (CONFIG_ENABLE | (bus << 16) | (slot << 11) | (fn << 8) | (offset & 0xfc)) >>> 0;
const hex2 = (value: number): string => value.toString(16).padStart(2, "0");
export const formatBdf = ({ bus, slot, function: fn }: Bdf): string => `${hex2(bus)}:${hex2(slot)}.${fn}`;
