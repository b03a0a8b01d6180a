/** What a function shows in PCI configuration space [4.1.1, 4.1.2]. */

import type { FunctionView } from "../../observe/record/functions.ts";
import { CAPABILITY, COMMAND, MSIX, PCI, PCI_STATUS, VIRTIO_PCI, VIRTIO_VENDOR } from "../../wire/pci.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { type Moments, rule } from "../moments.ts";

const TYPES = Object.values(VIRTIO_TYPE);
const MODERN_FIRST = 0x1040;
const MODERN_LAST = 0x107f;
/** Registers before device configuration with MSI-X on. */
const HEADER_BYTES = 24;

const isVirtio = (view: FunctionView): boolean => view.word(PCI.vendorId) === VIRTIO_VENDOR;
const covers = ({ offset, width, write }: Moments["pci"], at: number): boolean =>
  !write && offset <= at && at < offset + width;
const byteAt = ({ offset, value }: Moments["pci"], at: number): number =>
  (value >>> (8 * (at - offset))) & 0xff;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Of a function that a driver uses through the legacy register block. */
export const pciRules = [
  rule("PCI-DEV-01", "pci", (access) => {
    if (!covers(access, PCI.headerType)) return false;
    const type = byteAt(access, PCI.headerType) & 0x7f;
    return type !== 0 && isVirtio(access.view) && `header type ${type}`;
  }),
  rule("PCI-DEV-02", "met", ({ view }) => {
    const vendor = view.word(PCI.vendorId);
    return view.seen[0] === 1 && vendor !== VIRTIO_VENDOR && `vendor id ${hex(vendor)}`;
  }),
  rule("PCI-DEV-03", "met", ({ view }) => {
    const type = TYPES.find(({ id }) => id === view.word(PCI.subsystemId));
    const id = view.word(PCI.deviceId);
    const legacy = id >= VIRTIO_PCI.firstDevice && id <= VIRTIO_PCI.lastDevice;
    return (
      view.seen[PCI.subsystemId] === 1 &&
      type !== undefined &&
      legacy &&
      id !== type.pciDevice &&
      `device id ${hex(id)} with virtio id ${type.id}`
    );
  }),
  rule("LEGACY-DEV-04", "met", ({ view }) => {
    const revision = view.space[PCI.revisionId] ?? 0;
    return view.seen[PCI.revisionId] === 1 && revision !== 0 && `revision ${revision}`;
  }),
  rule("LEGACY-DEV-05", "met", ({ view }) => {
    const id = view.word(PCI.subsystemId);
    return (
      view.seen[PCI.subsystemId] === 1 &&
      (id === 0 || id >= 0x40) &&
      `subsystem id ${hex(id)} is no virtio id`
    );
  }),
  rule("LEGACY-DEV-06", "met", ({ view }) => {
    const id = view.word(PCI.deviceId);
    const known = id >= VIRTIO_PCI.firstDevice && id <= VIRTIO_PCI.lastDevice;
    const modern = id >= MODERN_FIRST && id <= MODERN_LAST;
    return view.seen[PCI.deviceId] === 1 && !known && !modern && `device id ${hex(id)}`;
  }),
  rule("LEGACY-DEV-07", "pci", ({ write, offset, width, value, view }) => {
    const sized = !write && offset === PCI.bar0 && width === 4 && view.long(PCI.bar0) >= 0xffff_0000;
    const bytes = (0x1_0000 - (value & 0xfffc)) & 0xffff;
    return (
      sized && isVirtio(view) && (value & 1) === 1 && bytes < HEADER_BYTES && `I/O BAR0 has ${bytes} bytes`
    );
  }),
  rule("LEGACY-DEV-11", "pci", ({ write, offset, width, value, view }) =>
    !write && offset === PCI.bar0 && width === 4 && isVirtio(view) && value !== 0 && (value & 1) === 0
      ? "BAR0 is a memory region"
      : undefined,
  ),
  rule("PCI-DEV-26", "pci", (access) => {
    const { device, view, offset, write, width } = access;
    if (write || offset !== PCI.status || width !== 2 || view.msixEnabled) return false;
    const shown = (access.value & PCI_STATUS.INTERRUPT) !== 0;
    return (
      device.isrSeen && shown !== (device.isr !== 0) && `PCI status bit 3 is ${shown}, ISR is ${device.isr}`
    );
  }),
  rule("PCI-DEV-26", "line", ({ view }) =>
    (view.word(PCI.command) & COMMAND.INTX_DISABLE) !== 0
      ? "the line is raised with Command bit 10 set"
      : undefined,
  ),
  rule("PCI-DEV-37", "pci", ({ view, offset, width, write, value }) => {
    const at = view.capability(CAPABILITY.MSIX);
    if (write || at === 0 || offset !== at + MSIX.control || width !== 2) return false;
    const vectors = (value & MSIX.sizeMask) + 1;
    return (vectors < 2 || vectors > 0x800) && `${vectors} MSI-X vectors`;
  }),
];
