/** Device types: virtio id, transitional PCI device id and class code [virtio 1.4, 4.1.2.1, 5]. */

export interface VirtioType {
  readonly id: number;
  readonly pciDevice: number;
  /** 24-bit PCI class code (class, subclass, programming interface), as QEMU's functions report it. */
  readonly classCode: number;
  /** What `lspci` prints. */
  readonly label: string;
}

export const VIRTIO_TYPE = {
  net: { id: 1, pciDevice: 0x1000, classCode: 0x020000, label: "Ethernet controller: Virtio network device" },
  blk: {
    id: 2,
    pciDevice: 0x1001,
    classCode: 0x010000,
    label: "SCSI storage controller: Virtio block device",
  },
  console: {
    id: 3,
    pciDevice: 0x1003,
    classCode: 0x078000,
    label: "Communication controller: Virtio console",
  },
  rng: { id: 4, pciDevice: 0x1005, classCode: 0x00ff00, label: "Unclassified device: Virtio RNG" },
  balloon: {
    id: 5,
    pciDevice: 0x1002,
    classCode: 0x00ff00,
    label: "Unclassified device: Virtio memory balloon",
  },
} as const satisfies Record<string, VirtioType>;

/** A type virtlab ships no facts for (a user's own device): the next free transitional id is as good as any. */
export function virtioType(id: number): VirtioType {
  const known = Object.values(VIRTIO_TYPE).find((type) => type.id === id);
  return (
    known ?? {
      id,
      pciDevice: 0x1000 + (id & 0x3f),
      classCode: 0x00ff00,
      label: `Unclassified device: Virtio device ${id}`,
    }
  );
}
