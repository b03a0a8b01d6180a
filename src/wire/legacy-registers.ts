/**
 * The legacy virtio register block at the start of I/O BAR0 [virtio 1.4, 4.1.4.10; 0.9.5, 2.2.1].
 * Registers are data: both sides and every diagnostic use the same offsets, widths and names.
 */

export interface Register {
  readonly offset: number;
  readonly bytes: 1 | 2 | 4;
  readonly access: "read-only" | "read-write";
  readonly name: string;
}

const register = (offset: number, bytes: 1 | 2 | 4, access: Register["access"], name: string): Register => ({
  offset,
  bytes,
  access,
  name,
});

export const LEGACY = {
  hostFeatures: register(0, 4, "read-only", "device features"),
  guestFeatures: register(4, 4, "read-write", "driver features"),
  queuePfn: register(8, 4, "read-write", "queue PFN"),
  queueSize: register(12, 2, "read-only", "queue size"),
  queueSelect: register(14, 2, "read-write", "queue select"),
  queueNotify: register(16, 2, "read-write", "queue notify"),
  status: register(18, 1, "read-write", "device status"),
  isr: register(19, 1, "read-only", "ISR status"),
  configVector: register(20, 2, "read-write", "config vector"),
  queueVector: register(22, 2, "read-write", "queue vector"),
} as const satisfies Record<string, Register>;

export type LegacyRegister = keyof typeof LEGACY;

/** Register block length; the device's own configuration starts here. It moves when MSI-X is switched on or off. */
export const LEGACY_HEADER_BYTES = 20;
export const LEGACY_HEADER_BYTES_MSIX = 24;
export const legacyConfigOffset = (msixEnabled: boolean): number =>
  msixEnabled ? LEGACY_HEADER_BYTES_MSIX : LEGACY_HEADER_BYTES;

export const NO_VECTOR = 0xffff;
export const ISR = { QUEUE: 1, CONFIG: 2 } as const;

/** The name diagnostics print for an access at `offset` of BAR0. */
export function legacyRegisterName(offset: number, msixEnabled: boolean): string {
  const config = legacyConfigOffset(msixEnabled);
  if (offset >= config) return `device config +${offset - config}`;
  const hit = Object.values(LEGACY).find((r) => offset >= r.offset && offset < r.offset + r.bytes);
  if (hit === undefined) return `offset ${offset}`;
  return offset === hit.offset ? hit.name : `${hit.name} +${offset - hit.offset}`;
}
