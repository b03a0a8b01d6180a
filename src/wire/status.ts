/** Device status register: bits and legal steps [virtio 1.4, 2.1, 3.1]. */

export const STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  NEEDS_RESET: 64,
  FAILED: 128,
} as const;

const NAMES = Object.entries(STATUS) as [keyof typeof STATUS, number][];

export function describeStatus(status: number): string {
  if (status === 0) return "RESET";
  return NAMES.filter(([, bit]) => (status & bit) !== 0)
    .map(([name]) => name)
    .join("|");
}

/** Bits only ever accumulate; writing 0 is the one way back [2.1.1]. */
export function isStatusStep(from: number, to: number): boolean {
  return to === 0 || (from & ~to) === 0;
}
